import Events
import TestParts
import Testing

@testable import Store

/// Who was not heard, and who could not hear.
@Suite(.timeLimit(minutes: 5))
struct SilenceTests {
  let folder: ScratchFolder
  let clock = TestClock()
  var rules: TraceRules { TraceRules(now: clock.now) }

  init() throws { folder = try ScratchFolder() }

  private func edge() -> FakeEdge {
    var edge = FakeEdge(seed: 7)
    edge.add(StoppedData(why: "test"), subject: "ST10")
    return edge
  }

  @Test func `a silence over a restart begins at the last message, and says which part the central was down`()
    async throws
  {
    let edge = edge()
    let store = try await openStore(folder, rules)
    _ = try await store.take(edge.batch(), from: edge.source)
    let last = clock.now()
    clock.advance(.seconds(30))
    #expect(await store.isWritable())
    try store.close()
    clock.advance(.seconds(3600))

    let again = try await openStore(folder, rules)
    #expect(try await again.gaps().items.isEmpty, "it had 30 s to be heard until now")
    #expect(try await again.sources().map(\.isSilent) == [false])
    clock.advance(.seconds(31))
    let open = try #require(try await again.gaps().items.first)
    #expect(open.from == last && open.to == nil)
    #expect(
      open.reason?.hasSuffix(
        "The central itself was down from 2026-11-23 12:00:30 UTC to 2026-11-23 13:00:30 UTC, "
          + "and could not have heard it then") == true, "\(open.reason ?? "")")
    #expect(try await again.sources().map(\.isSilent) == [true])
    _ = try await again.position(of: edge.source, incarnation: edge.incarnation)
    let ended = try #require(try await again.gaps().items.first)
    #expect(ended.id == open.id && ended.to == clock.now() && ended.reason?.contains("was down from") == true)
  }

  @Test func `a central that was away and hears its sources again at once finds no silence`() async throws {
    let edge = edge()
    let store = try await openStore(folder, rules)
    _ = try await store.take(edge.batch(), from: edge.source)
    try store.close()
    clock.advance(.seconds(3600))
    let again = try await openStore(folder, rules)
    clock.advance(.seconds(5))
    _ = try await again.position(of: edge.source, incarnation: edge.incarnation)
    clock.advance(.seconds(50))
    #expect(try await again.gaps().items.isEmpty)
  }

  @Test func `what the central asks itself is not the line PC's voice`() async throws {
    let edge = edge()
    let store = try await openStore(folder, rules)
    _ = try await store.take(edge.batch(), from: edge.source)
    clock.advance(.seconds(61))
    _ = try await store.position(of: edge.source, incarnation: edge.incarnation, isHeard: false)
    #expect(try await store.gaps().items.first?.to == nil)
    try await store.heard(edge.source)
    #expect(try await store.gaps().items.first?.to == clock.now())
  }

  @Test func `one event from a far future does not make everything missing`() async throws {
    var given = route("ST10", "ST20", "ST30")
    given.now = clock.now
    let store = try await openStore(folder, given)
    var one = FakeEdge("pc1", seed: 1)
    var two = FakeEdge("pc2", seed: 2)
    one.config("ST10", "ST30")
    two.config("ST20")
    two.add(DeviceData(device: "plc-ST20", state: .online), subject: "ST20", at: Timestamp("2099-01-01T00:00:00Z"))
    _ = try await store.take(two.batch(), from: two.source)
    #expect(try await store.sources().first { $0.name == "pc2" }?.latest == clock.now())
    two.add(DeviceData(device: "plc-ST20", state: .online), subject: "ST20", at: Timestamp("2026-11-23T09:00:00Z"))
    _ = try await store.take(two.batch(), from: two.source)
    for station in ["ST10", "ST30"] {
      one.now = one.now.adding(.seconds(7200))
      let scan = one.set("unit", "SN1", at: station)
      one.cycle(at: station, ["unit": ("SN1", scan)])
    }
    _ = try await store.take(one.batch(), from: one.source)
    #expect(try await store.gaps(GapFilter(kind: "missing-station")).items.map(\.state) == ["pending"])
    let live = try await store.dump()
    try await store.rebuild()
    #expect(try await store.dump() == live)
    two.add(DeviceData(device: "plc-ST20", state: .online), subject: "ST20", at: Timestamp("2026-11-23T12:30:00Z"))
    clock.advance(.seconds(3600))
    _ = try await store.take(two.batch(), from: two.source)
    #expect(try await store.gaps(GapFilter(kind: "missing-station")).items.map(\.state) == ["open"])
  }
}
