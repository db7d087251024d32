import CReference
import Foundation
import Machine

/// How long a scanner waits for its beep: from the frame's last byte to the acknowledge, on a pseudo-terminal, against
/// what one write of a page with its fdatasync takes on the same disk at the same time.
enum AcceptBench {
  private static let perTurn = 100
  private static let turns = 10
  /// So many that the queue's journal has its size, and is written over from then on.
  private static let before = 800
  /// A page and its header, as SQLite's journal has them.
  private static let page: Int32 = 4120

  static func measure(rounds: Int) async throws -> [Measurement] {
    var median = Measurement(
      name: "scan to beep on a pty, p50, against one write and fdatasync", unit: "ms", ours: [],
      goal: .ratioAtMost(1.5))
    var late = Measurement(name: "the same, p99 against p50 of the flush", unit: "ms", ours: [], goal: .ratioAtMost(3))
    var both = Measurement(name: "the same, p99 against p99 of the flush", unit: "ms", ours: [])
    for _ in 0..<rounds {
      try await withScratch { folder in
        let line = try PseudoTerminal(link: folder + "/scanner")
        let settings = try EdgeFolder(
          folder, ports: [], registers: 1, every: "1s", scanner: folder + "/scanner", acknowledges: true)
        let daemon = try settings.start()
        try await daemon.ready { isOpen(settings.port.port) }
        // The first one finds the scanner's port being opened.
        let warm = try await Task.detached { try scans(line, before, wait: 20_000) }.value
        guard warm.count == before else { throw BenchFailure("the edge does not acknowledge scans") }
        var (accepted, flushes) = ([Double](), [Double]())
        for turn in 0..<turns {
          accepted += try await Task.detached { try scans(line, perTurn) }.value
          var took = [Double](repeating: 0, count: perTurn)
          guard reference_flushes("\(folder)/flushes-\(turn)", Int32(perTurn), page, 0, &took) > 0 else {
            throw BenchFailure("the C program could not write to \(folder)")
          }
          flushes += took
        }
        daemon.stop()
        median.ours.append(part(accepted, 0.5) * 1000)
        median.reference.append(part(flushes, 0.5) * 1000)
        late.ours.append(part(accepted, 0.99) * 1000)
        late.reference.append(part(flushes, 0.5) * 1000)
        both.ours.append(part(accepted, 0.99) * 1000)
        both.reference.append(part(flushes, 0.99) * 1000)
      }
    }
    return [median, late, both]
  }

  /// Scans one code after the other, blocking its thread, and gives the seconds that each waited.
  private static func scans(_ line: PseudoTerminal, _ count: Int, wait: Int32 = 5000) throws -> [Double] {
    try (0..<count).map { _ in
      let code = Array("SN\(Int.random(in: 100_000_000...999_999_999))\r".utf8)
      let start = ContinuousClock.now
      try line.send(code)
      let answer = line.receive(timeoutMilliseconds: wait)
      guard answer == [0x06] else { throw BenchFailure("a scan was answered by \(answer)") }
      return (ContinuousClock.now - start).inSeconds
    }
  }

  private static func part(_ values: [Double], _ share: Double) -> Double {
    let sorted = values.sorted()
    return sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }
}
