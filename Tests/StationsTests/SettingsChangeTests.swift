import Devices
import Events
import Stations
import TestParts
import Testing

/// Other settings of the stations while they work.
@Suite(.timeLimit(minutes: 5)) struct SettingsChangeTests {
  private func change(
    _ line: Line, _ names: [String], routing: Routing, _ edit: (inout StationSettings) -> Void = { _ in }
  ) async {
    var settings = names.map { StationSettings(name: $0) }
    edit(&settings[0])
    await line.stations.change(to: settings, routing: routing, state: await line.queue.state)
  }

  private let usual = Routing(devices: ["press-1": "ST10", "gun-1": "ST10", "gun-2": "ST20"])

  @Test func `new rules hold from the next report on, and the context stays`() async throws {
    let line = Line()
    await line.scan([("operator", "E1")], at: 1)
    await line.reading(at: 2)
    await change(line, ["ST10", "ST20"], routing: usual) {
      $0.product = "P7"
      $0.cycleNeeds = ["lot"]
    }
    await line.reading(at: 3)
    await line.cycle(1, at: 4, after: 3.9)
    let stamps = await line.queue.all(ReadingData.self).compactMap(\.data.stamp)
    #expect(stamps.map { $0["product"] } == [nil, "P7"] && stamps.map { $0["operator"] } == ["E1", "E1"])
    #expect(await line.queue.all(GapData.self).map(\.data.kind) == [.missingStamp])
  }

  @Test func `a device that moves to another station takes its last cycle along`() async throws {
    let line = Line()
    await line.cycle(41, at: 1, after: 0.9)
    await change(line, ["ST10", "ST20"], routing: Routing(devices: ["press-1": "ST20"]))
    let key = CycleKey(device: "press-1", group: "cycle")
    #expect(await line.stations.lastCycles == [key: 41])
    // The PLC did not see the acknowledge before it was moved, and shows the same cycle again.
    #expect(await line.cycle(41, at: 1, after: nil) == .accepted)
    await line.cycle(43, at: 9, after: nil, jump: .missed(1))
    let cycles = await line.queue.all(CycleData.self)
    #expect(cycles.map(\.data.trigger) == [41, 43] && cycles.last?.data.stamp?.station == "ST20")
    let gap = try #require(await line.queue.all(GapData.self).last?.data)
    #expect(gap.kind == .missedCycles && gap.from == Line.at(1).time)
  }

  @Test func `a station that went refuses its devices, and comes back with what was in effect`() async throws {
    let line = Line()
    await line.scan([("lot", "L9")], at: 1, device: "gun-2")
    await change(line, ["ST10"], routing: Routing(devices: ["press-1": "ST10", "gun-1": "ST10"]))
    #expect(
      await line.scan([("lot", "L8")], at: 2, device: "gun-2")
        == .refused("the device \"gun-2\" belongs to no station of the settings"))
    #expect(await line.stations.contexts.map(\.station) == ["ST10"])
    await change(line, ["ST20", "ST10"], routing: usual)
    #expect(await line.stations.contexts.first?.fields.map(\.value) == ["L9"])
  }
}
