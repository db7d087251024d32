import Events
import TestParts
import Testing

@testable import Devices

/// One way for a PLC or what lies between to answer wrongly: the bytes carry 666 wherever they carry a value.
struct Mischief: Sendable, CustomTestStringConvertible {
  let what: String
  /// How the fault is counted; nil where that depends on how the bytes arrive.
  let kind: String?
  let actions: @Sendable ([UInt8]) -> [TestPLC.Action]
  var testDescription: String { what }

  /// The right answer with other bytes at some places; 0x029A is 666.
  static func changed(_ what: String, _ kind: String, _ change: @escaping @Sendable (inout [UInt8]) -> Void) -> Mischief
  {
    Mischief(what: what, kind: kind) { right in
      var wrong = right
      wrong[9] = 0x02
      wrong[10] = 0x9A
      change(&wrong)
      return [.send(wrong)]
    }
  }

  static let all: [Mischief] = [
    changed("another unit", "unit") { $0[6] = 99 },
    changed("protocol id 1", "protocol") { $0[3] = 1 },
    changed("protocol id 256", "protocol") { $0[2] = 1 },
    changed("length 0xFFFF", "length") { $0[4...5] = [0xFF, 0xFF] },
    changed("length one too short", "length") { $0[5] -= 1 },
    changed("length one too long", "length") { $0[5] += 1 },
    changed("the request before", "transaction") { $0[1] &-= 1 },
    changed("transaction 0", "transaction") { $0[0...1] = [$0[0] ^ 0x55, $0[1] ^ 0x55] },
    changed("another function", "function") { $0[7] = 4 },
    changed("too few bytes announced", "byte-count") { $0[8] = 2 },
    changed("too many bytes announced", "byte-count") { $0[8] = 250 },
    changed("a short answer with a true length", "length") {
      $0.removeLast(2)
      $0[5] -= 2
      $0[8] -= 2
    },
    changed("a byte too many", "leftover") { $0.append(0) },
    Mischief(what: "two answers glued together", kind: "leftover") { right in
      var second = right
      second[1] &+= 1
      second[9...10] = [0x02, 0x9A]
      return [.send(right + second)]
    },
    Mischief(what: "an answer that drips", kind: "timeout") { right in
      var wrong = right
      wrong[9...10] = [0x02, 0x9A]
      return [.drip(wrong, every: .milliseconds(60))]
    },
    Mischief(what: "half an answer and then nothing", kind: "timeout") { [.send(Array($0[..<9]))] },
    Mischief(what: "nothing", kind: "timeout") { _ in [.silence] },
    Mischief(what: "garbage", kind: nil) { _ in [.send((0..<200).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) })] },
    Mischief(what: "a reset", kind: "closed") { _ in [.reset] },
    Mischief(what: "an end in mid-answer", kind: "closed") { [.send(Array($0[..<10])), .close] },
    Mischief(what: "a late answer behind a refusal", kind: "leftover") { right in
      var late = right
      late[9...10] = [0x02, 0x9A]
      return [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 6] + late)]
    },
  ]
}

@Suite(.timeLimit(minutes: 5))
struct ModbusHostileTests {
  static let map = """
    kind: modbus
    requests: { timeout: 200ms }
    groups:
      process:
        every: 20ms
        report: always
        tags:
          force: { at: 40001, type: uint16 }
          count: { at: 40002, type: uint16 }
    """

  @Test(arguments: Mischief.all)
  func `a wrong answer never becomes a value, and the next good one counts`(mischief: Mischief) async throws {
    let plc = try TestPLC { request, right in request.number == 3 ? mischief.actions(right) : nil }
    plc[holding: 0] = 42
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { line in
      try await eventually("the connection is a new one and gives values") {
        let states = await reports.states
        return plc.connectionCount == 2 && states == [.online, .offline, .online] && plc.seen.count > 8
      }
      #expect(line.status[0].faults.values.reduce(0, +) == 1)
      if let kind = mischief.kind { #expect(line.status[0].faults == [kind: 1]) }
    }
    let readings = await reports.readings
    #expect(readings.contains { $0.tags[0].value == .int(42) && $0.moment.time > readings[0].moment.time })
    for tag in readings.flatMap(\.tags) where tag.value.isGood {
      #expect(tag.value == (tag.name == "force" ? .int(42) : .int(0)))
    }
    let holes = await reports.holes.filter { $0.kind == .deviceOffline }
    #expect(holes.count == 1)
    // From the last good answer, the second one, to the first new one.
    let good = readings.filter { $0.tags[0].value.isGood }
    #expect(holes[0].from == good[1].moment.time)
    #expect(holes[0].to == good[2].moment.time)
  }

  @Test func `a byte that waits before a question closes the connection`() async throws {
    let plc = try TestPLC { request, right in
      // The right answer, and a moment later a byte that nobody asked for.
      request.number == 3 ? [.send(right), .pause(.milliseconds(5)), .send([7])] : nil
    }
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { line in
      try await eventually("the connection is a new one") { plc.connectionCount == 2 }
      // Before the next question, or, where that was sent in the same moment, in front of its answer.
      #expect([["leftover": 1], ["transaction": 1]].contains(line.status[0].faults))
    }
  }

  @Test func `a refusal is an answer and leaves the connection open`() async throws {
    let plc = try TestPLC { request, right in
      (3...6).contains(request.number) ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 4])] : nil
    }
    plc[holding: 0] = 42
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { line in
      try await eventually("the device gives values again") { await reports.states == [.online, .refusing, .online] }
      #expect(line.status[0].faults == ["exception-4": 4])
    }
    #expect(plc.connectionCount == 1)
    let bad = await reports.values.first { !$0.isGood }
    #expect(bad == .bad(reason: "the device refused: device failure (exception 4)", raw: []))
    // A busy machine may miss polls meanwhile, which is another hole; the device was never away.
    #expect(await reports.holes.filter { $0.kind == .deviceOffline }.isEmpty)
  }

  @Test func `where the line breaks in mid-round the answered requests count`() async throws {
    let map = """
      kind: modbus
      requests: { timeout: 200ms, max-gap: 0 }
      groups:
        process:
          every: 20ms
          report: always
          tags:
            near: { at: 40001, type: uint16 }
            far:  { at: 40101, type: uint16 }
      """
    let plc = try TestPLC { request, _ in request.number == 4 ? [.close] : nil }
    (plc[holding: 0], plc[holding: 100]) = (7, 8)
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("the device is back") { await reports.states == [.online, .offline, .online] }
    }
    let readings = await reports.readings
    #expect(readings[1].tags.map(\.value) == [.int(7), .bad(reason: "the device closed the connection", raw: [])])
    #expect(readings[2].tags.allSatisfy { !$0.value.isGood })
  }

  @Test func `random answers never become a value`() {
    var random = SystemRandomNumberGenerator()
    let exchange = Exchange(transaction: 0x1234, unit: 7, question: .read(.holding, address: 5, count: 2))
    let right: [UInt8] = [0x12, 0x34, 0, 0, 0, 7, 7, 3, 4, 1, 2, 3, 4]
    #expect((try? exchange.answer(in: right)) == .data([1, 2, 3, 4]))
    for _ in 0..<20_000 {
      var bytes = right
      // Any of the first nine bytes wrong, or any length: no data comes out of it.
      switch Int.random(in: 0..<3, using: &random) {
      case 0: bytes[Int.random(in: 0..<9, using: &random)] ^= UInt8.random(in: 1...255, using: &random)
      case 1:
        bytes = (0..<Int.random(in: 0...300, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      default:
        bytes += (0..<Int.random(in: 1...20, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      }
      let answer = try? exchange.answer(in: bytes)
      if case .data = answer { Issue.record("taken for an answer: \(bytes)") }
    }
  }
}
