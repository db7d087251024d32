import Events
import Foundation
import Glibc
import Machine
import TestParts
import Testing

/// How quickly a line PC answers: its scanner's beep, its status, its page.
struct Pace: CustomStringConvertible {
  var scan = Times()
  var status = Times()
  var page = Times()

  /// Asks the edge of `line` as often as told, the scanner of `gun` too.
  static func measured(_ line: LineFolder, _ gun: PacedScanner, times: Int) async throws -> Pace {
    let edge = CentralAnswers(url: line.edgeURL)
    var pace = Pace()
    pace.scan = try await gun.scan(times)
    for _ in 0..<times / 4 {
      pace.status.add(try await timed("/v1/status", at: edge))
      pace.page.add(try await timed("/", at: edge))
    }
    return pace
  }

  private static func timed(_ path: String, at edge: CentralAnswers) async throws -> Duration {
    let begun = ContinuousClock.now
    let answer = try await edge.get(path)
    try #require(answer.status == 200)
    return ContinuousClock.now - begun
  }

  mutating func add(_ other: Pace) {
    scan.milliseconds += other.scan.milliseconds
    status.milliseconds += other.status.milliseconds
    page.milliseconds += other.page.milliseconds
  }

  var description: String { "beep \(scan), status \(status), page \(page)" }
}

/// Durations, of which the median and the 99th percentile are told.
struct Times: CustomStringConvertible {
  var milliseconds: [Double] = []

  mutating func add(_ duration: Duration) { milliseconds.append(duration / .milliseconds(1)) }

  func part(_ share: Double) -> Double {
    let sorted = milliseconds.sorted()
    return sorted.isEmpty ? .nan : sorted[min(sorted.count - 1, Int(Double(sorted.count) * share))]
  }

  var description: String { String(format: "%.2f/%.2f ms", part(0.5), part(0.99)) }
}

/// A scanner that waits for its beep without a pause between, on a thread of its own.
actor PacedScanner {
  private let thread = OwnThread(name: "gun")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let terminal: PseudoTerminal
  private var number = 0
  /// What was answered by a beep, in its order.
  private(set) var accepted: [String] = []

  init(link: String) throws { terminal = try PseudoTerminal(link: link) }

  /// Scans so many codes; how long each waited for its beep.
  func scan(_ count: Int) throws -> Times {
    var times = Times()
    for _ in 0..<count {
      number += 1
      let code = "SN\(5_000_000 + number)"
      let begun = ContinuousClock.now
      try terminal.send(Array("\(code)\r".utf8))
      let answer = terminal.receive(timeoutMilliseconds: 60_000)
      times.add(ContinuousClock.now - begun)
      try #require(answer == [0x06], "\(code) was answered by \(answer)")
      accepted.append(code)
    }
    return times
  }
}
