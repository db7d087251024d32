import Events
import TestParts
import Testing

@testable import Devices

/// A bit as trigger, with an acknowledge: coil 0 rises, coil 4 is written; the value is in holding register 101.
@Suite(.timeLimit(minutes: 5))
struct ModbusHandshakeTests {
  private static let map = """
    kind: modbus
    groups:
      cycle:
        every: 10ms
        trigger:     { tag: done, at: 00001, type: bool }
        acknowledge: { at: 00005 }
        tags: { force: { at: 40102, type: uint16 } }
    """
  private static let key = CycleKey(device: "press", group: "cycle")

  /// Makes a piece, as a PLC does that keeps to the handshake.
  private static func make(_ plc: TestPLC, force: UInt16) async throws {
    plc[holding: 101] = force
    plc[coil: 0] = true
    try await eventually("the cycle is acknowledged") { plc[coil: 4] }
    plc[coil: 0] = false
    try await eventually("the acknowledge falls") { !plc[coil: 4] }
  }

  private static func forces(_ reports: Reports) async -> [TagValue] {
    await reports.cycles.flatMap { $0.tags.map(\.value) }
  }

  @Test func `a bit goes through the four steps of its handshake, with a commit before each write`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      for force in [UInt16(5), 6] { try await Self.make(plc, force: force) }
    }
    #expect(await Self.forces(reports) == [.int(5), .int(6)])
    let steps = await reports.all.compactMap { report in
      switch report {
      case .cycle: "cycle"
      case .rest(let key, _): key == Self.key ? "rest" : "of another group"
      default: nil
      }
    }
    #expect(steps == ["cycle", "rest", "cycle", "rest"])
    #expect(plc.written == [1, 0, 1, 0].map { TestPLC.Write(function: 5, address: 4, values: [$0]) })
  }

  @Test func `the acknowledge does not fall before the fall of the bit is on disk`() async throws {
    let plc = try TestPLC()
    let reports = Reports { if case .rest = $0 { true } else { false } }
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      plc[coil: 0] = true
      try await eventually("the cycle is acknowledged") { plc[coil: 4] }
      plc[coil: 0] = false
      try await eventually("the rest was refused twice") { await reports.refused.count >= 2 }
      #expect(plc[coil: 4])
      await reports.refuse { _ in false }
      try await eventually("the acknowledge falls") { !plc[coil: 4] }
      try await Self.make(plc, force: 2)
    }
    #expect(await reports.cycles.count == 2)
  }

  @Test func `a cycle on disk whose acknowledge never came is acknowledged after a start, not recorded`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    plc[holding: 101] = 7
    plc[coil: 0] = true
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    try await running([device], lastCycles: [Self.key: 1], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[coil: 4] }
      plc[coil: 0] = false
      try await eventually("the acknowledge falls") { !plc[coil: 4] }
      try await Self.make(plc, force: 8)
    }
    #expect(await Self.forces(reports) == [.int(8)])
  }

  @Test func `a bit that stands after a start is recorded where the one before it has rested`() async throws {
    let plc = try TestPLC()
    let reports = Reports()
    let device = settings("press", port: plc.port, map: try loadedMap(Self.map))
    // The acknowledge had not fallen yet: that comes first, and then the PLC goes on.
    plc[coil: 4] = true
    try await running([device], lastCycles: [Self.key: 0], into: reports) { _ in
      try await eventually("the acknowledge falls") { !plc[coil: 4] }
    }
    #expect(await reports.cycles.isEmpty)
    plc[holding: 101] = 7
    plc[coil: 0] = true
    try await running([device], lastCycles: [Self.key: 0], into: reports) { _ in
      try await eventually("the cycle is acknowledged") { plc[coil: 4] }
    }
    #expect(await Self.forces(reports) == [.int(7)])
  }

  @Test func `a line that breaks at either write leads to no second record`() async throws {
    // The answer to each first try of a write is lost, and once the write too.
    let plc = try TestPLC()
    plc.misbehave { [weak plc] request, _ in
      guard request.function == 5, let plc, plc.written.count % 2 == 1 else { return nil }
      if plc.written.count == 1 { plc[coil: 4] = false }
      return [.reset]
    }
    let reports = Reports()
    try await running([settings("press", port: plc.port, map: loadedMap(Self.map))], into: reports) { _ in
      plc[holding: 101] = 1
      plc[coil: 0] = true
      try await eventually("it is acknowledged again") { plc.written.count >= 2 && plc[coil: 4] }
      plc[coil: 0] = false
      try await eventually("the acknowledge falls") { !plc[coil: 4] }
      plc.misbehave { _, _ in nil }
      try await Self.make(plc, force: 2)
    }
    #expect(plc.connectionCount == 3)
    #expect(await Self.forces(reports) == [.int(1), .int(2)])
  }
}
