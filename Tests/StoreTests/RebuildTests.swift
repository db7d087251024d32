import Events
import Foundation
import GRDB
import TestParts
import Testing

@testable import Store

@Suite(.timeLimit(minutes: 5))
struct RebuildTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  /// Three line PCs with stations, units that wander between them, changes, gaps, and a digest.
  private func line() -> [FakeEdge] {
    (1...3).map { number in
      var edge = FakeEdge("pc\(number)", seed: UInt8(number))
      let station = "ST\(number)0"
      edge.config(station)
      var coil = ("C-0", edge.set("materials.coil", "C-0", at: station))
      edge.add(DeviceData(device: "plc-\(station)", state: .online), subject: station)
      for index in 0..<20 where !(number == 2 && index % 7 == 3) {
        if index % 6 == 5 {
          let next = "C-\(index)"
          coil = (next, edge.set("materials.coil", next, from: coil.0, at: station))
        }
        if index == 9 {
          edge.add(DeviceData(device: "gun-\(station)", state: .offline, reason: "unplugged"), subject: station)
          edge.add(DeviceData(device: "gun-\(station)", state: .online), subject: station)
          edge.add(
            GapData(kind: .deviceOffline, device: "gun-\(station)", from: edge.now.adding(.seconds(-3)), to: edge.now),
            subject: station)
        }
        let unit = edge.set("unit", "SN\(index)", at: station)
        edge.cycle(at: station, ["unit": ("SN\(index)", unit), "materials.coil": coil, "lot": ("L1", unit)])
      }
      return edge
    }
  }

  private func feed(_ store: TraceStore, _ edges: [FakeEdge], sizes: ClosedRange<UInt64>, seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    var through = [UInt64](repeating: 0, count: edges.count)
    while let next = edges.indices.filter({ through[$0] < edges[$0].last }).randomElement(using: &random) {
      let edge = edges[next]
      let end = min(edge.last, through[next] + UInt64.random(in: sizes, using: &random))
      _ = try await store.take(edge.batch(through[next] + 1...end), from: edge.source)
      through[next] = end
    }
  }

  @Test func `live, rebuilt, and live in any interleaving of the sources are the same to the last row`() async throws {
    let edges = line()
    let rules = route("ST10", "ST20", "ST30")
    let first = try await openStore(folder, rules, file: "first.db")
    try await feed(first, edges, sizes: 1...9, seed: 1)
    let live = try await first.dump()
    #expect(live.count > 300)
    #expect(live.contains { $0.hasPrefix("gaps") && $0.contains("missing-station") })
    try await first.rebuild()
    #expect(try await first.dump() == live)
    for seed in 2...4 as ClosedRange<UInt64> {
      let other = try await openStore(folder, rules, file: "other\(seed).db")
      try await feed(other, edges.shuffled(), sizes: 1...(seed * 20), seed: seed)
      #expect(try await other.dump() == live)
      try await other.rebuild()
      #expect(try await other.dump() == live)
    }
  }

  @Test func `a batch taken twice, or in overlapping parts, changes no projection`() async throws {
    let edge = line()[0]
    let one = try await openStore(folder, file: "one.db")
    _ = try await one.take(edge.batch(), from: edge.source)
    let two = try await openStore(folder, file: "two.db")
    for end in stride(from: UInt64(5), through: edge.last, by: 5) {
      _ = try await two.take(edge.batch((end > 9 ? end - 9 : 1)...end), from: edge.source)
    }
    _ = try await two.take(edge.batch(), from: edge.source)
    #expect(try await one.dump() == two.dump())
  }

  @Test(.serialized, arguments: 1...8 as ClosedRange<UInt64>)
  func `two incarnations in any order of arrival, with lines held and filled late, are as a rebuild makes them`(
    _ seed: UInt64
  ) async throws {
    var random = SplitMix(state: seed)
    let lives = (1...2).map { life in
      var edge = FakeEdge(at: "2026-11-23T0\(life):00:00Z", seed: UInt8(life))
      edge.config("ST10", grey: life == 1 ? "{ cycles: 1, time: 0s }" : "{ cycles: 3, time: 5s }")
      for index in 0..<30 {
        let device = Bool.random(using: &random) ? "gun-ST10" : "plc-ST10"
        switch Int.random(in: 0..<6, using: &random) {
        case 0: edge.add(DeviceData(device: device, state: .offline, reason: "away \(index)"), subject: "ST10")
        case 1: edge.add(DeviceData(device: device, state: .online), subject: "ST10")
        case 2:
          edge.add(
            GapData(kind: .deviceOffline, device: device, from: edge.now.adding(.seconds(-3)), to: edge.now, count: 3),
            subject: "ST10")
        case 3: edge.add(GapData(kind: .missedPolls, device: device, from: edge.now, to: edge.now), subject: "ST10")
        case 4: edge.config(Bool.random(using: &random) ? "ST10" : "ST20")
        default:
          let unit = edge.set("unit", "SN\(index % 7)", at: "ST10")
          edge.cycle(at: "ST10", ["unit": ("SN\(index % 7)", unit), "lot": ("L1", unit)])
        }
      }
      return edge
    }
    let store = try await openStore(folder, route("ST20", "ST10", "ST30"), file: "lives\(seed).db")
    var through: [UInt64] = [0, 0]
    while let next = lives.indices.filter({ through[$0] < lives[$0].last }).randomElement(using: &random) {
      let edge = lives[next]
      let numbers = (through[next] + 1)...min(edge.last, through[next] + UInt64.random(in: 1...9, using: &random))
      let lines = edge.batch(numbers).lines.map { line in
        Int.random(in: 0..<4, using: &random) == 0 ? Array("#\(hex(ChainHash.digest(of: line)))".utf8) : line
      }
      let batch = Batch(
        incarnation: edge.incarnation, first: numbers.lowerBound, previous: edge.hash(numbers.lowerBound - 1),
        head: edge.hash(numbers.upperBound), lines: lines)
      _ = try await store.take(batch, from: edge.source)
      through[next] = numbers.upperBound
      if Int.random(in: 0..<3, using: &random) == 0 { try await compare(store, "after \(batch.last) of \(next)") }
      // Some of what was held comes.
      guard Bool.random(using: &random) else { continue }
      let late = UInt64.random(in: 1...through[next], using: &random)...through[next]
      _ = try await store.take(edge.batch(late), from: edge.source)
      try await compare(store, "after \(late) of \(next) came late")
    }
    for edge in lives { _ = try await store.take(edge.batch(), from: edge.source) }
    try await compare(store, "in the end")
  }

  private func compare(_ store: TraceStore, _ when: String) async throws {
    let live = try await store.dump()
    try await store.rebuild()
    let rebuilt = try await store.dump()
    #expect(live == rebuilt, "\(when): \(Set(live).symmetricDifference(rebuilt).sorted().prefix(6))")
  }

  @Test func `a store of a schema that was never released is refused, and not touched`() async throws {
    let store = try await openStore(folder)
    try await store.pool.write { try $0.execute(sql: "UPDATE meta SET value = '1' WHERE key = 'schema'") }
    try store.close()
    let error = await #expect(throws: StoreError.self) { try await openStore(folder) }
    #expect("\(error!)".contains("schema 1, which was never in a release"))
  }

  @Test func `a conflict and a held line at the end are closed by what comes next, as a rebuild does`() async throws {
    var edge = FakeEdge(seed: 7)
    for _ in 0..<6 { edge.add(StoppedData(why: "test"), subject: "ST10") }
    var clone = FakeEdge(seed: 7)
    for _ in 0..<3 { clone.add(StoppedData(why: "another"), subject: "ST10") }
    let store = try await openStore(folder)
    _ = try await store.take(edge.batch(1...3), from: edge.source)
    _ = try await store.take(clone.batch(), from: edge.source)
    let digest = Array("#\(hex(ChainHash.digest(of: edge.lines[3])))".utf8)
    _ = try await store.take(
      Batch(
        incarnation: edge.incarnation, first: 4, previous: edge.hash(3), head: edge.hash(4), lines: [digest]),
      from: edge.source)
    _ = try await store.take(edge.batch(5...6), from: edge.source)
    try await compare(store, "after all")
    #expect(try await store.gaps().items.first { $0.kind == "held" }?.to != nil)
  }

  @Test func `a line that was held and came late is projected as if it had come in its turn`() async throws {
    let edge = line()[0]
    let one = try await openStore(folder, file: "one.db")
    _ = try await one.take(edge.batch(), from: edge.source)
    let two = try await openStore(folder, file: "two.db")
    let at = try #require(edge.lines.firstIndex { String(decoding: $0, as: UTF8.self).contains("lotline.cycle") })
    var lines = edge.lines
    lines[at] = Array("#\(hex(ChainHash.digest(of: lines[at])))".utf8)
    _ = try await two.take(
      Batch(incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.head, lines: lines), from: edge.source)
    #expect(try await one.dump() != two.dump())
    _ = try await two.take(edge.batch(), from: edge.source)
    #expect(try await one.dump() == two.dump())
  }
}

/// A small generator with a seed, so that a failure can be seen again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }
}
