import Events
import Machine
import TestParts
import Testing

@testable import Devices

/// Promise 6 at the size of a large line: one fault stays one fault.
struct ModbusMuteTests {
  private static let count = 95
  private static let address = "{ at: 40001, type: uint16 }"
  private static let map = """
    kind: modbus
    requests: { timeout: 5s }
    groups:
      process: { every: 100ms, tags: { force: \(address) } }
    """
  /// Waits for an answer all through the test.
  private static let patientMap = map.replacing("timeout: 5s", with: "timeout: 60s")

  /// In a process of its own: with the descriptors of 100 connections, all tests at once would come near the 1,024 from
  /// where on a connection is refused.
  @Test(.timeLimit(minutes: 5))
  func `5 of 100 PLCs accept and never answer: the other 95 make as many polls as in a run without them`() async {
    await #expect(processExitsWith: .success) { try await ModbusMuteTests().compare() }
  }

  private func compare() async throws {
    let server = try await ModbusServer(count: 10)
    let mutes = try (1...5).map { _ in try TestPLC { _, _ in [.silence] } }
    let (map, patientMap) = (try loadedMap(Self.map), try loadedMap(Self.patientMap))
    let good = (1...Self.count).map { settings("good-\($0)", port: server.port, map: map) }
    let mute = mutes.enumerated().map { settings("mute-\($0.offset + 1)", port: $0.element.port, map: patientMap) }
    var alone: [Double] = []
    var beside: [Double] = []
    // In turns, so that what else the machine does meanwhile meets both.
    for _ in 0..<2 {
      alone.append(try await polls(of: good, beside: [], port: server.port))
      beside.append(try await polls(of: good, beside: mute, port: server.port))
      for (number, plc) in mutes.enumerated() { try #require(plc.seen.count > 0, "mute-\(number + 1) was never asked") }
    }
    try #require(mutes.map(\.seen.count) == Array(repeating: 2, count: 5), "each waited through both runs")
    // Held up by five that keep a thread of a shared pool each, the others would make none, or a fifth.
    let ratio = beside.reduce(0, +) / alone.reduce(0, +)
    try #require(
      ratio > 0.6, "polls per round of the reference: \(alone) without, \(beside) with devices that never answer")
  }

  /// How many polls a good device makes on average in one round of the reference, while the mute ones are waited for.
  private func polls(of good: [DeviceSettings], beside mute: [DeviceSettings], port: Int) async throws -> Double {
    var polls = 0.0
    // The mute ones first: whatever they could hold up is held up before the others come.
    try await running(mute + good, into: Reports()) { line in
      func answers() -> [UInt64] { line.status.suffix(good.count).map(\.good) }
      try await eventually("all of the good ones answer", within: .seconds(60)) { answers().allSatisfy { $0 > 0 } }
      let before = answers()
      try await Reference(port: port).work(rounds: 15)
      let made = zip(answers(), before).map { $0 - $1 }
      try #require(line.status.prefix(mute.count).allSatisfy { $0.good == 0 && $0.faults.isEmpty })
      polls = Double(made.reduce(0, +)) / Double(good.count) / 15
    }
    return polls
  }
}

/// Asks the same server at the same rate, on a thread of its own, and is no device: what slows it is the machine alone.
private actor Reference {
  nonisolated private let thread = OwnThread(name: "reference")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let port: Int

  init(port: Int) { self.port = port }

  func work(rounds: Int) async throws {
    var link = try ModbusLink(host: "127.0.0.1", port: port, timeout: .seconds(5))
    var cadence = Cadence(every: .milliseconds(100), from: .now)
    for _ in 0..<rounds {
      try await Task.sleep(until: cadence.due, clock: .continuous)
      _ = cadence.take(at: .now)
      _ = try link.ask(.read(.holding, address: 0, count: 1), unit: 1, timeout: .seconds(5))
    }
  }
}
