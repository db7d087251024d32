import Events
import Machine
import TestParts
import Testing

@testable import Devices

@Suite(.timeLimit(minutes: 5))
struct ModbusCycleTests {
  static let map = """
    kind: modbus
    requests: { timeout: 500ms }
    groups:
      cycle:
        every: 10ms
        trigger:     { tag: cycle-count, at: 40100, type: uint16 }
        acknowledge: { at: 40110 }
        tags:
          force:   { at: 40102, type: uint16, limits: [80, 120] }
          verdict: { at: 40104, type: uint16, role: result, values: { 1: pass, 2: fail } }
          serial:  { at: 40105, type: uint16, role: unit }
    """
  static let key = CycleKey(device: "press", group: "cycle")

  /// The PLC of the map: the counter at 40100, force at 40102, the verdict at 40104, the acknowledge at 40110.
  private static func finish(_ plc: TestPLC, _ counter: UInt16, force: UInt16 = 100, verdict: UInt16 = 1) {
    plc[holding: 101] = force
    plc[holding: 103] = verdict
    plc[holding: 104] = counter
    plc[holding: 99] = counter
  }

  @Test func `a cycle is recorded with its values and acknowledged`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      Self.finish(plc, 1, force: 130, verdict: 2)
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == 1 }
      Self.finish(plc, 2)
      try await eventually("the next one too") { plc[holding: 109] == 2 }
    }
    let cycles = await reports.cycles
    #expect(cycles.map(\.trigger) == [1, 2])
    #expect(cycles[0].tags == [Tag("force", .int(130)), Tag("verdict", .string("fail")), Tag("serial", .int(1))])
    #expect(cycles.map(\.result) == ["fail", "pass"])
    #expect(cycles[0].outside == ["force"])
    #expect(cycles[1].roles == [ScanData.Role("unit", "2")])
    #expect(cycles.allSatisfy { $0.jump == .none })
    let after = try #require(cycles[1].after)
    #expect(after >= cycles[0].moment.time && after < cycles[1].moment.time)
    #expect(plc.written == [1, 2].map { TestPLC.Write(function: 6, address: 109, values: [$0]) })
  }

  @Test func `what a PLC says of the context is written as a scanned code is`() {
    let address = ModbusAddress(table: .holding, number: 1, text: "40002")
    let unit = ModbusTag(name: "serial", address: address, type: .string, role: "unit")
    let now = Moment.now()
    let block = CycleBlock(trigger: 1, asked: now, moment: now, values: [.string("50%~7")])
    let cycle = CycleReading(device: "press", group: "cycle", block: block, after: nil, jump: .none, of: [unit])
    #expect(cycle.roles == [ScanData.Role("unit", "50%25%7E7")] && cycle.tags == [Tag("serial", .string("50%~7"))])
  }

  @Test func `nothing is acknowledged before it is accepted`() async throws {
    let plc = try TestPLC()
    let reports = Reports { if case .cycle = $0 { true } else { false } }
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      Self.finish(plc, 1)
      try await eventually("the cycle was refused twice") { await reports.refused.count >= 2 }
      #expect(plc.written.isEmpty)
      await reports.refuse { _ in false }
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == 1 }
    }
    #expect(await reports.cycles.map(\.trigger) == [1])
  }

  @Test func `a committed cycle that the PLC still shows is acknowledged again and not recorded again`() async throws {
    let plc = try TestPLC()
    Self.finish(plc, 7)
    plc[holding: 109] = 6
    let reports = Reports()
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    try await running([device], lastCycles: [Self.key: 7], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == 7 }
      Self.finish(plc, 8)
      try await eventually("the next one is acknowledged") { plc[holding: 109] == 8 }
    }
    #expect(await reports.cycles.map(\.trigger) == [8])
  }

  @Test(arguments: [
    (last: UInt64(7), now: UInt16(8), jump: CycleReading.Jump.none), (65535, 0, .none), (7, 12, .missed(4)),
    (65534, 1, .missed(2)), (700, 3, .restarted),
  ])
  func `what happened while we were away is told by the counter`(
    last: UInt64, now: UInt16, jump: CycleReading.Jump
  ) async throws {
    let plc = try TestPLC()
    Self.finish(plc, now)
    plc[holding: 109] = UInt16(last)
    let reports = Reports()
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    try await running([device], lastCycles: [Self.key: last], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == now && !plc.written.isEmpty }
    }
    let cycles = await reports.cycles
    #expect(cycles.map(\.trigger) == [UInt64(now)])
    #expect(cycles.map(\.jump) == [jump])
    #expect(cycles[0].after == nil)
  }

  @Test func `a PLC that comes back with another count is a gap from its last answer to now, with the reason`()
    async throws
  {
    let plc = try TestPLC()
    Self.finish(plc, 900)
    plc[holding: 109] = 900
    let reports = Reports()
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    try await running([device], lastCycles: [Self.key: 900], into: reports) { _ in
      try await eventually("the old count was seen") { plc.seen.count > 6 }
      Self.finish(plc, 0)
      plc[holding: 109] = 0
      plc.dropConnections()
      try await eventually("it is told") { await reports.holes.contains { $0.kind == .missedCycles } }
    }
    let hole = try #require(await reports.holes.first { $0.kind == .missedCycles })
    let from = try #require(hole.from)
    let to = try #require(hole.to)
    #expect(from < to && to == hole.moment.time && hole.counter == 0)
    #expect(hole.reason?.contains("fell from 900 to 0") == true)
    #expect(await reports.cycles.isEmpty)
  }

  @Test func `a device that is away when the daemon stops leaves its hole up to then`() async throws {
    let port = try ReservedPort()
    let reports = Reports()
    let device = settings("press", port: port.port, map: try loadedMap(Self.map))
    try await running([device], into: reports) { line in
      try await eventually("it is away") { line.status[0].state == .offline }
    }
    let hole = try #require(await reports.holes.first)
    #expect(hole.kind == .deviceOffline && hole.from != nil && hole.to == hole.moment.time)
    #expect(hole.reason?.hasSuffix("; the daemon stopped meanwhile") == true)
  }

  @Test func `a cycle that waits at the very first start is recorded`() async throws {
    let plc = try TestPLC()
    Self.finish(plc, 40)
    plc[holding: 109] = 39
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[holding: 109] == 40 }
    }
    #expect(await reports.cycles.map(\.jump) == [.none])
  }

  @Test func `a line that breaks before the acknowledge leads to no second record`() async throws {
    let plc = try TestPLC { request, _ in request.function == 6 && request.connection == 1 ? [.reset] : nil }
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      Self.finish(plc, 1)
      // The write was carried out and its answer lost; then a PLC that lost the write as well.
      try await eventually("the device is back") { plc.connectionCount == 2 }
      plc[holding: 109] = 0
      Self.finish(plc, 2)
      try await eventually("the next one is acknowledged") { plc[holding: 109] == 2 }
    }
    #expect(await reports.cycles.map(\.trigger) == [1, 2])
  }

  @Test func `a counter of two registers is acknowledged in one write`() async throws {
    let map = """
      kind: modbus
      word-order: CDAB
      groups:
        cycle:
          every: 10ms
          trigger:     { tag: cycle-count, at: 40100, type: uint32 }
          acknowledge: { at: 40110 }
          tags: { force: { at: 40102, type: uint16 } }
      """
    let plc = try TestPLC()
    (plc[holding: 99], plc[holding: 100]) = (0x0003, 0x0001)
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[holding: 110] == 1 }
    }
    #expect(plc.written == [TestPLC.Write(function: 16, address: 109, values: [3, 1])])
    #expect(await reports.cycles.map(\.trigger) == [0x1_0003])
  }

  @Test func `values of two cycles are never mixed in one record`() async throws {
    // The trigger is in another table than the block, and the PLC goes on while the block is read for the first time.
    let map = """
      kind: modbus
      groups:
        cycle:
          every: 10ms
          trigger: { tag: cycle-count, at: 30001, type: uint16 }
          tags: { force: { at: 40102, type: uint16 } }
      """
    let plc = try TestPLC()
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("the baseline was seen") { plc.seen.count > 3 }
      plc.misbehave { [weak plc] request, right in
        guard request.function == 3, let plc, plc[holding: 0] == 1 else { return nil }
        plc[holding: 101] = 20
        plc[holding: 0] = 2
        return [.send(right)]
      }
      plc[holding: 101] = 10
      plc[holding: 0] = 1
      try await eventually("a cycle is recorded") { await reports.cycles.count == 1 }
    }
    let cycle = await reports.cycles[0]
    #expect(cycle.trigger == 2 && cycle.jump == .missed(1))
    #expect(cycle.tags == [Tag("force", .int(20))])
  }

  @Test func `nothing but the declared acknowledge is ever written`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    try await running(
      [settings("press", port: plc.port, map: loadedMap(ModbusHostileTests.map))], into: reports
    ) { _ in
      try await eventually("it was read") { plc.seen.count > 10 }
    }
    #expect(plc.written.isEmpty)
    #expect(plc.seen.allSatisfy { (1...4).contains($0.function) })
  }
}
