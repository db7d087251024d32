import Events
import Foundation
import Logging
import TestParts
import Testing

@testable import Devices

/// Several devices on one connection: one request at a time, and what one does wrong costs the others nothing more.
@Suite(.timeLimit(minutes: 5))
struct ModbusBusTests {
  /// Its time limit is one that a loaded machine does not miss: whoever does is asked over a new connection.
  static let map = """
    kind: modbus
    requests: { timeout: 5s, max-gap: 0 }
    groups:
      process:
        every: 20ms
        report: always
        tags:
          force: { at: 40001, type: uint16 }
    """

  /// Devices of one address, by unit.
  private func units(_ units: [UInt8], port: Int, map: String = map) throws -> [DeviceSettings] {
    let map = try loadedMap(map)
    return units.map { settings("unit-\($0)", port: port, map: map, unit: $0) }
  }

  @Test func `devices at one address share one connection, and one that asks for it has its own`() async throws {
    let plc = try TestPLC()
    let map = try loadedMap(Self.map)
    let own = DeviceSettings(
      name: "own", station: "ST10", map: map, link: .modbus(.tcp(host: "127.0.0.1", port: plc.port), unit: 9),
      connection: .own)
    try await running(units([1, 2, 3], port: plc.port) + [own], into: Reports()) { line in
      try await eventually("all have answers") { line.status.allSatisfy { $0.good > 5 } }
    }
    #expect(plc.connectionCount == 2)
    #expect(Set(plc.seen.map { $0.bytes[6] }) == [1, 2, 3, 9])
    let connections = Dictionary(grouping: plc.seen) { $0.connection }.values.map { Set($0.map { $0.bytes[6] }) }
    #expect(Set(connections) == [[1, 2, 3], [9]])
  }

  @Test func `devices at one address are divided among as many connections as it may have`() async throws {
    let plc = try TestPLC()
    let map = try loadedMap(Self.map)
    let devices = (1...5).map { unit in
      DeviceSettings(
        name: "unit-\(unit)", station: "ST10", map: map,
        link: .modbus(.tcp(host: "127.0.0.1", port: plc.port), unit: UInt8(unit)), connection: .shared(atMost: 2))
    }
    try await running(devices, into: Reports()) { line in
      try await eventually("all have answers") { line.status.allSatisfy { $0.good > 5 } }
      #expect(plc.connectionCount == 2)
      await line.stop(["unit-1", "unit-3", "unit-5"])
      line.start(devices, lastCycles: [:])
      try await eventually("all have answers again") { line.status.allSatisfy { $0.good > 5 } }
    }
    let connections = Dictionary(grouping: plc.seen) { $0.connection }.values.map { Set($0.map { $0.bytes[6] }) }
    #expect(
      connections.count <= 3 && connections.contains([1, 3, 5]) && connections.contains([2, 4]), "\(connections)")
  }

  @Test func `a dead unit costs its neighbours three time limits and then next to nothing`() async throws {
    let plc = try TestPLC { request, _ in request.bytes[6] == 2 ? [.silence] : nil }
    let reports = Reports()
    let map = Self.map.replacing("5s", with: "300ms")
    try await running(units([1, 2, 3], port: plc.port, map: map), into: reports) { line in
      try await eventually("it was asked three times") { plc.seen.filter { $0.bytes[6] == 2 }.count >= 3 }
      let before = line.status[2].good
      try await eventually("the neighbours go on") { line.status[2].good > before + 60 }
      #expect(line.status[1].state == .offline && line.status[1].good == 0)
    }
    let dead = plc.seen.filter { $0.bytes[6] == 2 }
    #expect(dead.count <= 6, "\(dead.count)")
    #expect(plc.connectionCount <= dead.count + 1)
    for name in ["unit-1", "unit-3"] {
      let states = await reports.all.compactMap { report -> DeviceData.State? in
        if case .state(let state) = report, state.device == name { state.state } else { nil }
      }
      #expect(states == [.online], "\(name)")
    }
    let neighbours = await reports.readings.filter { $0.device != "unit-2" }
    #expect(neighbours.allSatisfy { $0.tags.allSatisfy(\.value.isGood) })
  }

  @Test(arguments: [UInt8(10), 11])
  func `a unit that the gateway cannot reach is away, is a finding, and closes no connection`(code: UInt8) async throws
  {
    let plc = try TestPLC { request, right in
      request.bytes[6] == 2 ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, code])] : nil
    }
    let reports = Reports()
    try await running(units([1, 2], port: plc.port), into: reports) { line in
      try await eventually("it was asked three times") { line.status[1].faults["exception-\(code)"] ?? 0 >= 3 }
      try await eventually("the neighbour goes on") { line.status[0].good > 60 }
      plc.misbehave { _, _ in nil }
      try await eventually("it is back", within: .seconds(20)) { line.status[1].state == .online }
      try await eventually("the finding is over") { await reports.findings.count == 2 }
    }
    #expect(plc.connectionCount == 1)
    let findings = await reports.findings
    #expect(
      findings.map(\.kind) == [.deviceTrouble, .deviceTrouble] && findings.map(\.device) == ["unit-2", "unit-2"])
    #expect(findings[0].to == nil && findings[1].to != nil && findings[0].from == findings[1].from)
    #expect(findings[0].about == "exception \(code)")
    #expect(await reports.holes.filter { $0.kind == .deviceOffline }.map(\.device) == ["unit-2"])
  }

  @Test func `the many requests of a slow group let a fast one in after each`() async throws {
    let plc = try TestPLC { _, right in [.pause(.milliseconds(25)), .send(right)] }
    let tags = (0..<12).map { "      far-\($0): { at: \(40100 + $0 * 20), type: uint16 }" }.joined(separator: "\n")
    let map = """
      kind: modbus
      requests: { max-gap: 0 }
      groups:
        slow:
          every: 400ms
          report: always
          tags:
      \(tags)
        fast: { every: 10ms, report: always, tags: { force: { at: 40001, type: uint16 } } }
      """
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("several slow polls are through") {
        await reports.readings.filter { $0.group == "slow" }.count >= 3
      }
    }
    // During a request of the slow group the whole time of the fast one passes, however slow the machine; never are there three of the slow one in a row.
    let kinds = plc.seen.map { $0.address == 0 }
    for place in kinds.indices.dropFirst(2) { #expect(kinds[(place - 2)...place].contains(true), "at \(place)") }
    #expect(await reports.readings.allSatisfy { $0.tags.allSatisfy(\.value.isGood) })
  }

  @Test func `the many requests of a cycle's block let a fast group in, and the record is one and right`() async throws
  {
    let plc = try TestPLC { _, right in [.pause(.milliseconds(25)), .send(right)] }
    let places = (0..<10).map { 200 + $0 * 20 }
    let tags = places.map { "      part-\($0): { at: \(40001 + $0), type: uint16 }" }.joined(separator: "\n")
    let map = """
      kind: modbus
      requests: { max-registers: 2 }
      groups:
        cycle:
          every: 100ms
          trigger: { tag: count, at: 40100, type: uint16 }
          acknowledge: { at: 40110 }
          guard: part-200
          tags:
      \(tags)
        fast: { every: 10ms, report: always, tags: { force: { at: 40001, type: uint16 } } }
      """
    let reports = Reports()
    var before = 0
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("the acknowledge was read") { plc.seen.contains { $0.address == 109 } }
      for place in places { plc[holding: place] = UInt16(place) }
      before = plc.seen.count
      plc[holding: 99] = 1
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == 1 }
    }
    let kinds = plc.seen[before...].map { $0.address == 0 }
    #expect(kinds.count { !$0 } >= 13, "all parts, the guard and the trigger again, the acknowledge")
    for place in kinds.indices.dropFirst(2) { #expect(kinds[(place - 2)...place].contains(true), "at \(place)") }
    let cycles = await reports.cycles
    #expect(cycles.map(\.trigger) == [1] && cycles[0].unsure.isEmpty)
    #expect(cycles[0].tags.map(\.value) == places.map { .int(Int64($0)) })
    // From the first request of the block to its last answer.
    let took = cycles[0].moment.time.since(try #require(cycles[0].asked))
    #expect(took >= .milliseconds(10 * 25) && took < .seconds(30))
    #expect(await reports.readings.allSatisfy { $0.tags.allSatisfy(\.value.isGood) })
    #expect(await reports.findings.isEmpty)
  }

  @Test func `a range that the device has not is a finding, is left alone, and is asked for when it comes back`()
    async throws
  {
    let map = Self.map.replacing(
      "40001, type: uint16 }", with: "40001, type: uint16 }\n      far: { at: 40101, type: uint16 }")
    let plc = try TestPLC { request, right in
      request.address == 100 ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 2])] : nil
    }
    let reports = Reports()
    try await running(units([1], port: plc.port, map: map), into: reports) { line in
      try await eventually("the other range is read many times") { line.status[0].good > 40 }
      #expect(plc.seen.filter { $0.address == 100 }.count == 1)
      plc.misbehave { _, _ in nil }
      plc.dropConnections()
      try await eventually("the range is given") { await reports.findings.count == 2 }
    }
    let findings = await reports.findings
    #expect(findings.map(\.kind) == [.rangeRefused, .rangeRefused])
    #expect(findings[0].about == "function 3, 1 registers from holding:100" && findings[0].group == "process")
    #expect(findings[0].reason.hasPrefix("the device refused: illegal data address (exception 2): function 3"))
    #expect(findings[1].from == findings[0].from && findings[1].to != nil)
    let first = try #require(await reports.readings.first)
    #expect(first.tags.map(\.value.isGood) == [true, false])
  }

  @Test func `a hole between two tags is asked around, and told once`() async throws {
    let map = Self.map.replacing("max-gap: 0", with: "max-gap: 8").replacing(
      "40001, type: uint16 }", with: "40001, type: uint16 }\n      far: { at: 40005, type: uint16 }")
    let plc = try TestPLC { request, right in
      let range = request.address..<(request.address + request.count)
      return range.contains(2) ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 2])] : nil
    }
    (plc[holding: 0], plc[holding: 4]) = (7, 8)
    let reports = Reports()
    try await running(units([1], port: plc.port, map: map), into: reports) { line in
      try await eventually("both are read many times") { line.status[0].good > 40 }
    }
    #expect(plc.seen.filter { $0.count > 1 }.count == 1, "the joined request is not sent again")
    let findings = await reports.findings
    #expect(findings.count == 1 && findings[0].kind == .rangeRefused && findings[0].to == findings[0].from)
    #expect(findings[0].about == "holding:1..3")
    // Nothing of it is bad, not even in the first poll.
    #expect(await reports.readings.allSatisfy { $0.tags.map(\.value) == [.int(7), .int(8)] })
    #expect(await reports.states == [.online])
  }

  @Test func `of a joined request the tags that the device has are read, the one that it has not is a finding`()
    async throws
  {
    let map = Self.map.replacing("max-gap: 0", with: "max-gap: 8").replacing(
      "40001, type: uint16 }",
      with: "40001, type: uint16 }\n      near: { at: 40002, type: uint16 }\n      far: { at: 40005, type: uint16 }")
    let plc = try TestPLC { request, right in
      let range = request.address..<(request.address + request.count)
      return range.contains(1) ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 2])] : nil
    }
    let reports = Reports()
    try await running(units([1], port: plc.port, map: map), into: reports) { line in
      try await eventually("the others are read many times") { line.status[0].good > 40 }
      #expect(line.status[0].state == .refusing)
    }
    let first = try #require(await reports.readings.first)
    #expect(first.tags.map(\.value.isGood) == [true, false, true])
    let findings = await reports.findings
    #expect(Set(findings.map(\.about)) == ["function 3, 1 registers from holding:1"])
  }

  @Test func `a device that is busy is asked again a little later, and its value is good`() async throws {
    let plc = try TestPLC { request, right in
      request.number <= 2 ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, 6])] : nil
    }
    let reports = Reports()
    let map = Self.map.replacing("every: 20ms", with: "every: 10s")
    try await running(units([1], port: plc.port, map: map), into: reports) { _ in
      try await eventually("the poll is through") { await reports.readings.count == 1 }
    }
    #expect(plc.seen.count == 3)
    #expect(await reports.values == [.int(0)])
    #expect(await reports.states == [.online])
    #expect(await reports.findings.isEmpty)
  }

  @Test(arguments: [(UInt8(4), "device failure"), (99, "unknown reason")])
  func `a device's own trouble is one finding by its number, with a beginning and an end`(code: UInt8, words: String)
    async throws
  {
    let plc = try TestPLC { request, right in
      (3...8).contains(request.number) ? [.send(Array(right[..<4]) + [0, 3, right[6], right[7] | 0x80, code])] : nil
    }
    let reports = Reports()
    try await running(units([1], port: plc.port), into: reports) { _ in
      try await eventually("it is over") { await reports.findings.count == 2 }
    }
    let findings = await reports.findings
    #expect(findings.map(\.kind) == [.deviceTrouble, .deviceTrouble])
    #expect(findings[0].reason.contains("\(words) (exception \(code))") && findings[1].count == 6)
  }

  @Test func `when a value was asked for is kept where its answer took long`() async throws {
    let plc = try TestPLC { request, right in
      request.bytes[6] == 2 ? [.pause(.milliseconds(70)), .send(right)] : nil
    }
    let reports = Reports()
    let map = Self.map.replacing("20ms", with: "200ms")
    try await running(
      [settings("quick", port: plc.port, map: loadedMap(map))], into: reports
    ) { _ in try await eventually("it answers") { await reports.readings.count > 2 } }
    #expect(await reports.readings.contains { $0.asked == nil })
    let slow = Reports()
    try await running(units([2], port: plc.port, map: map), into: slow) { _ in
      try await eventually("it answers") { await slow.readings.count > 2 }
    }
    for reading in await slow.readings {
      let took = reading.moment.time.since(try #require(reading.asked))
      #expect(took >= .milliseconds(70) && took < .seconds(5))
    }
  }

  @Test func `who looks on sees each frame that is sent and received`() async throws {
    let plc = try TestPLC()
    plc[holding: 0] = 0x1234
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let line = LineDevices(try units([1], port: plc.port), lastCycles: [:], logger: logger) { _ in .accepted }
    let entries = try line.recording(of: line.status[0].name).entries
    let running = Task { await line.run() }
    var seen: [WireEntry] = []
    for await entry in entries {
      seen.append(entry)
      if seen.count == 3 { break }
    }
    running.cancel()
    await running.value
    #expect(seen[0].kind == .note("connected"))
    guard case .sent(let sent) = seen[1].kind, case .received(let received, []) = seen[2].kind else {
      Issue.record("\(seen)")
      return
    }
    #expect(Array(sent[6...]) == [1, 3, 0, 0, 0, 1] && Array(received[6...]) == [1, 3, 2, 0x12, 0x34])
    #expect(seen[1].moment.boottimeNanoseconds <= seen[2].moment.boottimeNanoseconds)
  }

  @Test func `a device leaves its bus and the others go on over the same connection`() async throws {
    let plc = try TestPLC()
    let map = try loadedMap(Self.map)
    let reports = Reports()
    var logger = Logger(label: "test")
    logger.logLevel = .critical
    let roster = BusRoster()
    func member(_ unit: UInt8) throws -> BusMember {
      let settings = settings("unit-\(unit)", port: plc.port, map: map, unit: unit)
      let bus = roster.bus(
        at: .tcp(host: "127.0.0.1", port: plc.port), named: "bus", connection: .shared(atMost: 1), logger: logger)
      guard case .modbus(let modbus) = map.map else { throw CancellationError() }
      return BusMember(settings, map: modbus, unit: unit, on: bus, lastCycles: [:], logger: logger) {
        await reports.take($0)
      }
    }
    let (first, second) = (try member(1), try member(2))
    let lives = [first, second].map { member in Task { await member.run() } }
    try await eventually("both answer") { first.board.current.good > 3 && second.board.current.good > 3 }
    lives[0].cancel()
    await lives[0].value
    let (left, before) = (first.board.current.good, second.board.current.good)
    try await eventually("the other goes on") { second.board.current.good > before + 10 }
    #expect(first.board.current.good == left)
    // A new life of the same device takes part again.
    let again = try member(1)
    let third = Task { await again.run() }
    try await eventually("it answers again") { again.board.current.good > 3 }
    #expect(plc.connectionCount == 1)
    for life in [lives[1], third] { life.cancel() }
    for life in [lives[1], third] { await life.value }
  }
}

/// Who asks next, with a given clock.
struct TurnChoiceTests {
  private let now = ContinuousClock.now
  private func turn(_ group: Int) -> TurnChoice.Turn { TurnChoice.Turn(device: 0, group: group) }

  @Test func `the one with the least time left goes first, and who is not ready is waited for`() {
    var choice = TurnChoice(at: now, after: .init())
    choice.offer(turn(1), ready: now, deadline: now + .seconds(1))
    choice.offer(turn(2), ready: now, deadline: now + .milliseconds(100))
    choice.offer(turn(3), ready: now + .milliseconds(5), deadline: now + .milliseconds(10))
    #expect(choice.turn == turn(2) && choice.next == now + .milliseconds(5))
  }

  @Test func `those whose time is over take turns with those in time, and with each other`() {
    var last = TurnChoice.Last()
    var order: [Int?] = []
    for _ in 0..<6 {
      var choice = TurnChoice(at: now, after: last)
      choice.offer(turn(1), ready: now, deadline: now - .seconds(2))
      choice.offer(turn(2), ready: now, deadline: now - .seconds(1))
      choice.offer(turn(3), ready: now, deadline: now + .milliseconds(100))
      order.append(choice.turn?.group)
      last = choice.taken
    }
    #expect(order.filter { $0 == 3 }.count == 3)
    #expect(zip(order, order.dropFirst()).allSatisfy { ($0 == 3) != ($1 == 3) }, "\(order)")
  }

  @Test func `who has just asked lets the other in, also where its time ended or began anew meanwhile`() {
    for isLate in [false, true] {
      var first = TurnChoice(at: now, after: .init())
      first.offer(turn(1), ready: now, deadline: now + .milliseconds(isLate ? -1 : 1))
      let (before, later) = (first.taken, now + .milliseconds(15))
      #expect(before != .init())
      var second = TurnChoice(at: later, after: before)
      second.offer(turn(1), ready: now, deadline: later + .milliseconds(isLate ? 100 : -14))
      second.offer(turn(2), ready: now, deadline: later + .milliseconds(isLate ? -1 : 5))
      #expect(second.turn == turn(2), "\(isLate)")
    }
  }

  @Test func `after three faults in a row only a cheap question is asked, and ever more rarely`() {
    var breaker = Breaker()
    for _ in 0..<2 { breaker.failed(at: now, random: 0.5, tried: .seconds(9)) }
    #expect(!breaker.isOpen)
    breaker.failed(at: now, random: 0.5, tried: .seconds(9))
    #expect(breaker.isOpen && breaker.notBefore == now + .milliseconds(1500))
    for _ in 0..<50 { breaker.failed(at: now, random: 0.999, tried: .seconds(9)) }
    #expect(breaker.notBefore.map { $0 > now + .seconds(29) && $0 <= now + .seconds(30) } == true)
    breaker.answered()
    #expect(!breaker.isOpen && breaker.notBefore == nil)
    breaker.failed(at: now, random: 0, tried: .seconds(9), rested: .seconds(2))
    #expect(breaker.notBefore == now + .seconds(2))
  }
}
