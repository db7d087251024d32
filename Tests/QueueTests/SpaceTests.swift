import Events
import Foundation
import Queue
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct SpaceTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  @Test func `a full queue refuses, says what to do, and takes again after a receipt`() async throws {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    let text = String(repeating: "x", count: 2000)
    var refusal: Refusal?
    while refusal == nil {
      do { _ = try await queue.append(entry(text)) } catch { refusal = error }
      if queue.status.last > 5000 { break }
    }
    guard case .full(let why)? = refusal else {
      Issue.record("the queue grew beyond its limit: \(queue.status)")
      return
    }
    #expect(why.contains("raise queue.limit"))
    #expect(queue.status.refusing == refusal)
    #expect(queue.status.bytes <= 2_300_000)
    let last = queue.status.last
    #expect(last > 200)
    try await queue.record(try queue.receipt(through: last, safe: 0), from: "central", frees: true)
    #expect(queue.status.accepts, "what is received goes before anything is refused")
    let rows = queue.status.rows
    #expect(queue.status.counts.released == last - rows)
    try await queue.record(try queue.receipt(through: last, safe: last), from: "central", frees: true)
    #expect(queue.status.rows <= rows)
    #expect(queue.status.accepts)
    let after = try await queue.append(entry(text))
    #expect(after.place.first == last + 1)
    #expect(queue.status.rows < last)
    let verdict = await queue.verify()
    #expect(verdict.isGood && verdict.missing.count == 1)
  }

  @Test func `readings at a rate are refused before all else, and counted`() async throws {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    let text = String(repeating: "x", count: 2000)
    var isShedding = false
    while !isShedding {
      do {
        _ = try await queue.append { _ in Entry(events: [event(text)], isPeriodic: true) }
      } catch { isShedding = true }
    }
    #expect(queue.status.shed == 1)
    #expect(queue.status.accepts)
    _ = try await queue.append(entry("a scan"))
    await #expect(throws: Refusal.self) {
      try await queue.append { _ in Entry(events: [event(text)], isPeriodic: true) }
    }
    #expect(queue.status.shed == 2)
  }

  @Test func `a full queue still takes what only replaces state`() async throws {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    let text = String(repeating: "x", count: 20_000)
    while (try? await queue.append(entry(text))) != nil {}
    #expect(!queue.status.accepts && queue.status.isThinning)
    for round in 0..<200 {
      _ = try await queue.append { _ in Entry(events: [], state: [.init(key: "shed/ST10", value: [UInt8(round)])]) }
    }
    #expect(try await queue.state(prefix: "shed/") == ["shed/ST10": [199]])
    #expect(queue.status.bytes < 2_400_000)
  }

  @Test func `rows go when they are safe and old, and the chain and the state stay`() async throws {
    let queue = try await openQueue(folder, keep: .seconds(3600))
    let old = Moment.now().time.adding(.seconds(-7200))
    for index in 0..<100 {
      _ = try await queue.append { _ in
        Entry(events: [event("old \(index)", at: old)], state: [.init(key: "context", value: [UInt8(index)])])
      }
    }
    try await queue.fill(20, "young")
    let head = queue.status.head
    try await queue.record(try queue.receipt(through: 120, safe: 90), from: "central", frees: true)
    try await eventually("what is safe is gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 30
    }
    try await queue.record(try queue.receipt(through: 120, safe: 120), from: "central", frees: true)
    try await eventually("what is old is gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 20
    }
    let batch = try await queue.batch(after: 0, limit: 100, maxBytes: 1 << 20)
    #expect(batch.lost == 1...100)
    #expect(batch.first == 101 && batch.lines.count == 20)
    #expect(batch.head == head)
    _ = try VerifiedBatch(batch, from: line3)
    #expect(try await queue.state(prefix: "context") == ["context": [99]])
    await queue.close()
    let again = try await openQueue(folder)
    #expect(again.status.last == 120 && again.status.head == head && again.status.rows == 20)
    #expect(try await again.state(prefix: "context") == ["context": [99]])
    #expect(try await again.append(entry("next")).place.first == 121)
  }

  @Test func `the receipts of a consumer that frees nothing let no row go`() async throws {
    let queue = try await openQueue(folder, keep: .zero)
    try await queue.fill(10)
    try await queue.record(try queue.receipt(through: 10, safe: 10), from: "historian", frees: false)
    try await queue.beat(at: Moment.now().time)
    #expect(queue.status.rows == 10)
    #expect(queue.status.consumers["historian"]?.safeThrough == 10)
    try await queue.record(try queue.receipt(through: 10, safe: 10), from: "central", frees: true)
    #expect(queue.status.rows == 1, "the last row stays for the chain to go on from")
    #expect(try await queue.append(entry("next")).place.first == 11)
  }

  @Test func `a receipt that does not fit the chain is not believed`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(5)
    let good = try await queue.receipt(through: 3, safe: 2)
    func changed(
      source: SourceName = line3, incarnation: Incarnation? = nil, through: UInt64 = 3, head: ChainHash? = nil,
      safe: UInt64 = 2
    ) -> Receipt {
      Receipt(
        source: source, incarnation: incarnation ?? good.incarnation, receivedThrough: through,
        head: head ?? good.head, safeThrough: safe)
    }
    await #expect(throws: QueueFault.wrongSource(SourceName("x")!)) {
      try await queue.record(changed(source: SourceName("x")!), from: "central", frees: true)
    }
    let stranger = Incarnation.random()
    await #expect(throws: QueueFault.unknownIncarnation(stranger)) {
      try await queue.record(changed(incarnation: stranger), from: "central", frees: true)
    }
    await #expect(throws: QueueFault.beyondEnd(head: 5)) {
      try await queue.record(changed(through: 6), from: "central", frees: true)
    }
    await #expect(throws: QueueFault.wrongHash(at: 3, expected: good.head, found: .zero)) {
      try await queue.record(changed(head: .zero), from: "central", frees: true)
    }
    await #expect(throws: QueueFault.unordered(received: 3, safe: 4)) {
      try await queue.record(changed(safe: 4), from: "central", frees: true)
    }
    #expect(queue.status.consumers.isEmpty)
    try await queue.record(good, from: "central", frees: true)
    #expect(queue.status.consumers["central"]?.receivedThrough == 3)
    #expect(queue.status.incarnations.map(\.last) == [5])
    await #expect(throws: QueueFault.beyondEnd(head: 5)) { try await queue.batch(after: 6, limit: 1, maxBytes: 1) }
  }
}

/// What is received at the central and in no backup of it stays, until something would have to be refused.
@Suite(.timeLimit(minutes: 5)) struct ReleaseTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private let text = String(repeating: "x", count: 2000)

  /// Appends and confirms as received until rows went or `count` are there; no append is refused.
  private func work(_ queue: EventQueue, _ count: Int, safe: (UInt64) -> UInt64) async throws {
    for index in 0..<count {
      _ = try await queue.append { _ in Entry(events: [event("\(text) \(index)")], isPeriodic: index % 2 == 0) }
      if index % 20 == 19 {
        let last = queue.status.last
        try await queue.record(try queue.receipt(through: last, safe: safe(last)), from: "central", frees: true)
      }
    }
  }

  private func released(_ queue: EventQueue, from first: UInt64 = 0) async throws -> [GapData] {
    var gaps: [GapData] = []
    var after = first
    while after < queue.status.last {
      let batch = try await queue.batch(after: after, limit: 1000, maxBytes: 1 << 24)
      _ = try VerifiedBatch(batch, from: line3)
      gaps += batch.lines.compactMap { JSON($0)?["data"].flatMap { GapData($0) } }.filter { $0.kind == .released }
      after = batch.last
    }
    return gaps
  }

  @Test func `safe rows make room and nothing else goes`() async throws {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    try await work(queue, 3000) { $0 }
    try await queue.beat(at: Moment.now().time)
    #expect(queue.status.counts.released == 0 && queue.status.counts.removed > 1000)
    #expect(queue.status.shed == 0)
    #expect(try await released(queue).isEmpty)
    await queue.close()
  }

  @Test
  func `what is received and not safe goes the oldest first, before anything is refused, and its numbers are told`()
    async throws
  {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    try await work(queue, 300) { _ in 0 }
    #expect(queue.status.counts.removed == 0, "nothing goes as long as there is room")
    let incarnation = queue.status.incarnation
    try await work(queue, 1500) { _ in 0 }
    #expect(queue.status.shed == 0 && queue.status.accepts)
    let first = try #require(queue.status.incarnations.last?.first)
    #expect(first > 1 && queue.status.counts.released == first - 1)
    try await queue.beat(at: Moment.now().time)
    await queue.close()

    // What was not told of before the end is told at it; together the gaps name each number once, and no other.
    let again = try await openQueue(folder, limitBytes: 2_000_000)
    let gaps = try await released(again)
    #expect(gaps.reduce(0) { $0 + ($1.count ?? 0) } == first - 1, "\(gaps)")
    var next: UInt64 = 1
    for gap in gaps {
      let end = next + (gap.count ?? 0) - 1
      #expect(gap.reason?.contains("events \(incarnation):\(next)-\(end) were given up") == true, "\(gap)")
      #expect(gap.from != nil && gap.to != nil)
      next = end + 1
    }
    #expect(again.status.incarnations.last?.first == first)
    await again.close()
  }

  @Test func `numbers that went are told of after a kill as well`() async throws {
    let queue = try await openQueue(folder, limitBytes: 2_000_000)
    try await work(queue, 2100) { _ in 0 }
    let first = try #require(queue.status.incarnations.last?.first)
    // As a kill leaves it: the file and its journal as they are now.
    let copy = try ScratchFolder()
    for end in ["", "-wal", ".marker"] {
      try FileManager.default.copyItem(atPath: folder.file("queue.db\(end)"), toPath: copy.file("queue.db\(end)"))
    }
    let again = try await openQueue(copy, limitBytes: 2_000_000)
    try await again.beat(at: Moment.now().time)
    #expect(try await released(again).reduce(0) { $0 + ($1.count ?? 0) } == first - 1)
    try await again.beat(at: Moment.now().time)
    #expect(try await released(again).reduce(0) { $0 + ($1.count ?? 0) } == first - 1, "told once")
    await again.close()
    await queue.close()
  }

  @Test func `how far events are safe is known after a restart, and rows stay until then`() async throws {
    let queue = try await openQueue(folder, keep: .zero)
    try await queue.fill(20)
    try await queue.record(try queue.receipt(through: 15, safe: 5), from: "central", frees: true)
    #expect(queue.status.incarnations.last?.first == 6)
    await queue.close()
    let again = try await openQueue(folder, keep: .zero)
    #expect(again.status.consumers["central"]?.safeThrough == 5)
    #expect(
      again.status.incarnations.last?.safe == ["central": 5]
        && again.status.incarnations.last?.received == ["central": 15])
    try await again.beat(at: Moment.now().time)
    #expect(again.status.incarnations.last?.first == 6)
    await again.close()
  }

  @Test func `a central that has less than it said is told of, and what it lacks is still given`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(20)
    try await queue.record(try queue.receipt(through: 20, safe: 20), from: "central", frees: true)
    try await queue.record(try queue.receipt(through: 20, safe: 20), from: "historian", frees: false)
    try await queue.record(try queue.receipt(through: 3, safe: 3), from: "historian", frees: false)
    #expect(queue.status.counts.rewinds == 0, "a third party may begin again as it likes")
    for _ in 0..<3 { try await queue.record(try queue.receipt(through: 12, safe: 0), from: "central", frees: true) }
    #expect(queue.status.counts.rewinds == 1 && queue.status.last == 21)
    #expect(queue.status.rewind?.from == 20 && queue.status.rewind?.to == 12 && queue.status.rewind?.isHere == true)
    let batch = try await queue.batch(after: 12, limit: 100, maxBytes: 1 << 20)
    let finding = try #require(batch.lines.last.flatMap { JSON($0) }?["data"].flatMap { FindingData($0) })
    #expect(finding.kind == .centralWentBack && finding.count == 8)
    _ = try VerifiedBatch(batch, from: line3)
    // To and fro is counted, and told of once a minute.
    try await queue.record(try queue.receipt(through: 20, safe: 20), from: "central", frees: true)
    try await queue.record(try queue.receipt(through: 11, safe: 0), from: "central", frees: true)
    #expect(queue.status.counts.rewinds == 2 && queue.status.last == 21)
    await queue.close()
  }
}
