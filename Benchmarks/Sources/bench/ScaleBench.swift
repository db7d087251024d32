import CReference
import Foundation
import Machine

/// Many PLCs in one process, some of them silent: CPU, memory, and how late each is asked.
enum ScaleBench {
  static let tags = 60
  static let silentOf500 = 25

  static func measure(rounds: Int, seconds: Double = 20) async throws -> [Measurement] {
    let many = try serve(500, silent: silentOf500)
    let few = try serve(50)
    var share = Measurement(
      name: "500 PLCs x 60 tags x 1 s, 25 silent", unit: "% of a core", ours: [], goal: .atMost(60))
    var own = Measurement(name: "the same, memory of its own (RssAnon)", unit: "MB", ours: [], goal: .atMost(40))
    var resident = Measurement(name: "the same, resident (RSS)", unit: "MB", ours: [])
    var late = Measurement(name: "the same, lateness of a poll, p99", unit: "ms", ours: [], goal: .atMost(2))
    var growth = Measurement(name: "CPU of a PLC among 500 against one among 50", unit: "ratio", ours: [])
    for _ in 0..<rounds {
      let large = try await run(many, silent: silentOf500, seconds)
      let small = try await run(few, silent: 0, seconds)
      share.ours.append(large.share * 100)
      own.ours.append(large.own)
      resident.ours.append(large.resident)
      late.ours.append(large.late * 1000)
      growth.ours.append(large.share / Double(many.count - silentOf500) / (small.share / Double(few.count)))
    }
    return [share, own, resident, late, growth]
  }

  private struct Usage {
    let share: Double
    let own: Double
    let resident: Double
    let late: Double
  }

  private static func run(_ ports: [Int32], silent: Int, _ seconds: Double) async throws -> Usage {
    try await withScratch { folder in
      let settings = try EdgeFolder(folder, ports: ports.map(Int.init), registers: tags, every: "1s", report: "change")
      let speaking = UInt64(ports.count - silent)
      let before = reference_answered()
      let daemon = try settings.start()
      try await daemon.ready { reference_answered() - before > 4 * speaking }
      reference_forget()
      let (cpu, answers, start) = (try daemon.cpuSeconds(), reference_answered(), ContinuousClock.now)
      try await Task.sleep(for: .seconds(seconds))
      let took = (ContinuousClock.now - start).inSeconds
      let used = try daemon.cpuSeconds() - cpu
      let polls = Double(reference_answered() - answers)
      guard polls > 0.98 * Double(speaking) * (took - 1) else {
        throw BenchFailure("of \(Int(Double(speaking) * took)) polls only \(Int(polls)) were made")
      }
      let memory = try daemon.memory()
      var late = [Double](repeating: 0, count: 64 * ports.count)
      let count = Int(reference_lateness(1, &late, Int32(late.count)))
      daemon.stop()
      let sorted = late[..<count].sorted()
      guard !sorted.isEmpty else { throw BenchFailure("no poll was seen twice") }
      return Usage(
        share: used / took, own: memory.own, resident: memory.resident, late: sorted[sorted.count * 99 / 100])
    }
  }
}

/// One PLC that is asked a thousand times a second: ten groups, each every 10 ms, each a request of its own.
enum RateBench {
  static func measure(rounds: Int, seconds: Double = 10) async throws -> [Measurement] {
    let port = try serve(1)
    var rate = Measurement(
      name: "one PLC asked 1000 times a second", unit: "requests/s", ours: [], goal: .atLeast(990))
    for _ in 0..<rounds {
      try await withScratch { folder in
        let settings = try EdgeFolder(
          folder, ports: port.map(Int.init), registers: 10, every: "10ms", report: "change", groups: 10)
        let before = reference_answered()
        let daemon = try settings.start()
        try await daemon.ready { reference_answered() - before > 1000 }
        let (answers, start) = (reference_answered(), ContinuousClock.now)
        try await Task.sleep(for: .seconds(seconds))
        rate.ours.append(Double(reference_answered() - answers) / (ContinuousClock.now - start).inSeconds)
        daemon.stop()
      }
    }
    return [rate]
  }
}
