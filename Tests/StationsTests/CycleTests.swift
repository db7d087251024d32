import Devices
import Events
import Stations
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct CycleTests {
  @Test func `a field that changed while the cycle may have run is unsure, with its former value`() async {
    let line = Line()
    await line.scan([("materials.coil", "C1"), ("lot", "L1")], at: 1)
    await line.cycle(1, at: 2, after: 1.9)
    await line.scan([("materials.coil", "C2")], at: 10)
    await line.scan([("operator", "E1")], at: 10.1)
    await line.cycle(2, at: 11, after: 9)
    await line.cycle(3, at: 13, after: 12.9)
    let cycles = await line.queue.all(CycleData.self).map(\.data)
    #expect(cycles.map { $0.stamp?["materials.coil"] } == ["C1", "C2", "C2"])
    // The operator was nobody before: not unsure.
    #expect(cycles.map(\.unsure) == [[], [.init("materials.coil", "C1")], []])
  }

  @Test func `after cycles were missed, every field that had another value before is unsure`() async throws {
    let line = Line()
    await line.scan([("lot", "L1"), ("materials.coil", "C1")], at: 1)
    await line.scan([("lot", "L2")], at: 2)
    await line.cycle(5, at: 100, after: 99.9)
    await line.cycle(8, at: 200, after: 199.9, jump: .missed(2))
    let cycles = await line.queue.all(CycleData.self).map(\.data)
    #expect(cycles.map(\.unsure) == [[], [.init("lot", "L1")]])
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .missedCycles && gap.count == 2 && gap.device == "press-1" && gap.station == "ST10")
    #expect(gap.from == Line.at(199.9).time && gap.to == Line.at(200).time)
    #expect(gap.reason == "the counter of group cycle shows 8 after 5")
  }

  @Test func `a lot that was ended by a command is not what a later cycle may have had`() async {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("command", "END-LOT")], at: 2)
    await line.scan([("lot", "L2")], at: 3)
    await line.cycle(2, at: 10, after: 9.9, jump: .missed(1))
    #expect(await line.queue.all(CycleData.self).first?.data.unsure == [])
  }

  @Test func `a counter that began again is a gap without a count`() async throws {
    let line = Line()
    await line.cycle(500, at: 1, after: 0.9)
    await line.cycle(2, at: 60, after: nil, jump: .restarted)
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .missedCycles && gap.count == nil)
    #expect(gap.from == Line.at(1).time && gap.to == Line.at(60).time)
    #expect(gap.reason == "the counter of group cycle began again: it shows 2 after 500")
    #expect(await line.queue.all(CycleData.self).map(\.data.trigger) == [500, 2])
  }

  @Test func `without a last poll, a cycle may have happened since the one before it`() async {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("lot", "L2")], at: 2)
    await line.cycle(1, at: 3, after: 2.5)
    await line.scan([("lot", "L3")], at: 4)
    await line.cycle(2, at: 60, after: nil)
    await line.cycle(3, at: 70, after: nil)
    let cycles = await line.queue.all(CycleData.self).map(\.data)
    #expect(cycles.map(\.unsure) == [[], [.init("lot", "L2")], []])
  }

  @Test func `what a cycle needs and lacks is a gap in the same entry that names it`() async throws {
    let line = Line { $0.cycleNeeds = ["operator", "lot", "unit", "materials.coil"] }
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(1, at: 3, after: 2)
    let entry = try #require(await line.queue.entries.last)
    #expect(entry.events.map(\.type) == [.cycle, .gap])
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .missingStamp && gap.count == 1)
    #expect(gap.reason == "the cycle has no operator, no unit, no materials.coil")
    #expect(gap.from == Line.at(2).time && gap.to == Line.at(3).time)
    #expect(await line.queue.all(CycleData.self).first?.data.broken == ["cycle-needs"])
  }

  @Test func `a cycle that has all it needs has no gap`() async {
    let line = Line {
      $0.cycleNeeds = ["lot", "product"]; $0.product = "P9"
    }
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(1, at: 3, after: 2)
    #expect(await line.queue.all(GapData.self).isEmpty)
    #expect(await line.queue.all(CycleData.self).first?.data.broken == [])
  }

  @Test func `the unit leaves the context with its cycle, by the cycle's own number`() async throws {
    let line = Line { $0.cycleNeeds = ["unit"] }
    await line.scan([("unit", "SN1")], at: 1)
    await line.cycle(1, at: 3, after: 2)
    await line.cycle(2, at: 5, after: 4)
    let cycles = await line.queue.all(CycleData.self)
    #expect(cycles.map { $0.data.stamp?["unit"] } == ["SN1", nil])
    let ended = try #require(await line.queue.all(ContextData.self).last?.data)
    #expect(ended.field == "unit" && ended.from == "SN1" && ended.to == nil && ended.how == .read)
    #expect(ended.by == .sequence(cycles[0].sequence))
    #expect(await line.queue.all(GapData.self).map(\.data.kind) == [.missingStamp])
  }

  @Test func `where another scan ends a unit it stays for the next cycle`() async {
    let line = Line { $0.unitEnds = .scan }
    await line.scan([("unit", "SN1")], at: 1)
    await line.cycle(1, at: 3, after: 2)
    await line.cycle(2, at: 5, after: 4)
    #expect(await line.queue.all(CycleData.self).map { $0.data.stamp?["unit"] } == ["SN1", "SN1"])
  }

  @Test func `a cycle that is reported late leaves the unit that was scanned since`() async {
    let line = Line { $0.unitEnds = .cycle }
    await line.scan([("unit", "SN1")], at: 1)
    await line.scan([("unit", "SN2")], at: 5)
    await line.cycle(1, at: 4, after: 3.9)
    await line.cycle(2, at: 7, after: 6.9)
    let cycles = await line.queue.all(CycleData.self).map(\.data)
    #expect(cycles.map { $0.stamp?["unit"] } == ["SN1", "SN2"])
    #expect(cycles.map(\.unsure) == [[], []])
  }

  @Test func `what the PLC says of unit and lot is set before the stamp, and is sure`() async throws {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(1, at: 4, after: 0.5, roles: [("unit", "SN5"), ("lot", "L2"), ("order", "")])
    // 1 scan, 2 context; 3 and 4 context, 5 cycle, 6 the unit ends
    let cycle = try #require(await line.queue.all(CycleData.self).first)
    #expect(cycle.sequence == 5)
    #expect(cycle.data.stamp?["unit"] == "SN5" && cycle.data.stamp?["lot"] == "L2" && cycle.data.stamp?["order"] == nil)
    #expect(cycle.data.stamp?.origin(of: "unit") == .sequence(5))
    #expect(cycle.data.unsure == [])
    let changes = await line.queue.all(ContextData.self).map(\.data)
    #expect(changes.map(\.field) == ["lot", "unit", "lot", "unit"])
    #expect(changes.map(\.how) == [.scanned, .read, .read, .read])
    #expect(changes.dropFirst().allSatisfy { $0.by == .sequence(5) })
  }

  @Test func `components and a command wait for the next cycle, and for one only`() async throws {
    let line = Line()
    await line.scan([("component", "K-77")], at: 1)
    await line.scan([("components.seal", "D-1")], at: 1.5)
    await line.scan([("command", "REWORK")], at: 2)
    #expect(await line.stations.contexts[0].components == ["K-77", "D-1"])
    #expect(await line.stations.contexts[0].mode == "rework")
    await line.cycle(1, at: 4, after: 3)
    await line.cycle(2, at: 6, after: 5)
    let cycles = await line.queue.all(CycleData.self).map(\.data)
    let lots: [CycleData.Component] = [
      .init(kind: "lot", id: "K-77", place: nil, by: .sequence(1)),
      .init(kind: "lot", id: "D-1", place: "seal", by: .sequence(2)),
    ]
    #expect(cycles.map(\.components) == [lots, []])
    #expect(cycles.map(\.mode) == ["rework", nil])
  }

  @Test func `the same cycle reported again is accepted and not recorded again`() async {
    let line = Line()
    #expect(await line.cycle(9, at: 2, after: 1.9) == .accepted)
    #expect(await line.cycle(9, at: 2, after: 1.9) == .accepted)
    #expect(await line.cycle(9, at: 2.4, after: 1.9) == .accepted)
    let again = await line.restarted()
    #expect(await again.cycle(9, at: 30, after: nil) == .accepted)
    #expect(await line.queue.all(CycleData.self).count == 1)
  }

  @Test func `a bit that rises again is another cycle, though it always says 1`() async {
    let line = Line()
    await line.cycle(1, at: 2, after: 1.9)
    await line.cycle(1, at: 4, after: 3.9)
    await line.cycle(1, at: 60, after: nil)
    #expect(await line.queue.all(CycleData.self).count == 3)
  }

  @Test func `at a station without a PLC the scan of a unit is its cycle`() async throws {
    let line = Line {
      $0.cycle = .unitScan; $0.cycleNeeds = ["operator", "unit"]
    }
    await line.scan([("component", "K-1")], at: 1)
    await line.scan([("unit", "SN1")], at: 2)
    let cycle = try #require(await line.queue.all(CycleData.self).first?.data)
    #expect(cycle.device == "gun-1" && cycle.trigger == nil && cycle.stamp?["unit"] == "SN1")
    #expect(cycle.components.map(\.id) == ["K-1"])
    let entry = try #require(await line.queue.entries.last)
    #expect(entry.events.map(\.type) == [.scan, .context, .cycle, .gap, .context])
    #expect(await line.stations.contexts[0].fields.isEmpty)
  }
}
