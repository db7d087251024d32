import Events
import GRDB
import TestParts
import Testing

@testable import Store

@Suite(.timeLimit(minutes: 5))
struct IntakeTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func edge(_ count: Int = 6) -> FakeEdge {
    var edge = FakeEdge(seed: 7)
    for _ in 0..<count { edge.add(StoppedData(why: "test"), subject: "ST10") }
    return edge
  }

  private func receipt(_ edge: FakeEdge, _ through: UInt64) -> Receipt {
    Receipt(
      source: edge.source, incarnation: edge.incarnation, receivedThrough: through, head: edge.hash(through),
      safeThrough: through)
  }

  @Test func `synchronous is FULL in force after opening`() async throws {
    #expect(try await openStore(folder).synchronousInForce() == 2)
  }

  @Test func `an unknown incarnation is through 0 with a zero head`() async throws {
    let edge = edge()
    let answer = try await openStore(folder).position(of: edge.source, incarnation: edge.incarnation)
    #expect(answer == receipt(edge, 0))
  }

  @Test func `the same batch again is the same receipt, and no row more`() async throws {
    let store = try await openStore(folder)
    let edge = edge()
    for _ in 0..<3 { #expect(try await store.take(edge.batch(), from: edge.source) == .receipt(receipt(edge, 6))) }
    #expect(try await store.events(EventFilter()).items == edge.lines)
    #expect(try await store.position(of: edge.source, incarnation: edge.incarnation) == receipt(edge, 6))
  }

  @Test func `of a batch that is partly known the rest is stored`() async throws {
    let store = try await openStore(folder)
    let edge = edge()
    _ = try await store.take(edge.batch(1...4), from: edge.source)
    #expect(try await store.take(edge.batch(3...6), from: edge.source) == .receipt(receipt(edge, 6)))
    #expect(try await store.events(EventFilter()).items == edge.lines)
  }

  @Test func `a hole that is not declared is refused with the number that is missing`() async throws {
    let store = try await openStore(folder)
    let edge = edge()
    _ = try await store.take(edge.batch(1...2), from: edge.source)
    #expect(try await store.take(edge.batch(5...6), from: edge.source) == .hole(position: 3, receipt(edge, 2)))
    #expect(try await store.events(EventFilter()).items.count == 2)
  }

  @Test func `a hole that is declared is a gap, and the chain goes on behind it`() async throws {
    let store = try await openStore(folder)
    let edge = edge()
    _ = try await store.take(edge.batch(1...2), from: edge.source)
    #expect(try await store.take(edge.batch(5...6, lost: 3...4), from: edge.source) == .receipt(receipt(edge, 6)))
    let gap = try #require(try await store.gaps().items.first { $0.kind == "sequence-hole" })
    #expect(gap.count == 2 && gap.from != nil && gap.to != nil)
    #expect(gap.id == "sequence-hole:\(edge.incarnation):3")
    // Lines that were declared lost and turn up after all close it.
    #expect(try await store.take(edge.batch(1...6), from: edge.source) == .receipt(receipt(edge, 6)))
    #expect(try await store.events(EventFilter()).items.count == 6)
    #expect(try await store.gaps().items.filter { $0.kind == "sequence-hole" }.isEmpty)
  }

  @Test func `other bytes under a known number are a conflict: both are kept, and ours stays`() async throws {
    let store = try await openStore(folder)
    let edge = edge(3)
    var clone = self.edge(2)
    clone.add(StoppedData(why: "another life"), subject: "ST10")
    clone.add(StoppedData(why: "and on"), subject: "ST10")
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.take(clone.batch(), from: edge.source) == .conflict(position: 3, receipt(edge, 3)))
    #expect(try await store.take(clone.batch(4...4), from: edge.source) == .conflict(position: 3, receipt(edge, 3)))
    #expect(try await store.events(EventFilter()).items == edge.lines)
    let counts = try await store.counts()
    #expect(counts.first { $0.name == "conflicts" }?.count == 2)
    #expect(try await store.gaps().items.contains { $0.kind == "conflict" })
  }

  @Test func `what a closed branch goes on with is kept as evidence too, also beyond our end`() async throws {
    let store = try await openStore(folder)
    let edge = edge(4)
    var clone = self.edge(2)
    for life in 3...9 { clone.add(StoppedData(why: "another life, \(life)"), subject: "ST10") }
    _ = try await store.take(edge.batch(1...3), from: edge.source)
    let conflict = IngestAnswer.conflict(position: 3, receipt(edge, 3))
    for _ in 0..<2 {
      for numbers in [1...5, 6...7, 8...9] as [ClosedRange<UInt64>] {
        #expect(try await store.take(clone.batch(numbers), from: edge.source) == conflict)
      }
    }
    #expect(try await store.counts().first { $0.name == "conflicts" }?.count == 7)
    #expect(try await store.take(edge.batch(4...4), from: edge.source) == .receipt(receipt(edge, 4)))
    #expect(try await store.events(EventFilter()).items == edge.lines)
  }

  @Test func `numbers declared lost right behind our end, where another branch is kept, make no events ours`()
    async throws
  {
    let store = try await openStore(folder)
    let edge = edge(5)
    var clone = self.edge(2)
    for life in 3...12 { clone.add(StoppedData(why: "another life, \(life)"), subject: "ST10") }
    _ = try await store.take(edge.batch(), from: edge.source)
    let conflict = IngestAnswer.conflict(position: 3, receipt(edge, 5))
    #expect(try await store.take(clone.batch(1...5), from: edge.source) == conflict)
    #expect(try await store.take(clone.batch(8...10, lost: 6...7), from: edge.source) == conflict)
    #expect(try await store.take(clone.batch(11...12), from: edge.source) == conflict)
    #expect(try await store.events(EventFilter()).items == edge.lines)
    #expect(try await store.counts().first { $0.name == "conflicts" }?.count == 8)
  }

  /// A PC and its clone, which went on from event 2: to 9 and to 4.
  private func twins() -> (edge: FakeEdge, clone: FakeEdge) {
    var clone = edge(2)
    for life in 3...4 { clone.add(StoppedData(why: "another life, \(life)"), subject: "ST10") }
    return (edge(9), clone)
  }

  private func conflicts(_ store: TraceStore) async throws -> [GapRecord] {
    try await store.gaps().items.filter { $0.kind == "conflict" }
  }

  @Test func `a hole where another queue ended hides whose the events before it are, which the ledger says`()
    async throws
  {
    let store = try await openStore(folder)
    let (edge, clone) = twins()
    // The store was put back to before both; the clone comes first, and of the PC the rows up to 6 have gone.
    _ = try await store.take(clone.batch(), from: edge.source)
    #expect(try await store.take(edge.batch(7...8, lost: 5...6), from: edge.source) == .receipt(receipt(edge, 8)))
    #expect(try await conflicts(store).isEmpty)
    #expect(try await store.take(clone.end(), from: edge.source) == .receipt(receipt(edge, 8)))
    let gap = try #require(try await conflicts(store).first)
    #expect(gap.id == "conflict:\(edge.incarnation):4:\("\(clone.head)".prefix(16))")
    #expect(gap.count == 3 && gap.from != nil && gap.to != nil)
    #expect(gap.reason?.contains("the events 5 to 6 are lost") == true)
    // Told again it is the same, and a rebuild finds it again.
    _ = try await store.take(clone.end(), from: edge.source)
    let live = try await store.dump()
    #expect(try await conflicts(store).count == 1)
    try await store.rebuild()
    #expect(try await store.dump() == live)
    // The lines that close the hole prove whose the rest is.
    _ = try await store.take(edge.batch(5...9), from: edge.source)
    #expect(try await conflicts(store).first?.reason?.contains("ended with another event 4") == true)
  }

  @Test func `where another queue ended says nothing where the chain goes on unbroken`() async throws {
    let store = try await openStore(folder)
    let (edge, _) = twins()
    let image = self.edge(4)
    _ = try await store.take(edge.batch(1...6), from: edge.source)
    _ = try await store.take(edge.batch(9...9, lost: 7...8), from: edge.source)
    _ = try await store.take(image.end(), from: edge.source)
    // The line behind the hole proves all before it, whoever has it.
    _ = try await store.take(self.edge(8).end(), from: edge.source)
    #expect(try await conflicts(store).isEmpty)
    // Its last event is in the hole, or is another one than here.
    _ = try await store.take(self.edge(7).end(), from: edge.source)
    #expect(try await conflicts(store).map { $0.id.contains(":7:") } == [true])
    _ = try await store.take(twins().clone.end(), from: edge.source)
    #expect(try await conflicts(store).count == 2)
  }

  @Test func `another end than the one that was declared lost is told, though no line of either is here`() async throws
  {
    let store = try await openStore(folder)
    let (edge, clone) = twins()
    _ = try await store.take(edge.batch(1...2), from: edge.source)
    let tail = Batch(
      incarnation: edge.incarnation, first: 5, previous: edge.hash(4), head: edge.hash(4), lost: 3...4, lines: [])
    _ = try await store.take(tail, from: edge.source)
    _ = try await store.take(clone.end(), from: edge.source)
    #expect(try await conflicts(store).first?.reason?.contains("ended with another event 4") == true)
  }

  @Test func `a line in a hole is taken only where a stored line behind it proves it`() async throws {
    let store = try await openStore(folder)
    let edge = edge(8)
    _ = try await store.take(edge.batch(1...2), from: edge.source)
    _ = try await store.take(edge.batch(4...4, lost: 3...3), from: edge.source)
    _ = try await store.take(edge.batch(8...8, lost: 5...7), from: edge.source)
    var clone = self.edge(4)
    clone.add(StoppedData(why: "another life"), subject: "ST10")
    #expect(try await store.take(clone.batch(3...5), from: edge.source) == .receipt(receipt(edge, 8)))
    #expect(try await store.events(EventFilter()).items.count == 5)
    // What nothing proves is nobody else's to keep: it has its receipt.
    func kept() async throws -> Int? { try await store.counts().first { $0.name == "conflicts" }?.count }
    let gap = try #require(try await store.gaps().items.first { $0.kind == "conflict" })
    #expect(gap.id == "conflict:\(edge.incarnation):5")
    #expect(gap.reason?.contains("declared lost and came after all") == true)
    #expect(try await kept() == 1)
    // Of ours too, until what follows proves it.
    #expect(try await store.take(edge.batch(5...6), from: edge.source) == .receipt(receipt(edge, 8)))
    #expect(try await kept() == 3)
    #expect(try await store.take(edge.batch(5...8), from: edge.source) == .receipt(receipt(edge, 8)))
    #expect(try await store.events(EventFilter()).items.count == 8)
    #expect(try await kept() == 1)
  }

  @Test func `the events that arrived last can come first, page by page`() async throws {
    let store = try await openStore(folder)
    let edge = edge(5)
    _ = try await store.take(edge.batch(), from: edge.source)
    let filter = EventFilter(isNewestFirst: true)
    let page = try await store.events(filter, limit: 3)
    #expect(page.items == Array(edge.lines.reversed().prefix(3)))
    let rest = try await store.events(filter, after: page.next, limit: 3)
    #expect(rest.items == Array(edge.lines.prefix(2).reversed()) && rest.next == nil)
  }

  @Test func `a number beyond all counting in a stamp is stored and names no event`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 9)
    let beyond = "\(String(repeating: "a", count: 32)):\(UInt64.max)"
    let data = [
      ("lotline.context", #"{"station":"ST10","field":"lot","to":"L1","how":"scanned","by":"\#(beyond)"}"#),
      (
        "lotline.cycle",
        #"{"device":"d","tags":{},"stamp":{"station":"ST10","unit":"SN1","lot":"L1","by":{"unit":"\#(beyond)"}}}"#
      ),
    ]
    for (type, data) in data {
      edge.add(
        line: Array(
          """
          {"specversion":"1.0","id":"\(edge.incarnation):\(edge.last + 1)","source":"\(edge.source)","type":"\(type)",\
          "time":"2026-11-23T08:31:02.123456Z","subject":"ST10","boottime":"1","data":\(data)}
          """.utf8))
    }
    #expect(try await store.take(edge.batch(), from: edge.source) == .receipt(receipt(edge, 2)))
    #expect(try await store.unit("SN1").record?.cycles.count == 1)
  }

  @Test func `a batch whose lines were altered stores nothing`() async throws {
    let store = try await openStore(folder)
    let edge = edge(2)
    var lines = edge.lines
    lines[1][lines[1].count - 3] ^= 1
    let altered = Batch(incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.head, lines: lines)
    await #expect(throws: BatchFault.self) { try await store.take(altered, from: edge.source) }
    #expect(try await store.events(EventFilter()).items.isEmpty)
  }

  @Test func `a digest in the place of a line is a held gap until the line comes`() async throws {
    let store = try await openStore(folder)
    let edge = edge(3)
    var lines = edge.lines
    lines[1] = Array("#\(hex(ChainHash.digest(of: lines[1])))".utf8)
    let held = Batch(incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.head, lines: lines)
    #expect(try await store.take(held, from: edge.source) == .receipt(receipt(edge, 3)))
    #expect(try await store.gaps().items.map(\.kind) == ["held"])
    #expect(try await store.events(EventFilter()).items.count == 2)
    #expect(try await store.take(edge.batch(2...2), from: edge.source) == .receipt(receipt(edge, 3)))
    #expect(try await store.gaps().items.isEmpty)
    #expect(try await store.events(EventFilter()).items.count == 3)
  }

  @Test func `an event of a type or a content that nobody knows is stored as it is`() async throws {
    let store = try await openStore(folder)
    var edge = FakeEdge(seed: 9)
    for (type, data) in [("lotline.future", "{\"x\":[1,null]}"), ("lotline.cycle", "{\"device\":7}")] {
      edge.add(
        line: Array(
          """
          {"specversion":"1.0","id":"\(edge.incarnation):\(edge.last + 1)","source":"\(edge.source)","type":"\(type)",\
          "time":"2026-11-23T08:31:02.123456Z","subject":"ST10","boottime":"1","data":\(data)}
          """.utf8))
    }
    #expect(try await store.take(edge.batch(), from: edge.source) == .receipt(receipt(edge, 2)))
    #expect(try await store.events(EventFilter(type: "lotline.future")).items == [edge.lines[0]])
  }

  @Test func `a store of a newer schema is refused by name`() async throws {
    let store = try await openStore(folder)
    try await store.pool.write { try $0.execute(sql: "UPDATE meta SET value = '99' WHERE key = 'schema'") }
    try store.close()
    let error = await #expect(throws: StoreError.self) { try await openStore(folder) }
    #expect(error?.description.contains("schema 99") == true)
  }

  @Test func `a source that was not heard for too long is a gap while it lasts and after`() async throws {
    let clock = TestClock()
    let store = try await openStore(
      folder, TraceRules(sources: [SourceName("plant1.line4.pc1")!], now: clock.now))
    let edge = edge(1)
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.gaps().items.isEmpty)
    clock.advance(.seconds(61))
    #expect(
      try await store.gaps().items.map(\.source).sorted { $0! < $1! } == ["plant1.line3.pc1", "plant1.line4.pc1"])
    _ = try await store.position(of: edge.source, incarnation: edge.incarnation)
    let ended = try #require(try await store.gaps().items.first { $0.source == "plant1.line3.pc1" })
    #expect(ended.to != nil)
  }
}
