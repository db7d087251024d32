import Devices
import Events
import Stations
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct StampTests {
  @Test func `a scan sets the context, and the next cycle names the scan that did`() async throws {
    let line = Line()
    await line.scan([("operator", "E1023")], at: 1)
    await line.scan([("lot", "L2311"), ("materials.coil", "C-55")], at: 2)
    await line.cycle(7, at: 4, after: 3.9)
    // 1 scan, 2 context; 3 scan, 4 and 5 context; 6 cycle
    let cycles = await line.queue.all(CycleData.self)
    let cycle = try #require(cycles.first)
    #expect(cycles.count == 1 && cycle.sequence == 6)
    let stamp = try #require(cycle.data.stamp)
    #expect(stamp.station == "ST10")
    #expect(stamp["operator"] == "E1023" && stamp.origin(of: "operator") == .sequence(1))
    #expect(stamp["lot"] == "L2311" && stamp.origin(of: "lot") == .sequence(3))
    #expect(stamp["materials.coil"] == "C-55" && stamp.origin(of: "materials.coil") == .sequence(3))
    #expect(cycle.data.trigger == 7 && cycle.data.result == "pass" && cycle.data.outside == ["peak-force"])
    #expect(cycle.data.unsure.isEmpty)
  }

  @Test func `a scan bears the context before it, and a context event for each field that it changes`() async throws {
    let line = Line()
    await line.scan([("operator", "E1")], at: 1)
    await line.scan([("operator", "E2")], at: 2)
    await line.scan([("operator", "E2")], at: 3)
    let scans = await line.queue.all(ScanData.self)
    #expect(scans.map { $0.data.stamp?["operator"] } == [nil, "E1", "E2"])
    let changes = await line.queue.all(ContextData.self)
    #expect(changes.map(\.data.from) == [nil, "E1"])
    #expect(changes.map(\.data.to) == ["E1", "E2"])
    #expect(changes.map(\.data.by) == [.sequence(1), .sequence(3)])
    #expect(changes.allSatisfy { $0.data.how == .scanned && $0.data.station == "ST10" })
    // The third scan changes nothing, but it is the last word on the field.
    await line.reading(at: 4)
    let stamp = try #require(await line.queue.all(ReadingData.self).first?.data.stamp)
    #expect(stamp.origin(of: "operator") == .sequence(5))
  }

  @Test func `another lot leaves the unit, another scan for a place replaces its material`() async {
    let line = Line()
    await line.scan([("unit", "SN1"), ("lot", "L1"), ("material", "M1"), ("materials.coil", "C1")], at: 1)
    await line.scan([("lot", "L2")], at: 2)
    await line.scan([("materials.coil", "C2")], at: 3)
    let fields = await line.stations.contexts[0].fields
    #expect(fields.map(\.name) == ["lot", "unit", "materials.coil", "materials.material"])
    #expect(fields.map(\.value) == ["L2", "SN1", "C2", "M1"])
  }

  @Test func `END-LOT empties lot and unit, LOGOUT the operator, an unknown command nothing`() async {
    let line = Line()
    await line.scan([("operator", "E1"), ("lot", "L1"), ("unit", "SN1"), ("materials.coil", "C1")], at: 1)
    await line.scan([("command", "DANCE")], at: 2)
    #expect(await line.stations.contexts[0].fields.count == 4)
    await line.scan([("command", "END-LOT")], at: 3)
    #expect(await line.stations.contexts[0].fields.map(\.name) == ["operator", "materials.coil"])
    await line.scan([("command", "LOGOUT")], at: 4)
    #expect(await line.stations.contexts[0].fields.map(\.name) == ["materials.coil"])
    let emptied = await line.queue.all(ContextData.self).filter { $0.data.to == nil }
    #expect(emptied.map(\.data.field) == ["lot", "unit", "operator"])
    #expect(await line.queue.all(ScanData.self).count == 4)
  }

  @Test func `the product of the settings stands until a scan says another`() async {
    let line = Line { $0.product = "P9" }
    await line.reading(at: 1)
    await line.scan([("product", "P10")], at: 2)
    await line.reading(at: 3)
    let stamps = await line.queue.all(ReadingData.self).compactMap(\.data.stamp)
    #expect(stamps.map { $0["product"] } == ["P9", "P10"])
    #expect(stamps.map { $0.origin(of: "product") } == [nil, .sequence(2)])
  }

  @Test func `each station has a context of its own, also where one device serves two`() async {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("lot", "L9")], at: 1, device: "gun-2")
    await line.cycle(1, at: 2, after: 1.9)
    await line.cycle(1, at: 2, after: 1.9, group: "cycle-b")
    let stamps = await line.queue.all(CycleData.self).compactMap(\.data.stamp)
    #expect(stamps.map(\.station) == ["ST10", "ST20"])
    #expect(stamps.map { $0["lot"] } == ["L1", "L9"])
  }

  @Test func `a reading taken before a scan does not bear what the scan set, though it arrives after it`() async {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("lot", "L2")], at: 5)
    await line.reading(at: 4)
    await line.reading(at: 0.5)
    await line.reading(at: 6)
    let stamps = await line.queue.all(ReadingData.self).compactMap(\.data.stamp)
    #expect(stamps.map { $0["lot"] } == ["L1", nil, "L2"])
    #expect(stamps.map { $0.origin(of: "lot") } == [.sequence(1), nil, .sequence(3)])
  }

  @Test func `a wall clock that is put back moves no stamp`() async {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("lot", "L2")], at: 2)
    let later = Moment(
      time: Line.at(-3600).time, boottimeNanoseconds: Line.at(3).boottimeNanoseconds)
    _ = await line.stations.take(
      .reading(Reading(device: "press-1", group: "process", moment: later, tags: [])))
    #expect(await line.queue.all(ReadingData.self).first?.data.stamp?["lot"] == "L2")
  }

  @Test func `a device's state is an event about the device`() async throws {
    let line = Line()
    let report = StateReport(device: "press-1", moment: Line.at(1), state: .offline, reason: "timeout")
    #expect(await line.stations.take(.state(report)) == .accepted)
    let event = try #require(await line.queue.lines.first?.event)
    #expect(event.subject == "press-1" && event.type == .device)
    #expect(await line.queue.all(DeviceData.self).first?.data.reason == "timeout")
  }

  @Test func `a hole of a device is a gap at each of its stations, a hole of a group at its own`() async {
    let line = Line()
    let whole = Hole(device: "press-1", moment: Line.at(9), kind: .deviceOffline, from: Line.at(1).time)
    let group = Hole(device: "press-1", group: "cycle-b", moment: Line.at(9), kind: .missedPolls, count: 3)
    _ = await line.stations.take(.hole(whole))
    _ = await line.stations.take(.hole(group))
    let gaps = await line.queue.all(GapData.self).map(\.data)
    #expect(gaps.map(\.station) == ["ST10", "ST20", "ST20"])
    #expect(gaps.map(\.kind) == [.deviceOffline, .deviceOffline, .missedPolls])
    #expect(gaps[0].from == Line.at(1).time && gaps[2].count == 3)
  }

  @Test func `a device that the settings do not know is refused by name`() async {
    let line = Line()
    let answer = await line.scan([("lot", "L1")], at: 1, device: "gun-7")
    #expect(answer == .refused("the device \"gun-7\" belongs to no station of the settings"))
    #expect(await line.queue.asked == 0)
  }
}
