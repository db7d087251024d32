import Events
import Machine
import TestParts
import Testing

@testable import Devices

/// A PLC that waits for its acknowledge, and what is said of that.
@Suite(.timeLimit(minutes: 5))
struct ModbusWaitTests {
  /// The counter at 40100, one value at 40102, the acknowledge at 40110.
  private static let map = """
    kind: modbus
    requests: { timeout: 500ms }
    groups:
      cycle:
        every: 10ms
        trigger:     { tag: cycle-count, at: 40100, type: uint16 }
        acknowledge: { at: 40110, within: 200ms }
        tags: { force: { at: 40102, type: uint16 } }
    """

  /// The trigger in another table than the block, so that a block takes more than one request.
  private static let apart = """
    kind: modbus
    groups:
      cycle:
        every: 10ms
        trigger: { tag: cycle-count, at: 30001, type: uint16 }
        tags: { force: { at: 40102, type: uint16 }, door: { at: 00301, type: bool } }
    """

  private static func findings(_ reports: Reports, _ kind: FindingData.Kind) async -> [Finding] {
    await reports.all.compactMap { if case .finding(let finding) = $0, finding.kind == kind { finding } else { nil } }
  }

  @Test func `a PLC that waits too long is a finding with the reason, until it has its acknowledge`() async throws {
    let plc = try TestPLC()
    let reports = Reports { if case .cycle = $0 { true } else { false } }
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      plc[holding: 99] = 1
      try await eventually("it is told") { await Self.findings(reports, .cycleWaiting).count == 1 }
      #expect(plc.written.isEmpty)
      await reports.refuse { _ in false }
      try await eventually("it is over") { await Self.findings(reports, .cycleWaiting).count == 2 }
      #expect(plc[holding: 109] == 1)
    }
    let told = await Self.findings(reports, .cycleWaiting)
    #expect(told.map(\.group) == ["cycle", "cycle"] && told[0].from == told[1].from)
    #expect(told[0].to == nil && told[1].to.map { $0 > told[1].from } == true)
    #expect(told[0].reason.hasSuffix("for its acknowledge 1: the cycle cannot be kept: the test refuses it"))
    #expect(await reports.cycles.map(\.trigger) == [1])
  }

  @Test func `an acknowledge that is refused is tried again and alarmed, and the record stays one`() async throws {
    let plc = try TestPLC()
    plc.misbehave { request, right in
      request.function == 6 ? [.send(Array(right[..<4]) + [0, 3, right[6], 0x86, 4])] : nil
    }
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { line in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      plc[holding: 99] = 1
      try await eventually("both are told") {
        let waiting = await Self.findings(reports, .cycleWaiting)
        return await Self.findings(reports, .acknowledgeFailed).count == 1 && waiting.count == 1
      }
      try await eventually("it is tried again") { plc.seen.filter { $0.function == 6 }.count > 1 }
      plc.misbehave { _, _ in nil }
      try await eventually("both are over") {
        let waiting = await Self.findings(reports, .cycleWaiting)
        return await Self.findings(reports, .acknowledgeFailed).count == 2 && waiting.count == 2
      }
      #expect(line.status[0].repeatedCycles == 0)
    }
    let failed = await Self.findings(reports, .acknowledgeFailed)
    #expect(failed[0].from == failed[1].from && failed[0].to == nil && failed[1].to != nil)
    #expect(failed[0].reason.contains("the acknowledge 1 cannot be written: the device refused: device failure"))
    #expect(await Self.findings(reports, .cycleWaiting)[0].reason.contains("the acknowledge cannot be written"))
    #expect(await reports.cycles.map(\.trigger) == [1])
  }

  @Test func `an acknowledge at which the line breaks is alarmed, and over once it is written`() async throws {
    let plc = try TestPLC { request, _ in request.function == 6 && request.connection < 3 ? [.reset] : nil }
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      plc[holding: 99] = 1
      try await eventually("the alarm is over") {
        await Self.findings(reports, .acknowledgeFailed).contains { $0.to != nil }
      }
    }
    let failed = await Self.findings(reports, .acknowledgeFailed)
    #expect(failed.count == 2 && failed[0].reason.hasSuffix("the device closed the connection"))
    #expect(await reports.cycles.map(\.trigger) == [1])
  }

  @Test func `what goes on when the daemon stops is told up to then`() async throws {
    let plc = try TestPLC()
    let reports = Reports { if case .cycle = $0 { true } else { false } }
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      try await eventually("the trigger was seen") { plc.seen.count > 4 }
      plc[holding: 99] = 1
      try await eventually("it is told") { await Self.findings(reports, .cycleWaiting).count == 1 }
    }
    let last = try #require(await Self.findings(reports, .cycleWaiting).last)
    #expect(last.to != nil && last.reason.hasSuffix("; the daemon stopped meanwhile"))
  }

  @Test func `a cycle that the PLC shows again is acknowledged, counted and not recorded`() async throws {
    let plc = try TestPLC()
    (plc[holding: 99], plc[holding: 109]) = (7, 6)
    let reports = Reports()
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    let key = CycleKey(device: "press", group: "cycle")
    try await running([device], lastCycles: [key: 7], into: reports) { line in
      try await eventually("it is acknowledged") { plc[holding: 109] == 7 }
      #expect(line.status[0].repeatedCycles == 1)
      plc[holding: 99] = 8
      try await eventually("the next one is acknowledged") { plc[holding: 109] == 8 }
      #expect(line.status[0].repeatedCycles == 1)
    }
    #expect(await reports.cycles.map(\.trigger) == [8])
  }

  @Test func `where the PLC goes on during every reading, the record says so and keeps no mixed value`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.apart))], into: reports) { _ in
      try await eventually("the baseline was seen") { plc.seen.count > 3 }
      plc.misbehave { [weak plc] request, right in
        guard request.function == 3, let plc else { return nil }
        plc[holding: 0] += 1
        return [.send(right)]
      }
      (plc[holding: 101], plc[holding: 0]) = (0x1234, 1)
      try await eventually("a cycle is recorded") { await reports.cycles.count >= 1 }
    }
    let cycle = await reports.cycles[0]
    #expect(cycle.unsure == [ScanData.Role("trigger", String(cycle.trigger - 1))])
    let why = "the PLC began the next cycle while this one was read"
    #expect(
      cycle.tags == [Tag("force", .bad(reason: why, raw: [0x12, 0x34])), Tag("door", .bad(reason: why, raw: []))])
  }

  @Test func `a large block whose guard moved while it was read is read again`() async throws {
    let map = """
      kind: modbus
      requests: { max-registers: 2 }
      groups:
        cycle:
          every: 10ms
          trigger: { tag: cycle-count, at: 40100, type: uint16 }
          guard: begun
          tags:
            begun: { at: 40001, type: uint16 }
            force: { at: 40021, type: uint16 }
            path:  { at: 40041, type: uint16 }
      """
    let plc = try TestPLC()
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(map))], into: reports) { _ in
      try await eventually("the baseline was seen") { plc.seen.count > 3 }
      // The PLC begins the next cycle between the first and the last request of the block, and has not counted yet.
      plc.misbehave { [weak plc] request, right in
        guard let plc, request.address == 20, plc[holding: 0] == 1 else { return nil }
        (plc[holding: 0], plc[holding: 20], plc[holding: 40]) = (2, 22, 42)
        return [.send(right)]
      }
      (plc[holding: 0], plc[holding: 20], plc[holding: 40]) = (1, 21, 41)
      plc[holding: 99] = 1
      try await eventually("a cycle is recorded") { await reports.cycles.count == 1 }
    }
    let cycle = await reports.cycles[0]
    #expect(cycle.tags == [Tag("begun", .int(2)), Tag("force", .int(22)), Tag("path", .int(42))])
    #expect(cycle.unsure.isEmpty)
  }

  @Test func `a wait that was long and is over is told once; a short one never`() {
    func at(_ milliseconds: UInt64) -> Moment {
      Moment(
        time: Timestamp(microseconds: Int64(milliseconds) * 1000), boottimeNanoseconds: milliseconds * 1_000_000)
    }
    var alarms = CycleAlarms(within: .seconds(2))
    #expect(alarms.saw(waitingFor: 5, at: at(0)) == [])
    #expect(alarms.acknowledged(at: at(1999)) == [])
    #expect(alarms.saw(waitingFor: 6, at: at(3000)) == [])
    let late = alarms.acknowledged(at: at(5000))
    #expect(late.map(\.kind) == [.cycleWaiting] && late[0].from == at(3000).time && late[0].to == at(5000).time)
    #expect(late[0].reason == "the PLC waited 2s for its acknowledge 6: reading and keeping its record takes so long")
    #expect(alarms.acknowledged(at: at(6000)) == [])
    // The PLC goes on without its word: each word has its own time.
    #expect(alarms.saw(waitingFor: 7, at: at(7000)) == [])
    #expect(alarms.saw(waitingFor: 8, at: at(8999)) == [])
    #expect(alarms.saw(waitingFor: 8, at: at(10998)) == [])
    #expect(alarms.saw(waitingFor: 8, at: at(10999)).map(\.to) == [nil])
    #expect(alarms.saw(waitingFor: 8, at: at(12000)) == [])
    #expect(alarms.saw(waitingFor: nil, at: at(13000)).map(\.to) == [at(13000).time])
  }

  @Test func `nothing is written that a map does not declare as an acknowledge`() {
    func tag(_ table: ModbusAddress.Table, _ number: Int, _ type: ValueType, bit: Int? = nil) -> ModbusTag {
      ModbusTag(name: "t", address: ModbusAddress(table: table, number: number, bit: bit, text: "t"), type: type)
    }
    func write(_ value: UInt64, trigger: ModbusTag, acknowledge: ModbusTag?) -> PermittedWrite? {
      WritePermit(ModbusTrigger(tag: trigger, acknowledge: acknowledge))?.acknowledging(value)
    }
    let counter = tag(.holding, 99, .uint16)
    #expect(write(7, trigger: counter, acknowledge: nil) == nil)
    let right = write(7, trigger: counter, acknowledge: tag(.holding, 109, .uint16))
    #expect(right?.table == .holding && right?.address == 109 && right?.words == [7] && right?.function == 6)
    // A value that does not fit, tables that cannot be written, one bit, the trigger itself, the end of the table.
    #expect(write(65536, trigger: counter, acknowledge: tag(.holding, 109, .uint16)) == nil)
    #expect(write(7, trigger: counter, acknowledge: tag(.input, 109, .uint16)) == nil)
    #expect(write(1, trigger: counter, acknowledge: tag(.discrete, 109, .bool)) == nil)
    #expect(write(7, trigger: counter, acknowledge: tag(.coil, 109, .uint16)) == nil)
    #expect(write(1, trigger: counter, acknowledge: tag(.holding, 109, .uint16, bit: 3)) == nil)
    #expect(write(7, trigger: counter, acknowledge: tag(.holding, 98, .uint32)) == nil)
    #expect(write(7, trigger: counter, acknowledge: tag(.holding, 65535, .uint32)) == nil)
  }
}
