import Events
import Machine
import TestParts
import Testing

@testable import Devices

/// Rates, back-off, holes: state machines with a given clock, and one fault that stays one fault.
@Suite(.timeLimit(minutes: 5))
struct ModbusPaceTests {
  private let start = ContinuousClock.now
  private func at(_ second: Int64) -> Timestamp { Timestamp(microseconds: second * 1_000_000) }
  private func moment(_ second: Int64) -> Moment { Moment(time: at(second), boottimeNanoseconds: 0) }

  @Test func `the first reconnect is at once, then pauses grow to half a minute for ever`() {
    var reconnection = Reconnection()
    #expect(reconnection.failed(random: 0.99, tried: .seconds(9)) == .zero)
    let pauses = (0..<200).map { _ in reconnection.failed(random: 0.5, tried: .seconds(9)) }
    #expect(pauses.prefix(4) == [.milliseconds(750), .milliseconds(1500), .seconds(3), .seconds(6)])
    #expect(pauses.last == .milliseconds(22_500))
    var edge = Reconnection()
    _ = edge.failed(random: 0, tried: .seconds(9))
    for _ in 0..<100 {
      let (low, high) = (edge.failed(random: 0, tried: .seconds(9)), edge.failed(random: 0.999_999, tried: .seconds(9)))
      #expect(low >= .milliseconds(500) && high <= .seconds(30))
    }
    reconnection.answered()
    #expect(reconnection.failed(random: 0.5, tried: .seconds(9)) == .zero)
  }

  @Test func `a device that answers and hangs up at once is asked twice a second, not without a pause`() {
    var reconnection = Reconnection()
    for _ in 0..<3 {
      reconnection.answered()
      #expect(reconnection.failed(random: 0.5, tried: .milliseconds(3)) == .milliseconds(497))
    }
  }

  @Test func `a slot that has passed is counted and never made up for`() {
    var cadence = Cadence(every: .milliseconds(100), from: start)
    #expect(cadence.take(at: start) == 0)
    #expect(cadence.due == start + .milliseconds(100))
    #expect(cadence.take(at: start + .milliseconds(150)) == 0)
    #expect(cadence.due == start + .milliseconds(200))
    #expect(cadence.take(at: start + .milliseconds(530)) == 3)
    #expect(cadence.due == start + .milliseconds(600))
    // Ten minutes asleep: one poll, not six thousand.
    #expect(cadence.take(at: start + .seconds(600)) == 5994)
    #expect(cadence.due > start + .seconds(600))
  }

  @Test func `devices that begin together are asked one after the other from the second poll on`() {
    var seconds: [Duration] = []
    for phase in [0.0, 0.5, 0.999] {
      var cadence = Cadence(every: .seconds(1), from: start)
      cadence.restart(at: start, phase: phase)
      #expect(cadence.due == start && cadence.take(at: start) == 0, "the first one waits for nothing")
      seconds.append(cadence.due - start)
      #expect(cadence.take(at: cadence.due) == 0)
      #expect(cadence.due - start == seconds.last! + .seconds(1))
      // A second poll that comes a whole `every` after the first is in time, whenever it was due.
      cadence.restart(at: start, phase: phase)
      #expect(cadence.take(at: start) == 0 && cadence.take(at: start + .milliseconds(1900)) == 0)
      #expect(cadence.take(at: start + .milliseconds(5900)) >= 3)
      // A first poll that comes late leaves out what has passed, and keeps the device's place.
      cadence.restart(at: start, phase: phase)
      #expect(cadence.take(at: start + .milliseconds(2100)) == 2)
      #expect(cadence.due > start + .milliseconds(2100) && cadence.due <= start + .milliseconds(3100))
      #expect((cadence.due - start - seconds.last!) / .seconds(1) == 2)
    }
    #expect(seconds.first == .milliseconds(250) && seconds[1] == .milliseconds(625) && seconds[2] < .seconds(1))
  }

  @Test func `missed polls are one hole as long as it lasts`() {
    var overrun = Overrun()
    #expect(overrun.polled(at: at(1), missed: 0) == nil)
    #expect(overrun.polled(at: at(4), missed: 2) == nil)
    #expect(overrun.polled(at: at(6), missed: 1) == nil)
    #expect(overrun.polled(at: at(7), missed: 0) == nil, "one good poll does not end it")
    #expect(overrun.polled(at: at(11), missed: 0) == Overrun.Missed(from: at(1), to: at(6), count: 3))
    #expect(overrun.polled(at: at(12), missed: 0) == nil)
    #expect(overrun.polled(at: at(80), missed: 67) == Overrun.Missed(from: at(12), to: at(80), count: 67))
    #expect(overrun.polled(at: at(82), missed: 1) == nil)
    #expect(overrun.interrupted() == Overrun.Missed(from: at(80), to: at(82), count: 1))
    #expect(overrun.polled(at: at(99), missed: 0) == nil)
  }

  @Test func `coming back is told with the hole it leaves, once`() {
    var presence = Presence(device: "press", started: at(0))
    #expect(presence.failed("no", at: moment(1)).count == 1)
    #expect(presence.failed("still no", at: moment(2)).isEmpty)
    let back = presence.answered(at: moment(9))
    #expect(
      back == [
        .state(StateReport(device: "press", moment: moment(9), state: .online)),
        .hole(
          Hole(
            device: "press", moment: moment(9), kind: .deviceOffline, from: at(0), to: at(9), reason: "still no")),
      ])
    #expect(presence.answered(at: moment(10)).isEmpty)
    _ = presence.failed("gone", at: moment(12))
    let again = Hole(
      device: "press", moment: moment(15), kind: .deviceOffline, from: at(10), to: at(15), reason: "gone")
    #expect(presence.answered(at: moment(15)).last == .hole(again))
  }

  @Test func `reports that are refused wait, bounded, and no hole is forgotten`() {
    var pending = PendingReports()
    for second in 0..<500 {
      pending.add(.state(StateReport(device: "press", moment: moment(Int64(second)), state: .offline)))
      pending.add(
        .hole(
          Hole(
            device: "press", group: "a", moment: moment(Int64(second)), kind: .missedPolls, from: at(Int64(second)),
            to: at(Int64(second) + 1), count: 2)))
    }
    #expect(pending.reports.count <= PendingReports.limit + 1)
    let counts = pending.reports.map { report -> UInt64 in
      guard case .hole(let hole) = report else { return 0 }
      return hole.count ?? 0
    }
    #expect(counts.reduce(0, +) == 1000)
    #expect(pending.reports.contains(.state(StateReport(device: "press", moment: moment(499), state: .offline))))
  }

  private func changes(_ reporting: ModbusGroup.Reporting, deadband: Double = 0) -> Changes {
    let tags = (0..<2).map { place in
      ModbusTag(
        name: "t\(place)", address: ModbusAddress(table: .holding, number: place, text: ""), type: .uint16,
        deadband: place == 0 ? deadband : 0)
    }
    return Changes(ModbusGroup(name: "g", every: .seconds(1), reporting: reporting, tags: tags))
  }

  @Test func `a change within the deadband is none, a slow drift is one in the end`() {
    var changes = changes(.change(heartbeat: nil), deadband: 0.2)
    #expect(changes.due([.double(80), .int(1)], at: start) == [0, 1])
    changes.taken([0, 1], of: [.double(80), .int(1)], at: start)
    for value in [80.1, 80.2, 79.8] { #expect(changes.due([.double(value), .int(1)], at: start).isEmpty) }
    #expect(changes.due([.double(80.21), .int(1)], at: start) == [0])
    // Refused, so the next poll offers it again.
    #expect(changes.due([.double(80.3), .int(1)], at: start) == [0])
    changes.taken([0], of: [.double(80.3), .int(1)], at: start)
    #expect(changes.due([.double(80.2), .int(2)], at: start) == [1])
  }

  @Test func `a change of quality is a change`() {
    var changes = changes(.change(heartbeat: nil), deadband: 10)
    let bad = TagValue.bad(reason: "away", raw: [])
    changes.taken([0, 1], of: [.double(80), .bool(true)], at: start)
    #expect(changes.due([bad, .bool(true)], at: start) == [0])
    changes.taken([0], of: [bad, .bool(true)], at: start)
    #expect(changes.due([bad, .bool(false)], at: start) == [1])
    #expect(changes.due([.double(80), .bool(true)], at: start) == [0])
  }

  @Test func `a heartbeat carries all, always is always`() {
    var changes = changes(.change(heartbeat: .seconds(60)))
    changes.taken([0, 1], of: [.int(1), .int(2)], at: start)
    #expect(changes.due([.int(1), .int(2)], at: start + .seconds(59)).isEmpty)
    #expect(changes.due([.int(1), .int(2)], at: start + .seconds(60)) == [0, 1])
    changes.taken([0, 1], of: [.int(1), .int(2)], at: start + .seconds(60))
    #expect(changes.due([.int(1), .int(3)], at: start + .seconds(61)) == [1])
    var always = self.changes(.always)
    always.taken([0, 1], of: [.int(1), .int(2)], at: start)
    #expect(always.due([.int(1), .int(2)], at: start) == [0, 1])
  }

  @Test func `a device that waits long for its turn does not look as if it hung`() async throws {
    let plc = try TestPLC()
    let map = try loadedMap(
      """
      kind: modbus
      groups:
        rare: { every: 60s, tags: { force: { at: 40001, type: uint16 } } }
      """)
    try await running([settings("press", port: plc.port, map: map)], into: Reports()) { line in
      try await eventually("its one poll is made") { line.status[0].good == 1 }
      let beats = line.status[0].beats
      try await eventually("its loop shows that it is alive", within: .seconds(20)) { line.status[0].beats > beats + 2 }
      #expect(line.status[0].good == 1)
    }
  }

  @Test func `a device that comes later is found, and its absence is a hole`() async throws {
    let first = try TestPLC()
    let port = first.port
    first.stop()
    let reports = Reports()
    let map = try loadedMap(ModbusHostileTests.map)
    let plc = try TestPLC()
    plc.misbehave { request, _ in request.connection == 1 ? [.close] : nil }
    try await running(
      [settings("gone", port: port, map: map), settings("press", port: plc.port, map: map)], into: reports
    ) {
      line in
      try await eventually("the one is there and the other is not") {
        line.status.map(\.state) == [.offline, .online]
      }
      #expect(line.status[0].reason == "no connection: Connection refused")
      #expect(line.status[1].address == "127.0.0.1:\(plc.port) unit 1")
    }
    let hole = try #require(await reports.holes.first { $0.device == "press" })
    #expect(hole.kind == .deviceOffline && hole.reason == "the device closed the connection")
    let away = await reports.holes.filter { $0.device == "gone" }
    #expect(away.map(\.reason) == ["no connection: Connection refused; the daemon stopped meanwhile"])
  }
}
