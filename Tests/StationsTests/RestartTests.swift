import Devices
import Events
import Stations
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct RestartTests {
  @Test func `context, components, commands and last cycles survive a restart`() async throws {
    let line = Line()
    await line.scan([("operator", "E1"), ("materials.coil", "C1")], at: 1)
    await line.scan([("materials.coil", "C2")], at: 2)
    await line.cycle(41, at: 3, after: 2.9)
    await line.scan([("component", "K-1")], at: 4)
    await line.scan([("command", "REWORK")], at: 5)
    let again = await line.restarted()
    #expect(await again.stations.contexts == line.stations.contexts)
    #expect(
      LineStations.lastCycles(from: await line.queue.state) == [CycleKey(device: "press-1", group: "cycle"): 41])
    await again.cycle(42, at: 60, after: nil)
    let cycle = try #require(await line.queue.all(CycleData.self).last?.data)
    #expect(cycle.stamp?["materials.coil"] == "C2" && cycle.stamp?.origin(of: "materials.coil") == .sequence(4))
    #expect(cycle.components.map(\.id) == ["K-1"] && cycle.mode == "rework")
    #expect(cycle.unsure == [])
  }

  @Test func `a change before the restart is unsure for a cycle that may have run before it`() async throws {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(1, at: 2, after: 1.9)
    await line.scan([("lot", "L2")], at: 3)
    let again = await line.restarted()
    await again.cycle(2, at: 60, after: nil)
    #expect(await line.queue.all(CycleData.self).last?.data.unsure == [.init("lot", "L1")])
  }

  @Test func `a new life of the queue begins with what was in effect, by full ids`() async throws {
    let line = Line()
    await line.scan([("operator", "E1")], at: 1)
    await line.cycle(1, at: 1.5, after: 1.4, roles: [("lot", "L1")])
    let old = await line.queue.incarnation
    await line.queue.beginNewLife()
    let again = await line.restarted()
    await again.reading(at: 10)
    await again.reading(at: 11)
    #expect(await line.queue.lines.map(\.event.type) == [.context, .context, .reading, .reading])
    let carried = await line.queue.all(ContextData.self).map(\.data)
    #expect(carried.map(\.to) == ["E1", "L1"] && carried.map(\.from) == [nil, nil])
    #expect(carried.map(\.how) == [.scanned, .read])
    let scan = EventID(incarnation: old, sequence: 1)
    let cycle = EventID(incarnation: old, sequence: 4)
    #expect(carried.map(\.by) == [.event(scan), .event(cycle)])
    let stamps = await line.queue.all(ReadingData.self).compactMap(\.data.stamp)
    #expect(stamps.allSatisfy { $0.origin(of: "operator") == .event(scan) && $0.origin(of: "lot") == .event(cycle) })
  }

  @Test func `all stations say what is in effect when a new life begins, before any of them reports`() async throws {
    let line = Line()
    await line.scan([("operator", "E1")], at: 1)
    await line.scan([("lot", "L9")], at: 2, device: "gun-2")
    let old = await line.queue.incarnation
    await line.queue.beginNewLife()
    let again = await line.restarted()
    let new = await line.queue.incarnation
    await again.stations.carryOver(into: new)
    let carried = await line.queue.all(ContextData.self).map(\.data)
    #expect(carried.map(\.station) == ["ST10", "ST20"] && carried.map(\.to) == ["E1", "L9"])
    #expect(carried.map(\.how) == [.scanned, .scanned])
    #expect(
      carried.map(\.by) == [
        .event(EventID(incarnation: old, sequence: 1)), .event(EventID(incarnation: old, sequence: 3)),
      ])
    #expect(await line.queue.state.keys.contains("context/ST20"))
    // Said once: neither asked again nor with the next report.
    await again.stations.carryOver(into: new)
    await again.reading(at: 10)
    #expect(await line.queue.lines.map(\.event.type) == [.context, .context, .reading])
  }

  @Test func `a queue that is new has nothing to say of what is in effect`() async {
    let line = Line()
    await line.stations.carryOver(into: await line.queue.incarnation)
    #expect(await line.queue.entries.isEmpty)
  }

  @Test func `a new life while the daemon runs is carried over too, once, with the last cycles`() async throws {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(5, at: 2, after: 1.9)
    await line.queue.beginNewLife()
    await line.reading(at: 3)
    await line.reading(at: 4)
    await line.scan([("lot", "L2")], at: 5)
    let changes = await line.queue.all(ContextData.self).map(\.data)
    #expect(changes.map(\.to) == ["L1", "L2"])
    #expect(changes.last?.by == .sequence(4))  // reading, context, reading, scan
    let entry = try #require(await line.queue.entries.dropFirst().first)
    #expect(entry.state.map(\.key) == ["context/ST10", "cycle/press-1/cycle"])
  }

  @Test func `what is refused leaves no trace`() async throws {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.queue.refuse(.full("free some space"))
    let refused = Acceptance.refused("the queue is full: free some space")
    #expect(await line.scan([("lot", "L2"), ("component", "K-1")], at: 2) == refused)
    #expect(await line.cycle(6, at: 3, after: 2.9) == refused)
    #expect(await line.reading(at: 3) == refused)
    #expect(await line.stations.contexts[0].fields.map(\.value) == ["L1"])
    #expect(await line.stations.contexts[0].components.isEmpty)
    await line.queue.refuse(nil)
    // The cycle is reported again, and is then the first of its number.
    #expect(await line.cycle(6, at: 3, after: 2.9) == .accepted)
    let cycle = try #require(await line.queue.all(CycleData.self).last?.data)
    #expect(cycle.stamp?["lot"] == "L1" && cycle.trigger == 6)
  }

  @Test func `the fall of a bit is state without an event, and the next start knows of it`() async throws {
    let line = Line()
    let key = CycleKey(device: "press-1", group: "cycle")
    await line.cycle(1, at: 1, after: 0.9)
    #expect(LineStations.lastCycles(from: await line.queue.state) == [key: 1])
    await line.queue.refuse(.failing("the disk"))
    #expect(await line.stations.take(.rest(key, Line.at(2))) != .accepted)
    #expect(LineStations.lastCycles(from: await line.queue.state) == [key: 1])
    await line.queue.refuse(nil)
    let before = await line.queue.lines.count
    #expect(await line.stations.take(.rest(key, Line.at(3))) == .accepted)
    let entry = try #require(await line.queue.entries.last)
    #expect(entry.events.isEmpty && entry.state.map(\.key) == ["cycle/press-1/cycle"])
    #expect(LineStations.lastCycles(from: await line.queue.state) == [key: 0])
    // The next rise is another cycle, although a bit always says 1; it came after the fall.
    let again = await line.restarted()
    await again.scan([("lot", "L1")], at: 2.5)
    await again.scan([("lot", "L2")], at: 2.8)
    #expect(await again.cycle(1, at: 4, after: nil) == .accepted)
    #expect(await line.queue.lines.count > before + 2)
    let cycles = await line.queue.all(CycleData.self)
    #expect(cycles.map(\.data.trigger) == [1, 1] && cycles.last?.data.unsure == [])
  }

  @Test func `the fall of a bit belongs to the station of its group`() async throws {
    let line = Line()
    let key = CycleKey(device: "press-1", group: "cycle-b")
    await line.scan([("lot", "L9")], at: 1, device: "gun-2")
    await line.cycle(1, at: 2, after: 1.9, group: "cycle-b")
    await line.queue.beginNewLife()
    #expect(await line.stations.take(.rest(key, Line.at(3))) == .accepted)
    // It is the first of a new life, which begins with what is in effect at that station.
    #expect(await line.queue.entries[0].events.map(\.subject) == ["ST20"])
    #expect(await line.queue.entries[0].state.map(\.key) == ["context/ST20", "cycle/press-1/cycle-b"])
  }

  @Test func `a PLC's restart is a gap from the last cycle to now, told once over restarts of the daemon`() async throws
  {
    let line = Line()
    let key = CycleKey(device: "press-1", group: "cycle")
    await line.cycle(900, at: 1, after: 0.9)
    let hole = Hole(
      device: "press-1", group: "cycle", moment: Line.at(60), kind: .missedCycles, to: Line.at(60).time,
      reason: "the counter fell", counter: 3)
    #expect(await line.stations.take(.hole(hole)) == .accepted)
    let gap = try #require(await line.queue.all(GapData.self).last?.data)
    #expect(gap.kind == .missedCycles && gap.from == Line.at(1).time && gap.to == Line.at(60).time)
    #expect(gap.station == "ST10" && gap.reason == "the counter fell" && gap.count == nil)
    // The next start counts on from what the PLC shows now.
    #expect(LineStations.lastCycles(from: await line.queue.state) == [key: 3])
  }

  @Test func `a cycle that lacks a stamp says from when to when, whatever is known of its beginning`() async throws {
    let line = Line { $0.cycleNeeds = ["operator"] }
    await line.cycle(1, at: 5, after: nil)
    await line.cycle(2, at: 7, after: 6.9)
    let gaps = await line.queue.all(GapData.self).map(\.data)
    #expect(gaps.map(\.kind) == [.missingStamp, .missingStamp])
    #expect(gaps.map(\.from) == [Line.at(5).time, Line.at(6.9).time])
    #expect(gaps.map(\.to) == [Line.at(5).time, Line.at(7).time])
  }

  @Test func `a context that cannot be read back begins empty`() async {
    let line = Line(state: ["context/ST10": Array("{".utf8), "cycle/press-1/cycle": Array("[]".utf8)])
    #expect(await line.stations.contexts[0].fields.isEmpty)
    #expect(await line.cycle(1, at: 1, after: nil) == .accepted)
  }
}
