import Events
import TestParts
import Testing

@testable import Store

@Suite(.timeLimit(minutes: 5))
struct GapTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func pass(_ edge: inout FakeEdge, _ unit: String, _ station: String, at time: String) {
    edge.now = Timestamp(time)!
    let scan = edge.set("unit", unit, at: station)
    edge.cycle(at: station, ["unit": (unit, scan)])
  }

  private func missing(_ store: TraceStore) async throws -> [GapRecord] {
    try await store.gaps(GapFilter(kind: "missing-station")).items
  }

  @Test func `a station that was left out is pending until its source was received beyond that time, then open`()
    async throws
  {
    let store = try await openStore(folder, route("ST10", "ST20", "ST30"))
    var one = FakeEdge("pc1", seed: 1)
    var two = FakeEdge("pc2", seed: 2)
    one.config("ST10", "ST30")
    two.config("ST20")
    pass(&one, "SN1", "ST10", at: "2026-11-23T08:00:00Z")
    pass(&one, "SN1", "ST30", at: "2026-11-23T08:10:00Z")
    _ = try await store.take(one.batch(), from: one.source)
    _ = try await store.take(two.batch(), from: two.source)
    var gap = try #require(try await missing(store).first)
    #expect(gap.state == "pending" && gap.station == "ST20" && gap.unit == "SN1")
    let through = two.last
    two.add(DeviceData(device: "plc-ST20", state: .online), subject: "plc-ST20", at: Timestamp("2026-11-23T08:11:00Z"))
    _ = try await store.take(two.batch(through + 1...two.last), from: two.source)
    gap = try #require(try await missing(store).first)
    #expect(gap.state == "open")
    let unit = try #require(try await store.unit("SN1").record)
    #expect(unit.complete == false && unit.state == "made")
    #expect(unit.gaps.map(\.kind) == ["missing-station"])
    // The cycle arrives after all.
    let known = two.last
    pass(&two, "SN1", "ST20", at: "2026-11-23T08:05:00Z")
    _ = try await store.take(two.batch(known + 1...two.last), from: two.source)
    #expect(try await missing(store).isEmpty)
    #expect(try await store.unit("SN1").record?.complete == true)
  }

  @Test func `a step that has not come within its time is a gap, unless the unit was scrapped`() async throws {
    var rules = route("ST10", "ST20")
    rules.routes["P9"]?[1].within = .seconds(60)
    let store = try await openStore(folder, rules)
    var edge = FakeEdge(seed: 1)
    edge.config("ST10", "ST20")
    pass(&edge, "SN1", "ST10", at: "2026-11-23T08:00:00Z")
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await missing(store).map(\.state) == ["pending"])
    let known = edge.last
    pass(&edge, "SN2", "ST10", at: "2026-11-23T08:02:00Z")
    _ = try await store.take(edge.batch(known + 1...edge.last), from: edge.source)
    #expect(try await store.gaps(GapFilter(state: "open")).items.map(\.unit) == ["SN1"])
    let through = edge.last
    edge.add(
      ScanData(
        device: "gun-ST10", raw: [0x31], text: "CMD:SCRAP", roles: [.init("command", "SCRAP")],
        stamp: Stamp(station: "ST10", fields: [.init(name: "unit", value: "SN1", by: nil)])), subject: "ST10")
    _ = try await store.take(edge.batch(through + 1...edge.last), from: edge.source)
    #expect(try await store.gaps(GapFilter(state: "open", kind: "missing-station")).items.isEmpty)
    #expect(try await store.unit("SN1").record?.state == "scrapped")
  }

  @Test func `visits go by time, at one time by the station's bytes, and those alike stay in their order`() {
    func visit(_ station: String, _ time: Int64, _ product: String) -> Expectations.Visit {
      Expectations.Visit(station: station, time: Timestamp(microseconds: time), product: product)
    }
    let visits = [
      visit("\u{E1}", 1, "1"), visit("Z", 2, "2"), visit("az", 1, "3"), visit("a\u{301}", 1, "4"), visit("az", 1, "5"),
      visit("Z", -3, "6"),
    ]
    #expect(Expectations.Visit.inOrder(visits).compactMap(\.product) == ["6", "3", "5", "4", "1", "2"])
  }

  @Test func `what lies before the beginning of traceability is no gap, and new routes apply at the next opening`()
    async throws
  {
    var rules = route("ST10", "ST20", "ST30")
    rules.since = Timestamp("2026-12-01T00:00:00Z")
    var edge = FakeEdge(seed: 1)
    pass(&edge, "SN1", "ST10", at: "2026-11-23T08:00:00Z")
    pass(&edge, "SN1", "ST30", at: "2026-11-23T08:10:00Z")
    let store = try await openStore(folder, rules)
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await missing(store).isEmpty)
    try store.close()
    let again = try await openStore(folder, route("ST10", "ST20", "ST30"))
    #expect(try await missing(again).count == 1)
  }

  @Test func `a device that went is an open gap from its first sign, and keeps its id when it ends`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 1)
    edge.config("ST10")
    edge.add(DeviceData(device: "plc-ST10", state: .online), subject: "plc-ST10")
    let good = edge.now.adding(.milliseconds(200))
    edge.add(DeviceData(device: "plc-ST10", state: .offline, reason: "no answer"), subject: "plc-ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    let open = try #require(try await store.gaps().items.first)
    #expect(open.kind == "device-offline" && open.to == nil && open.station == "ST10" && open.state == "open")
    let known = edge.last
    edge.add(DeviceData(device: "plc-ST10", state: .online), subject: "plc-ST10")
    edge.add(
      GapData(kind: .deviceOffline, device: "plc-ST10", station: "ST10", from: good, to: edge.now, count: 12),
      subject: "ST10")
    _ = try await store.take(edge.batch(known + 1...edge.last), from: edge.source)
    let gaps = try await store.gaps().items
    #expect(gaps.count == 1 && gaps[0].id == open.id && gaps[0].from == good && gaps[0].count == 12)
  }

  @Test func `a finding stands in the ledger, is ended by its own end, and hides no change of material`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 1)
    edge.config("ST10")
    let coil = edge.set("materials.coil", "C-55", at: "ST10")
    let unit = edge.set("unit", "SN1", at: "ST10")
    let began = edge.now.adding(.seconds(1))
    var finding = FindingData(
      kind: .cycleWaiting, device: "plc-ST10", about: "cycle", station: "ST10", from: began, reason: "it waits for 5 s")
    edge.add(finding, subject: "ST10")
    edge.cycle(at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("C-55", coil)])
    _ = try await store.take(edge.batch(), from: edge.source)
    let open = try #require(try await store.gaps(GapFilter(kind: "cycle-waiting")).items.first)
    #expect(open.isFinding && open.to == nil && open.from == began && open.station == "ST10")
    finding.to = edge.now
    let known = edge.last
    edge.add(finding, subject: "ST10")
    _ = try await store.take(edge.batch(known + 1...edge.last), from: edge.source)
    let ended = try await store.gaps(GapFilter(kind: "cycle-waiting")).items
    #expect(ended.map(\.id) == [open.id] && ended[0].to == finding.to)
    let record = try #require(try await store.unit("SN1").record)
    #expect(record.links.allSatisfy(\.isCertain) && record.gaps.isEmpty)
    let before = try await store.dump()
    try await store.rebuild()
    #expect(try await store.dump() == before)
  }

  @Test func `a finding whose daemon was killed ends with the next start`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 1)
    edge.config("ST10")
    edge.add(
      FindingData(
        kind: .acknowledgeFailed, device: "plc-ST10", station: "ST10", from: edge.now, reason: "the device refuses it"),
      subject: "ST10")
    edge.add(
      StartedData(boot: "b", version: "1", host: "pc", clockSynchronised: true, clockErrorSeconds: 0),
      subject: edge.source.description)
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.gaps(GapFilter(kind: "acknowledge-failed")).items.map(\.to) == [edge.now])
  }

  @Test func `a device that was away over a kill of the daemon leaves one gap, from its first sign`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 1)
    edge.config("ST10")
    edge.add(DeviceData(device: "plc-ST10", state: .offline, reason: "no answer"), subject: "plc-ST10")
    let gone = edge.now
    // The daemon was killed here: its next life knows of the outage from its own start on only.
    edge.now = edge.now.adding(.seconds(60))
    edge.add(DeviceData(device: "plc-ST10", state: .offline, reason: "no answer"), subject: "plc-ST10")
    let started = edge.now
    edge.add(DeviceData(device: "plc-ST10", state: .online), subject: "plc-ST10")
    edge.add(
      GapData(kind: .deviceOffline, device: "plc-ST10", station: "ST10", from: started, to: edge.now),
      subject: "ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    let gaps = try await store.gaps().items.filter { $0.kind == "device-offline" }
    #expect(gaps.map(\.from) == [gone] && gaps.map(\.to) == [edge.now.adding(.seconds(-1))])
  }

  @Test func `lists of gaps page by cursor, each once`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 1)
    for _ in 0..<25 { edge.add(GapData(kind: .missedPolls, station: "ST10", count: 1), subject: "ST10") }
    _ = try await store.take(edge.batch(), from: edge.source)
    var seen: [String] = []
    var cursor: String?
    repeat {
      let page = try await store.gaps(after: cursor, limit: 10)
      seen += page.items.map(\.id)
      cursor = page.next
    } while cursor != nil
    #expect(seen.count == 25 && Set(seen).count == 25)
  }
}
