import Events
import Foundation
import Logging
import NIOConcurrencyHelpers
import TestParts
import Testing

@testable import Devices

/// Devices over real sockets, many side by side, whose answers are wrong in every way by turns.
@Suite(.serialized) struct HostileTests {
  /// Three tables with answers of three lengths; the numbers behind them name the question (`HostilePLC`).
  private static let map = """
    kind: modbus
    addresses: zero-based
    requests: { timeout: \(HostilePLC.timeout.short) }
    groups:
      holding:
        every: 30ms
        report: always
        tags: { number: { at: "holding:0", type: uint32 }, name: { at: "holding:2", type: uint16 } }
      input:
        every: 50ms
        report: always
        tags:
          number: { at: "input:0", type: uint32 }
          name:   { at: "input:2", type: uint16 }
          more:   { at: "input:3", type: uint16 }
      coil:
        every: 70ms
        report: always
        tags: { first: { at: "coil:0", type: bool }, last: { at: "coil:19", type: bool } }
    """

  /// What is wrong with the good values that came, and how many came.
  private struct Verdict {
    var good = 0
    var wrong: [String] = []
    var newest: [String: UInt32] = [:]

    mutating func take(_ reading: Reading, of plc: HostilePLC) {
      let device = Int(reading.device) ?? 0
      for tag in reading.tags where tag.value.isGood {
        good += 1
        if !isRight(tag, reading, device, plc), wrong.count < 20 {
          wrong.append("\(reading.device) \(reading.group) \(tag.name): \(tag.value)")
        }
      }
    }

    private mutating func isRight(_ tag: Events.Tag, _ reading: Reading, _ device: Int, _ plc: HostilePLC) -> Bool {
      switch (tag.name, tag.value) {
      case ("first", .bool(let flag)): return !flag
      case ("last", .bool(let flag)): return flag
      case ("number", .int(let value)):
        guard let number = UInt32(exactly: value), plc.isHonest(number, of: device) else { return false }
        // Each answer has a higher number than those before it: an old one would show.
        let before = newest.updateValue(number, forKey: reading.device)
        return before.map { $0 < number } ?? true
      case (_, .int(let value)): return value == HostilePLC.name(reading.group == "holding" ? 3 : 4, device)
      default: return false
      }
    }
  }

  /// The ways to devices that lie.
  enum Way: CaseIterable {
    case tcp, rtuOverTCP, serial

    /// The names of all hostile answers that it knows.
    var kinds: Set<String> {
      Set(self == .tcp ? HostileAnswer.allCases.map { "\($0)" } : HostileFrame.allCases.map { "\($0)" })
    }
  }

  private func plc(_ way: Way, _ answers: Int, devices count: Int, seed: UInt64) throws -> (HostilePLC, [ModbusPlace]) {
    switch way {
    case .tcp, .rtuOverTCP:
      let framing: ModbusFraming = way == .tcp ? .tcp : .rtu
      let plc = try HostilePLC(seed: seed, budget: answers, framing: framing)
      let places = (1...count).map { number -> ModbusPlace in
        let host = "127.0.1.\(number)"
        return way == .tcp ? .tcp(host: host, port: plc.port) : .rtuOverTCP(host: host, port: plc.port)
      }
      return (plc, places)
    case .serial:
      let plc = try HostilePLC(seed: seed, budget: answers, lines: (count + 1) / 2)
      // A pseudo-terminal knows no parity.
      return (plc, (0..<count).map { .serial(path: plc.paths[$0 / 2], line: SerialLine(baud: 19200)) })
    }
  }

  private func attack(
    over way: Way = .tcp, _ answers: Int, devices count: Int, seed: UInt64, within limit: Duration
  ) async throws -> HostilePLC.Account {
    let (plc, places) = try plc(way, answers, devices: count, seed: seed)
    defer { plc.stop() }
    let map = try loadedMap(Self.map)
    let devices = (1...count).map { number in
      DeviceSettings(
        name: "\(number)", station: "ST10", map: map, link: .modbus(places[number - 1], unit: UInt8(number)))
    }
    let verdict = NIOLockedValueBox(Verdict())
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let line = LineDevices(devices, lastCycles: [:], logger: logger) { report in
      if case .reading(let reading) = report { verdict.withLockedValue { $0.take(reading, of: plc) } }
      return .accepted
    }
    let running = Task { await line.run() }
    defer { running.cancel() }
    try await eventually("all hostile answers are given (seed \(seed))", within: limit, every: .milliseconds(50)) {
      plc.isSpent
    }
    // What was spoilt is over, and a connection that is new gives values.
    let marks = line.status.map(\.good)
    try await eventually("every device gives values again", within: .seconds(60), every: .milliseconds(50)) {
      zip(line.status, marks).allSatisfy { $0.good > $1 + 3 && $0.state == .online }
    }
    running.cancel()
    await running.value
    let (result, account) = (verdict.withLockedValue { $0 }, plc.account)
    #expect(result.wrong.isEmpty, "seed \(seed)")
    #expect(result.good > answers)
    #expect(account.total == answers)
    #expect(account.askedAfterFault == 0)
    compare(account, with: line.status, isLineShared: way == .serial)
    return account
  }

  /// Each hostile answer is counted once, as what it is.
  ///
  /// A device that this machine held up for so long that it gave up first has counted a timeout in its place, and may
  /// have given up honest answers too.
  private func compare(_ account: HostilePLC.Account, with status: [DeviceStatus], isLineShared: Bool) {
    let expected = account.faults
    var counted: [String: Int] = [:]
    for (kind, count) in status.flatMap(\.faults) { counted[kind, default: 0] += Int(count) }
    // What drips may come to the other unit of a line where this machine holds it up for longer than a line is quiet, and
    // so may the answer to a request that was given up too early.
    let slack = isLineShared ? account.sent["drip", default: 0] : 0
    let late = isLineShared ? max(0, counted["timeout", default: 0] - expected["timeout", default: 0]) : 0
    let untimed = expected.filter { $0.key != "timeout" }
    var displaced = 0
    for (kind, count) in untimed {
      #expect(counted[kind, default: 0] <= count + slack + late, "\(kind): \(counted) for \(expected)")
      #expect(counted[kind, default: 0] * 10 >= count * 9, "\(kind): \(counted) for \(expected)")
      displaced += max(0, count - counted[kind, default: 0])
    }
    let silent = expected["timeout", default: 0] + displaced - slack
    #expect(counted["timeout", default: 0] >= silent, "\(counted) for \(expected)")
    #expect(Set(counted.keys).isSubset(of: Set(expected.keys).union(["timeout", "connect"])), "\(counted)")
  }

  @Test(.timeLimit(minutes: 5))
  func `three hundred hostile answers become no value and are counted by kind`() async throws {
    let account = try await attack(300, devices: 30, seed: 4, within: .seconds(90))
    #expect(Set(account.sent.keys) == Way.tcp.kinds)
  }

  @Test(.timeLimit(minutes: 5), arguments: [Way.rtuOverTCP, .serial])
  func `hundreds of hostile frames become no value, and a serial line is used on`(way: Way) async throws {
    let account = try await attack(over: way, 300, devices: 40, seed: 4, within: .seconds(90))
    #expect(Set(account.sent.keys) == way.kinds)
  }

  @Test(.timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: thousands of hostile answers become no value and are counted by kind`() async throws {
    let answers = Proof.number("LOTLINE_HOSTILE") ?? 5000
    let seed = UInt64(Proof.number("LOTLINE_SEED") ?? Int.random(in: 1...1_000_000))
    let account = try await attack(answers, devices: 120, seed: seed, within: .seconds(55 * 60))
    #expect(Set(account.sent.keys) == Way.tcp.kinds)
    // A reset and an end after each number of bytes, up to one before the last.
    for kind in ["reset", "end"] { #expect(account.cuts[kind] == Set(0..<17), "seed \(seed)") }
  }

  @Test(
    .timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"),
    arguments: [Way.rtuOverTCP, .serial])
  func `Proof: thousands of hostile answers in RTU become no value and are counted by kind`(way: Way) async throws {
    let answers = Proof.number("LOTLINE_HOSTILE") ?? 5000
    let seed = UInt64(Proof.number("LOTLINE_SEED") ?? Int.random(in: 1...1_000_000))
    let account = try await attack(over: way, answers, devices: 120, seed: seed, within: .seconds(55 * 60))
    #expect(Set(account.sent.keys) == way.kinds, "seed \(seed)")
  }
}
