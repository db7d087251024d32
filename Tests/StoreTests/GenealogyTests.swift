import Events
import TestParts
import Testing

@testable import Store

@Suite(.timeLimit(minutes: 5))
struct GenealogyTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Six units over ST10 with a coil change after the third.
  private func coilChange(grey: String = "{ cycles: 1, time: 0s }") -> FakeEdge {
    var edge = FakeEdge(seed: 1)
    edge.config("ST10", grey: grey)
    let lot = edge.set("lot", "L2311", at: "ST10")
    let person = edge.set("operator", "E1023", at: "ST10")
    var coil = ("C-55", edge.set("materials.coil", "C-55", at: "ST10"))
    for index in 1...6 {
      if index == 4 { coil = ("C-56", edge.set("materials.coil", "C-56", from: "C-55", at: "ST10")) }
      let unit = edge.set("unit", "SN\(index)", at: "ST10")
      edge.cycle(
        at: "ST10",
        [
          "unit": ("SN\(index)", unit), "lot": ("L2311", lot), "operator": ("E1023", person),
          "materials.coil": coil,
        ])
    }
    return edge
  }

  private func coils(_ store: TraceStore, _ unit: String) async throws -> [LinkRecord] {
    try await store.unit(unit).record?.links.filter { $0.role == "coil" } ?? []
  }

  @Test func `a unit has its cycle, values, lot and coil, each link with its evidence`() async throws {
    let store = try await openStore(folder)
    let edge = coilChange()
    _ = try await store.take(edge.batch(), from: edge.source)
    let unit = try #require(try await store.unit("SN1").record)
    #expect(unit.cycles.count == 1 && unit.product == "P9" && unit.complete == nil)
    #expect(unit.cycles[0].operators.first == "E1023" && unit.cycles[0].lot == "L2311" && unit.cycles[0].attempt == 1)
    #expect(unit.cycles[0].data?.tags == [Tag("peak-force", .double(101.5))])
    #expect(unit.cycles[0].event?.source == "plant1.line3.pc1")
    let coil = try #require(unit.links.first { $0.role == "coil" })
    #expect(coil.node == Node(.lot, "C-55") && coil.evidence == .loaded && coil.isCertain)
    let lot = try #require(unit.links.first { $0.role == "member" })
    #expect(lot.node == Node(.lot, "L2311") && lot.evidence == .scanned && lot.isCertain)
  }

  @Test func `around a coil change both coils are possible, with one id and the reason`() async throws {
    let store = try await openStore(folder)
    let edge = coilChange()
    _ = try await store.take(edge.batch(), from: edge.source)
    for unit in ["SN3", "SN4"] {
      let links = try await coils(store, unit)
      #expect(links.map(\.node.id).sorted() == ["C-55", "C-56"])
      #expect(links.allSatisfy { $0.evidence == .window && !$0.isCertain })
      #expect(Set(links.map(\.alternatives)).count == 1 && links[0].alternatives != nil)
      #expect(links[0].reason?.contains("the change from C-55 to C-56") == true)
    }
    for (unit, coil) in [("SN2", "C-55"), ("SN5", "C-56")] {
      let links = try await coils(store, unit)
      #expect(links.map(\.node.id) == [coil] && links[0].isCertain)
    }
  }

  @Test(arguments: [
    ("{ cycles: 0, time: 0s }", [1, 1, 1, 1, 1, 1]), ("{ cycles: 2, time: 0s }", [1, 2, 2, 2, 2, 1]),
    ("{ cycles: 0, time: 1h }", [2, 2, 2, 2, 2, 2]),
  ])
  func `the grey zone is as wide as the settings say`(grey: String, counts: [Int]) async throws {
    let store = try await openStore(folder)
    let edge = coilChange(grey: grey)
    _ = try await store.take(edge.batch(), from: edge.source)
    var found: [Int] = []
    for index in 1...6 { found.append(try await coils(store, "SN\(index)").count) }
    #expect(found == counts)
  }

  @Test func `from a coil forward come its certain and its possible units, and its lot`() async throws {
    let store = try await openStore(folder)
    let edge = coilChange()
    _ = try await store.take(edge.batch(), from: edge.source)
    let trace = try #require(try await store.trace(from: Node(.lot, "C-56"), .forward).record)
    #expect(trace.items.filter { $0.isCertain && $0.node.kind == .unit }.map(\.node.id) == ["SN5", "SN6"])
    #expect(trace.items.filter { !$0.isCertain && $0.node.kind == .unit }.map(\.node.id).sorted() == ["SN3", "SN4"])
    #expect(trace.items.contains { $0.node == Node(.lot, "L2311") && $0.isCertain })
    let lot = try #require(try await store.lot("C-56").record)
    #expect(lot.consumedUnits == 4 && lot.madeUnits == 0)
    let made = try #require(try await store.lot("L2311").record)
    #expect(made.madeUnits == 6 && made.links.filter(\.isCertain).map(\.node.id).sorted() == ["C-55", "C-56"])
  }

  @Test func `from a unit backward come its own coil and lot, never its siblings'`() async throws {
    let store = try await openStore(folder)
    let edge = coilChange()
    _ = try await store.take(edge.batch(), from: edge.source)
    let trace = try #require(try await store.trace(from: Node(.unit, "SN1"), .backward).record)
    #expect(trace.items.map(\.node.id).sorted() == ["C-55", "L2311"])
    #expect(trace.items.allSatisfy { $0.isCertain && $0.depth == 1 })
    let grey = try #require(try await store.trace(from: Node(.unit, "SN3"), .backward).record)
    #expect(grey.items.filter { !$0.isCertain }.map(\.node.id).sorted() == ["C-55", "C-56"])
  }

  @Test func `from a lot backward the gaps of its stations are named as unknown`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 4)
    edge.config("ST10")
    let lot = edge.set("lot", "T-1", at: "ST10")
    edge.cycle(at: "ST10", ["lot": ("T-1", lot)])
    let away = edge.now
    edge.add(
      GapData(kind: .deviceOffline, device: "gun-ST10", from: away, to: away.adding(.seconds(1))), subject: "ST10")
    edge.cycle(at: "ST10", ["lot": ("T-1", lot)])
    _ = try await store.take(edge.batch(), from: edge.source)
    let trace = try #require(try await store.trace(from: Node(.lot, "T-1"), .backward).record)
    #expect(trace.unknown.map { $0.gap.prefix(14) } == ["device-offline"])
  }

  @Test func `a lot made upstream is walked through, and what only a part of it had is possible`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 2)
    edge.config("SLIT", "ST10", grey: "{ cycles: 0, time: 0s }")
    let tub = edge.set("lot", "T-1", at: "SLIT")
    let first = edge.set("materials.coil", "M-1", at: "SLIT")
    edge.cycle(at: "SLIT", ["lot": ("T-1", tub), "materials.coil": ("M-1", first)], product: nil)
    let second = edge.set("materials.coil", "M-2", from: "M-1", at: "SLIT")
    edge.cycle(at: "SLIT", ["lot": ("T-1", tub), "materials.coil": ("M-2", second)], product: nil)
    let load = edge.set("materials.coil", "T-1", at: "ST10")
    let unit = edge.set("unit", "SN1", at: "ST10")
    edge.cycle(at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("T-1", load)])
    _ = try await store.take(edge.batch(), from: edge.source)
    let back = try #require(try await store.trace(from: Node(.unit, "SN1"), .backward).record)
    #expect(back.items.first { $0.node.id == "T-1" }?.isCertain == true)
    #expect(back.items.filter { $0.depth == 2 }.map(\.isCertain) == [false, false])
    let whole = try #require(try await store.trace(from: Node(.lot, "T-1"), .backward).record)
    #expect(whole.items.map(\.isCertain) == [true, true])
    let on = try #require(try await store.trace(from: Node(.lot, "M-1"), .forward).record)
    #expect(on.items.map(\.node.id) == ["T-1", "SN1"])
  }

  @Test(
    arguments: [
      (GapData.Kind.deviceOffline, "gun-ST10", false), (.deviceOffline, "plc-ST10", true),
      (.daemonDown, nil, false), (.unreadableScan, "gun-ST10", false), (.missedCycles, "plc-ST10", true),
    ] as [(GapData.Kind, String?, Bool)])
  func `a gap that could hide a change makes the links after it possible`(
    kind: GapData.Kind, device: String?, isCertain: Bool
  ) async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 3)
    edge.config("ST10")
    let coil = edge.set("materials.coil", "C-55", at: "ST10")
    let began = edge.now.adding(.milliseconds(100))
    edge.now = edge.now.adding(.seconds(30))
    edge.add(GapData(kind: kind, device: device, from: began, to: edge.now), subject: device ?? edge.source.description)
    let unit = edge.set("unit", "SN1", at: "ST10")
    edge.cycle(at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("C-55", coil)])
    _ = try await store.take(edge.batch(), from: edge.source)
    let link = try #require(try await coils(store, "SN1").first)
    #expect(link.isCertain == isCertain)
    #expect((link.reason == nil) == isCertain && link.evidence == .loaded)
  }

  @Test func `an unsure field gives both values as possible`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 4)
    edge.config("ST10", grey: "{ cycles: 0, time: 0s }")
    let coil = edge.set("materials.coil", "C-56", at: "ST10")
    let unit = edge.set("unit", "SN1", at: "ST10")
    edge.cycle(
      at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("C-56", coil)],
      unsure: [.init("materials.coil", "C-55"), .init("unit", "SN0")])
    _ = try await store.take(edge.batch(), from: edge.source)
    let links = try await coils(store, "SN1")
    #expect(links.map(\.node.id) == ["C-55", "C-56"] && links.allSatisfy { !$0.isCertain })
    #expect(try await store.unit("SN0").record?.cycles.map(\.isDoubtful) == [true])
  }

  @Test func `a code that fits units of two scopes is not guessed`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 5)
    for id in ["gtin:1~SN9", "gtin:2~SN9"] {
      let unit = edge.set("unit", id, at: "ST10")
      edge.cycle(at: "ST10", ["unit": (id, unit)])
    }
    _ = try await store.take(edge.batch(), from: edge.source)
    guard case .several(let candidates, false) = try await store.unit("SN9") else {
      Issue.record("one was guessed")
      return
    }
    #expect(candidates == ["gtin:1~SN9", "gtin:2~SN9"])
    #expect(try await store.unit("gtin:2~SN9").record?.cycles.count == 1)
    #expect(try await store.search("sn9").items.count == 2)
  }

  @Test func `a cycle of several units, by several people, is found by each of them`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 5)
    edge.config("ST10")
    let coil = edge.set("materials.coil", "C-55", at: "ST10")
    let scans = ["SN1", "SN2"].map { edge.set("unit", $0, at: "ST10") }
    var stamp = Stamp(
      station: "ST10",
      fields: [
        .init(name: "lot", value: "L1", by: .sequence(coil)),
        .init(name: "materials.coil", value: "C-55", by: .sequence(coil)),
      ])
    stamp.several = [
      .init(name: "operator", values: ["E1", "E2"], by: []),
      .init(name: "unit", values: ["SN1", "SN2"], by: scans.map { .sequence($0) }),
    ]
    #expect(stamp.all("unit") == ["SN1", "SN2"] && stamp.all("lot") == ["L1"])
    edge.add(
      CycleData(
        device: "plc-ST10", trigger: 1, after: edge.now, tags: [],
        components: [.init(kind: "lot", id: "SCREW-1", place: "screw", by: nil)], stamp: stamp), subject: "ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    for id in ["SN1", "SN2"] {
      let unit = try #require(try await store.unit(id).record)
      #expect(unit.cycles.map(\.units) == [["SN1", "SN2"]] && unit.cycles.map(\.operators) == [["E1", "E2"]])
      #expect(unit.links.first { $0.node.id == "C-55" }?.isCertain == true)
      let screw = try #require(unit.links.first { $0.node.id == "SCREW-1" })
      #expect(!screw.isCertain && screw.reason?.contains("2 units at once") == true)
    }
    #expect(try await store.lot("L1").record?.units == ["SN1", "SN2"])
    #expect(try await store.lot("C-55").record?.consumedUnits == 2)
    #expect(try await store.search("E2").items.map(\.kind) == ["operator"])
    // A scanner that was away before the cycle: another unit could have come.
    edge.add(
      GapData(
        kind: .deviceOffline, device: "gun-ST10", station: "ST10", from: edge.now.adding(.seconds(-2)), to: edge.now),
      subject: "ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.unit("SN2").record?.links.allSatisfy { !$0.isCertain } == true)
  }

  @Test func `forward from a coil names a gap before its scan in which it may have been loaded already`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 5)
    edge.config("ST10")
    edge.set("materials.coil", "C-1", at: "ST10")
    edge.now = edge.now.adding(.seconds(600))
    edge.add(
      GapData(kind: .unreadableScan, device: "gun-ST10", station: "ST10", from: edge.now, to: edge.now), subject: "ST10"
    )
    edge.add(
      GapData(kind: .missedPolls, device: "plc-ST10", station: "ST10", from: edge.now, to: edge.now), subject: "ST10")
    edge.now = edge.now.adding(.seconds(600))
    let coil = edge.set("materials.coil", "C-2", from: "C-1", at: "ST10")
    let unit = edge.set("unit", "SN1", at: "ST10")
    edge.cycle(at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("C-2", coil)])
    edge.now = edge.now.adding(.seconds(600))
    edge.set("materials.coil", "C-3", from: "C-2", at: "ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    func unknown(_ lot: String) async throws -> [String] {
      try await store.trace(from: Node(.lot, lot), .forward).record?.unknown.map { String($0.reason.prefix(15)) } ?? []
    }
    #expect(try await unknown("C-2") == ["unreadable-scan"])
    #expect(try await unknown("C-3").isEmpty)
    #expect(try await store.lot("C-2").record?.gaps.map(\.kind) == ["unreadable-scan"])
  }

  @Test func `a search finds letters beyond ASCII as they were scanned`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 5)
    let unit = edge.set("unit", "Ä-ÖÜ", at: "ST10")
    edge.cycle(at: "ST10", ["unit": ("Ä-ÖÜ", unit)])
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.search("Ä-Ö").items.map(\.id) == ["Ä-ÖÜ"])
  }
}
