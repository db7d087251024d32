import Events
import Foundation
import GRDB
import TestParts
import Testing

@testable import Store

/// What the central makes of line PCs whose clocks are wrong.
@Suite(.timeLimit(minutes: 5))
struct ClockTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func time(_ text: String) throws -> Timestamp { try #require(Timestamp(text)) }

  @discardableResult
  private func unit(_ id: String, _ edge: inout FakeEdge) -> UInt64 {
    let scan = edge.set("unit", id, at: "ST10")
    return edge.cycle(at: "ST10", ["unit": (id, scan), "lot": ("L1", scan), "operator": ("E1", scan)])
  }

  private func cycle(_ id: String, _ store: TraceStore) async throws -> CycleRecord {
    try #require(try await store.unit(id).record?.cycles.first)
  }

  @Test func `what a PC with a dead battery recorded before it was synchronised gets its time, and keeps its own`()
    async throws
  {
    var edge = FakeEdge(seed: 1)
    edge.boot("b1", at: "1970-01-01T00:00:05Z")
    edge.config("ST10")
    unit("SN1", &edge)
    edge.add(DeviceData(device: "gun-ST10", state: .offline, reason: "unplugged"), subject: "ST10")
    edge.pass(.seconds(60))
    let isFirst = edge.last
    edge.setClock(to: "2026-11-23T08:00:00Z", isSynchronised: false)
    let store = try await openStore(folder)
    _ = try await store.take(edge.batch(1...isFirst), from: edge.source)
    #expect(try await cycle("SN1", store).doubt == .unsynchronised)
    #expect(try await cycle("SN1", store).time < time("1970-01-01T00:01:00Z"))
    _ = try await store.take(edge.batch((isFirst + 1)...edge.last), from: edge.source)
    #expect(try await cycle("SN1", store).doubt == .unsynchronised, "it was set by somebody: nothing vouches for it")
    #expect(try await store.sources().map(\.isSynchronised) == [false])
    edge.setClock(isSynchronised: true)
    edge.add(DeviceData(device: "gun-ST10", state: .online), subject: "ST10")
    edge.add(
      GapData(
        kind: .missedPolls, device: "plc-ST10", from: try time("1970-01-01T00:00:10Z"), to: edge.now, count: 3),
      subject: "ST10")
    unit("SN2", &edge)
    _ = try await store.take(edge.batch(), from: edge.source)

    let first = try await cycle("SN1", store)
    // 08:00:01 was told 66 s after the cycle: the clock events are a second later, the pause is a minute.
    let original = try Envelope(line: edge.lines[4]).time
    #expect(first.doubt == .corrected(original: original))
    #expect(try first.time == time("2026-11-23T08:00:00Z").adding(.seconds(-61)))
    #expect(first.after == first.time.adding(.seconds(-1)))
    #expect(try await cycle("SN2", store).doubt == nil)
    #expect(try await store.sources().map(\.isSynchronised) == [true])
    let json = String(decoding: try #require(try await store.unit("SN1").record).json, as: UTF8.self)
    #expect(json.contains(#""clock":"corrected","original":"\#(original)""#))

    let gaps = try await store.gaps().items
    let away = try #require(gaps.first { $0.kind == "device-offline" })
    #expect(try away.from == time("2026-11-23T08:00:00Z").adding(.seconds(-60)))
    #expect(try #require(away.stampedFrom) < time("1970-01-02T00:00:00Z"))
    #expect(away.to.map { $0 > away.from! } == true && away.stampedTo == nil)
    let missed = try #require(gaps.first { $0.kind == "missed-polls" })
    #expect(try missed.from?.since(time("2026-11-23T07:58:55Z")) ?? .zero < .seconds(10))
    #expect(try missed.stampedFrom == time("1970-01-01T00:00:10Z"))

    let found = try await store.timedEvents(EventFilter(from: try time("2026-11-23T00:00:00Z")), limit: 1000)
    #expect(found.page.items == edge.lines, "found by when they were, and as they were written")
    #expect(found.times.first { $0.doubt == .corrected(original: original) }?.time == first.time)
    #expect(try await store.events(EventFilter(to: try time("2000-01-01T00:00:00Z"))).items.isEmpty)
    #expect(try await store.search("SN1").items.first?.latest == first.time)
    try await compareWithRebuild(store)
  }

  @Test func `a boot that never was synchronised keeps its times, marked, beside one that was`() async throws {
    var edge = FakeEdge(seed: 2)
    edge.boot("b1", at: "1970-01-01T00:00:05Z")
    edge.config("ST10")
    unit("SN1", &edge)
    edge.boot("b2", at: "1970-01-01T00:00:07Z")
    unit("SN2", &edge)
    edge.start("b2")
    unit("SN3", &edge)
    edge.setClock(to: "2026-11-23T08:00:00Z", isSynchronised: true)
    let store = try await openStore(folder)
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await cycle("SN1", store).doubt == .unsynchronised)
    #expect(try await cycle("SN1", store).time < time("1970-01-02T00:00:00Z"))
    for id in ["SN2", "SN3"] {
      #expect(try await cycle(id, store).time > time("2026-11-23T07:59:00Z"), "\(id), also before a restart")
    }
    try await compareWithRebuild(store)
  }

  @Test func `a step after the synchronisation moves nothing that was synchronised`() async throws {
    var edge = FakeEdge(seed: 3)
    edge.boot("b1", at: "2026-11-23T08:00:00Z", isSynchronised: true)
    edge.config("ST10")
    unit("SN1", &edge)
    // The clock is put back an hour, and the next cycle is recorded before the edge looks.
    edge.now = edge.now.adding(.seconds(-3600))
    unit("SN2", &edge)
    edge.setClock(isSynchronised: false)
    unit("SN3", &edge)
    let store = try await openStore(folder)
    for number in 1...edge.last { _ = try await store.take(edge.batch(number...number), from: edge.source) }
    #expect(try await cycle("SN1", store).doubt == nil)
    let hour = Duration.seconds(3600)
    for (id, at) in [("SN2", 8), ("SN3", 12)] {
      let cycle = try await cycle(id, store)
      let stamped = try Envelope(line: edge.lines[at - 1]).time
      #expect(cycle.doubt == .corrected(original: stamped) && cycle.time == stamped.adding(hour), "\(id)")
    }
    // Then a time source says that this is the time: what comes is as it is stamped, what was stays.
    edge.setClock(isSynchronised: true)
    unit("SN4", &edge)
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await cycle("SN4", store).doubt == nil)
    #expect(try await cycle("SN1", store).doubt == nil)
    try await compareWithRebuild(store)
  }

  @Test func `a time source that is lost without a step changes nothing, and a clock far ahead is put back`()
    async throws
  {
    var edge = FakeEdge(seed: 4)
    edge.boot("b1", at: "2036-01-01T00:00:00Z")
    edge.config("ST10")
    unit("SN1", &edge)
    edge.setClock(to: "2026-11-23T08:00:00Z", isSynchronised: true)
    unit("SN2", &edge)
    edge.setClock(isSynchronised: false)
    unit("SN3", &edge)
    edge.setClock(isSynchronised: true)
    unit("SN4", &edge)
    let store = try await openStore(folder)
    for number in 1...edge.last { _ = try await store.take(edge.batch(number...number), from: edge.source) }
    for id in ["SN2", "SN3", "SN4"] { #expect(try await cycle(id, store).doubt == nil, "\(id)") }
    #expect(try await cycle("SN1", store).time == time("2026-11-23T08:00:00Z"))
    // Nobody was seen last in 2036.
    #expect(try await store.search("1").items.allSatisfy { $0.latest < (try! time("2027-01-01T00:00:00Z")) })
    try await compareWithRebuild(store)
  }

  @Test(arguments: ["18446744073709551615", "0"])
  func `a line PC that says absurd things of its clock brings nothing down`(_ boottime: String) async throws {
    var edge = FakeEdge(seed: 5)
    edge.boot("b1", at: "0001-01-01T00:00:00Z")
    unit("SN1", &edge)
    let odd = String(decoding: edge.lines[3], as: UTF8.self)
      .replacing(#/"boottime":"\d+"/#, with: #""boottime":"\#(boottime)""#)
      .replacing(#/"id":"(\w+):\d+"/#, with: { #""id":"\#($0.1):\#(edge.last + 1)""# })
    edge.add(line: Array(odd.utf8))
    edge.setClock(to: "9999-12-31T23:59:50Z", isSynchronised: true)
    unit("SN2", &edge)
    let store = try await openStore(folder)
    _ = try await store.take(edge.batch(), from: edge.source)
    for id in ["SN1", "SN2"] { #expect(try await store.unit(id).record?.json.isEmpty == false) }
    try await compareWithRebuild(store)
  }

  @Test(.serialized, arguments: 1...3 as ClosedRange<UInt64>)
  func `in whatever order and parts events come, clocks give the same times as a rebuild`(_ seed: UInt64) async throws {
    try await live(seed)
  }

  @Test(
    .serialized, .timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"),
    arguments: 4...60 as ClosedRange<UInt64>)
  func `Proof: clocks that are set at random give the same times as a rebuild`(_ seed: UInt64) async throws {
    try await live(seed)
  }

  private func live(_ seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    let lives = (1...2).map { life in wildClock(life, &random) }
    let store = try await openStore(folder, route("ST10", "ST20"), file: "wild\(seed).db")
    var through: [UInt64] = [0, 0]
    while let next = lives.indices.filter({ through[$0] < lives[$0].last }).randomElement(using: &random) {
      let edge = lives[next]
      let numbers = (through[next] + 1)...min(edge.last, through[next] + UInt64.random(in: 1...12, using: &random))
      let isHolding = seed.isMultiple(of: 3)
      let lines = edge.batch(numbers).lines.map { line in
        isHolding && Int.random(in: 0..<6, using: &random) == 0
          ? Array("#\(hex(ChainHash.digest(of: line)))".utf8) : line
      }
      let batch = Batch(
        incarnation: edge.incarnation, first: numbers.lowerBound, previous: edge.hash(numbers.lowerBound - 1),
        head: edge.hash(numbers.upperBound), lines: lines)
      _ = try await store.take(batch, from: edge.source)
      through[next] = numbers.upperBound
      if Int.random(in: 0..<8, using: &random) == 0 { try await compareWithRebuild(store) }
      guard isHolding, Bool.random(using: &random) else { continue }
      let late = UInt64.random(in: 1...through[next], using: &random)...through[next]
      _ = try await store.take(edge.batch(late), from: edge.source)
      try await compareWithRebuild(store)
    }
    for edge in lives { _ = try await store.take(edge.batch(), from: edge.source) }
    try await compareWithRebuild(store)
    let corrected = try await store.read { try Int.fetchOne($0, sql: "SELECT COUNT(*) FROM corrected") }
    #expect(corrected ?? 0 > 0, "nothing was put right: the story is too tame")
  }

  @Test(arguments: 21...23 as ClosedRange<UInt64>)
  func `a store of the schema before clocks is put right when it is opened`(_ seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    let edge = wildClock(1, &random)
    let store = try await openStore(folder)
    _ = try await store.take(edge.batch(), from: edge.source)
    let expected = try await store.dump()
    try await store.pool.write { db in
      // As the program before made it: every time as it was stamped.
      for table in ["cycles", "changes", "marks"] {
        try db.execute(
          sql: """
            UPDATE \(table) SET time = (SELECT e.time FROM events e
              WHERE e.key = (\(table).incarnation << \(EventKey.sequenceBits)) + \(table).sequence)
            """)
      }
      try db.execute(sql: "DELETE FROM nodes; UPDATE horizons SET latest = (SELECT time FROM events ORDER BY key DESC)")
      let rows = try ProjectionRows(db)
      for line in edge.lines {
        let envelope = try Envelope(line: line)
        for name in EventContent(envelope, line).names { try rows.node(name, seen: envelope.time) }
      }
      try db.execute(
        sql: """
          DROP TABLE clocks; DROP TABLE corrected; DROP TABLE endings; CREATE INDEX cycles_lot ON cycles(lot);
          DROP INDEX gaps_chain; DROP INDEX cycle_units_cycle; ALTER TABLE gaps DROP COLUMN began_stamped;
          ALTER TABLE gaps DROP COLUMN ended_stamped; UPDATE meta SET value = '3' WHERE key = 'schema'
          """)
    }
    #expect(expected.contains { $0.hasPrefix("corrected") }, "nothing is to be put right: the story is too tame")
    try store.close()
    let again = try await openStore(folder)
    let differences = Set(expected).symmetricDifference(try await again.dump()).sorted()
    #expect(differences.isEmpty)
  }

  /// A PC whose clock is set, lost and gained while it works; its two lives share a boot.
  private func wildClock(_ life: Int, _ random: inout SplitMix) -> FakeEdge {
    var edge = FakeEdge(seed: UInt8(life))
    edge.boot("b0", at: "1970-01-01T00:00:05Z")
    if life == 2 { edge.pass(.seconds(500)) }
    edge.config("ST10")
    let dates = ["1970-01-01T01:00:00Z", "2026-11-23T08:00:00Z", "2026-11-23T09:00:00Z", "2036-01-01T00:00:00Z"]
    for index in 0..<60 {
      switch Int.random(in: 0..<12, using: &random) {
      case 0: edge.setClock(to: dates.randomElement(using: &random), isSynchronised: Bool.random(using: &random))
      case 1: edge.setClock(isSynchronised: Bool.random(using: &random))
      case 2: edge.now = edge.now.adding(.seconds(Int.random(in: -2...2, using: &random)))
      case 3: edge.start("b0", isSynchronised: Bool.random(using: &random))
      case 4: edge.boot("b\(life)\(index)", at: dates.randomElement(using: &random)!)
      case 5: edge.add(DeviceData(device: "gun-ST10", state: .offline, reason: "away"), subject: "ST10")
      case 6: edge.add(DeviceData(device: "gun-ST10", state: .online), subject: "ST10")
      case 7:
        edge.add(
          GapData(kind: .deviceOffline, device: "gun-ST10", from: edge.now.adding(.seconds(-3)), to: edge.now),
          subject: "ST10")
      case 8: edge.pass(.seconds(Int.random(in: 1...200, using: &random)))
      default: unit("SN\(index % 7)", &edge)
      }
    }
    edge.setClock(to: "2026-11-24T08:00:00Z", isSynchronised: true)
    return edge
  }

  private func compareWithRebuild(_ store: TraceStore) async throws {
    let live = try await store.dump()
    try await store.rebuild()
    let differences = Set(live).symmetricDifference(try await store.dump()).sorted()
    #expect(differences.isEmpty)
  }
}
