import CReference
import Foundation
import Machine

/// A gigabyte of random bytes on a scanner's line: what the edge keeps of it, and whether its PLCs feel it.
enum GarbageBench {
  static let devices = 10
  static let bytes = 1_000_000_000

  static func measure() async throws -> [Measurement] {
    let ports = try serve(devices)
    return try await withScratch { folder in
      let line = try PseudoTerminal(link: folder + "/scanner")
      let settings = try EdgeFolder(
        folder, ports: ports.map(Int.init), registers: 10, every: "100ms", report: "change",
        scanner: folder + "/scanner")
      let daemon = try settings.start()
      try await daemon.ready { reference_answered() > UInt64(20 * devices) }
      let before = try daemon.memory().own
      let quiet = try await lateness { try await Task.sleep(for: .seconds(5)) }
      var most = before
      var polls = 0.0
      let (answers, start) = (reference_answered(), ContinuousClock.now)
      let loud = try await lateness {
        try await flood(line) { most = max(most, try daemon.memory().own) }
        polls =
          Double(reference_answered() - answers) / (10 * Double(devices) * (ContinuousClock.now - start).inSeconds)
      }
      let took = (ContinuousClock.now - start).inSeconds
      daemon.stop()
      let events = try await settings.storedEvents()
      return [
        Measurement(name: "1 GB of garbage on a serial line, taken", unit: "MB/s", ours: [Double(bytes) / took / 1e6]),
        Measurement(
          name: "the same, growth of memory of its own (RssAnon)", unit: "MB", ours: [most - before], goal: .atMost(4)),
        Measurement(
          name: "the same, polls of ten PLCs beside it that were made", unit: "% of those due", ours: [polls * 100],
          goal: .atLeast(99)),
        Measurement(name: "the same, their lateness without it, p99", unit: "ms", ours: [quiet * 1000]),
        Measurement(name: "the same, their lateness with it, p99", unit: "ms", ours: [loud * 1000]),
        Measurement(
          name: "the same, events a minute of all devices together", unit: "events", ours: [Double(events) / took * 60]),
      ]
    }
  }

  /// Sends garbage as fast as it is taken, and looks a few times a second how the daemon is.
  private static func flood(_ line: PseudoTerminal, look: () throws -> Void) async throws {
    var seed: UInt64 = 2026
    let piece = (0..<(1 << 20)).map { _ -> UInt8 in
      seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return UInt8(truncatingIfNeeded: seed >> 56)
    }
    var sent = 0
    var looked = ContinuousClock.now
    while sent < bytes {
      // Each time from another place, or a line that repeats itself would be told from garbage.
      let from = sent % 65_521
      try line.send(Array(piece[from..<(from + 65_536)]))
      sent += 65_536
      if ContinuousClock.now - looked > .milliseconds(250) {
        looked = .now
        try look()
      }
    }
  }

  /// The p99 of how late polls came in the last moments of what is done.
  private static func lateness(_ work: () async throws -> Void) async throws -> Double {
    reference_forget()
    try await work()
    var late = [Double](repeating: 0, count: 64 * devices)
    let count = Int(reference_lateness(0.1, &late, Int32(late.count)))
    let sorted = late[..<count].sorted()
    guard !sorted.isEmpty else { throw BenchFailure("no poll was seen twice") }
    return sorted[sorted.count * 99 / 100]
  }
}
