import Events
import Foundation
import TestParts
import Testing

@testable import Store

@Suite(.timeLimit(.minutes(2)))
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
