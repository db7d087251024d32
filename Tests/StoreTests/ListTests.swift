import Events
import TestParts
import Testing

@testable import Store

/// What lists are asked with, and how far they go.
@Suite(.timeLimit(minutes: 5))
struct ListTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test func `a cursor that the list did not give is refused, not taken for its start`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 7)
    for _ in 0..<5 { edge.add(StoppedData(why: "test"), subject: "ST10") }
    _ = try await store.take(edge.batch(), from: edge.source)
    let next = try #require(try await store.events(EventFilter(), limit: 2).next)
    #expect(try await store.events(EventFilter(), after: next).items.count == 3)
    for cursor in ["", "zz", "12", String(next.dropLast(2)) + "zz", next.uppercased() + "0"] {
      let fault = await #expect(throws: ListFault.self) { try await store.events(EventFilter(), after: cursor) }
      #expect(fault?.description.contains("cursor=\(cursor.prefix(40))") == true)
    }
    await #expect(throws: ListFault.self) { try await store.gaps(after: next) }
    await #expect(throws: ListFault.self) { try await store.search("S", after: next) }
    await #expect(throws: ListFault.self) { try await store.chain(of: edge.incarnation, after: next) }
  }

  @Test func `a state or kind of gaps that there is not is refused with those there are`() async throws {
    let store = try await openStore(folder)
    let state = await #expect(throws: ListFault.self) { try await store.gaps(GapFilter(state: "opne")) }
    #expect(state?.description == "state=opne is no state of a gap: open, pending")
    let kind = await #expect(throws: ListFault.self) { try await store.gaps(GapFilter(kind: "missing")) }
    #expect(kind?.description.hasPrefix("kind=missing is no kind of gap: device-offline, missed-polls") == true)
    for kind in GapFilter.kinds { #expect(try await store.gaps(GapFilter(kind: kind)).items.isEmpty) }
  }

  @Test func `all identifiers of one code are listed page by page, and the exact one is found among many`() async throws
  {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 7)
    let ids = (1...70).map { "gtin:\($0)~SN1" } + ["SN1", "zz~SN1", "SN12", "XSN1"]
    for id in ids {
      let unit = edge.set("unit", id, at: "ST10")
      edge.cycle(at: "ST10", ["unit": (id, unit)])
    }
    _ = try await store.take(edge.batch(), from: edge.source)
    var found: [String] = []
    var cursor: String?
    repeat {
      let page = try await store.search("SN1", exactly: true, after: cursor, limit: 30)
      found += page.items.map(\.id)
      cursor = page.next
    } while cursor != nil
    #expect(found.first == "SN1")
    #expect(found.sorted() == ids.dropLast(2).sorted())
    #expect(try await store.unit("zz~SN1", exactly: true).record?.unit == "zz~SN1")
    #expect(try await store.unit("SN1", exactly: true).record?.unit == "SN1")
    guard case .several(let candidates, let isTruncated) = try await store.unit("SN1") else {
      Issue.record("one was guessed")
      return
    }
    #expect(candidates.count == 50 && isTruncated)
  }

  @Test func `the chain of an incarnation comes whole, with digests in place and lost numbers declared`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 7)
    var other = FakeEdge("pc2", seed: 8)
    for _ in 0..<12 {
      edge.add(StoppedData(why: "one"), subject: "ST10")
      other.add(StoppedData(why: "two"), subject: "ST20")
    }
    var lines = edge.lines
    for index in [1, 2] { lines[index] = Array("#\(hex(ChainHash.digest(of: lines[index])))".utf8) }
    let held = Batch(
      incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.hash(5), lines: Array(lines[..<5]))
    _ = try await store.take(held, from: edge.source)
    _ = try await store.take(other.batch(), from: other.source)
    _ = try await store.take(edge.batch(9...12, lost: 6...8), from: edge.source)
    // One that was held comes late: it stands in its place, not where it arrived.
    _ = try await store.take(edge.batch(3...5), from: edge.source)
    let first = try #require(try await store.chain(of: edge.incarnation, limit: 3))
    #expect(first.batch.lines == [edge.lines[0], lines[1], edge.lines[2]] && first.batch.head == edge.hash(3))
    let second = try #require(try await store.chain(of: edge.incarnation, after: first.next, limit: 100))
    #expect(second.batch.lines == Array(edge.lines[3..<5]) && second.batch.previous == first.batch.head)
    let third = try #require(try await store.chain(of: edge.incarnation, after: second.next, limit: 100))
    #expect(third.batch.lines == Array(edge.lines[8...]) && third.batch.lost == 6...8 && third.next == nil)
    #expect(third.batch.previous == edge.hash(8) && third.batch.head == edge.head)
    #expect(try await store.chain(of: .random()) == nil)
    #expect(try await store.chain(of: edge.incarnation, source: "pc2") == nil)
  }
}
