import Events
import Foundation
import Glibc
import Queue
import TestParts
import Testing

/// Events that the central refuses for what they say: what the queue keeps of them, and what it gives.
@Suite(.timeLimit(minutes: 5)) struct HeldTests {
  private let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private func id(_ number: UInt64, _ queue: EventQueue) -> EventID {
    EventID(incarnation: queue.status.incarnation, sequence: number)
  }

  private func veiled(_ queue: EventQueue, after: UInt64 = 0) async throws -> Batch {
    try await queue.batch(
      incarnation: queue.status.incarnation, after: after, limit: 1000, maxBytes: 1 << 20, veilsHeld: true)
  }

  @Test func `a digest goes in the place of a held event, the chain verifies, and whoever pulls gets the event`()
    async throws
  {
    let queue = try await openQueue(folder)
    try await queue.fill(9)
    let lines = try await queue.everything()
    try await queue.hold(id(4, queue), why: "422")
    let batch = try await veiled(queue)
    let verified = try VerifiedBatch(batch, from: line3)
    #expect(verified.envelopes.map { $0 == nil } == (1...9).map { $0 == 4 })
    #expect(batch.lines[3] == Array("#\(hex(ChainHash.digest(of: lines[3])))".utf8))
    #expect(batch.head == queue.status.head)
    #expect(try await queue.everything() == lines)
    let held = try #require(queue.status.held.first)
    #expect(held.id.sequence == 4 && held.why == "422" && held.resent == 0)
    try await queue.hold(held.id, why: "400")
    #expect(queue.status.held.map(\.resent) == [1] && queue.status.held.map(\.why) == ["400"])
    #expect(queue.status.held[0].since == held.since)
    try await queue.endHold(held.id, isTaken: false)
    #expect(queue.status.held.isEmpty)
    #expect(try await veiled(queue).lines == lines)
  }

  @Test func `the row of a held event stays while all others go, and goes once it is held no longer`() async throws {
    let queue = try await openQueue(folder, keep: .seconds(3600))
    let old = Moment.now().time.adding(.seconds(-7200))
    for index in 0..<60 { _ = try await queue.append { _ in Entry(events: [event("old \(index)", at: old)]) } }
    for number: UInt64 in [1, 2, 20, 59] { try await queue.hold(id(number, queue), why: "422") }
    try await queue.record(try queue.receipt(through: 60, safe: 60), from: "central", frees: true)
    try await eventually("all others are gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 5
    }
    for number: UInt64 in [1, 2, 20, 59] {
      let batch = try await queue.batch(after: number - 1, limit: 1, maxBytes: 1 << 20)
      #expect(batch.first == number && batch.lines.count == 1 && batch.lost == nil)
      #expect(try VerifiedBatch(batch, from: line3).envelopes[0]?.id == id(number, queue))
    }
    #expect(await queue.verify().isGood)
    try await queue.endHold(id(2, queue), isTaken: false)
    try await queue.endHold(id(59, queue), isTaken: false)
    try await eventually("what is held no longer is gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 3
    }
    #expect(queue.status.incarnations.last?.first == 1)
  }

  @Test func `the row of an event that was taken late stays until a later backup has it`() async throws {
    let old = Moment.now().time.adding(.seconds(-7200))
    func opened() async throws -> EventQueue { try await openQueue(folder, keep: .seconds(3600)) }
    func add(_ count: Int, _ queue: EventQueue) async throws {
      for index in 0..<count { _ = try await queue.append { _ in Entry(events: [event("old \(index)", at: old)]) } }
    }
    var queue = try await opened()
    try await add(30, queue)
    let late = id(10, queue)
    try await queue.hold(late, why: "422")
    try await queue.record(try queue.receipt(through: 30, safe: 25), from: "central", frees: true)
    try await queue.endHold(late, isTaken: true)
    #expect(queue.status.held.isEmpty)
    #expect(ChainHash.heldDigest(try await veiled(queue, after: 9).lines[0]) == nil)
    // Safe by a backup that was made before it was taken.
    try await queue.record(try queue.receipt(through: 30, safe: 30), from: "central", frees: true)
    await queue.close()
    queue = try await opened()
    try await eventually("all others are gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 2
    }
    #expect(try await queue.batch(after: 9, limit: 1, maxBytes: 1 << 20).first == 10 && queue.status.held.isEmpty)
    try await add(1, queue)
    try await queue.record(try queue.receipt(through: 31, safe: 31), from: "central", frees: true)
    try await eventually("it is gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 1
    }
    #expect(try await queue.state(prefix: "held/").isEmpty)
  }

  @Test func `what is held outlives a kill`() async throws {
    let path = folder.path
    await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
      var settings = QueueSettings(path: path + "/queue.db")
      settings.reserveBytes = 0
      let queue = try await EventQueue.open(settings, source: line3, logger: silent)
      try await queue.fill(5)
      for number: UInt64 in [2, 3] {
        try await queue.hold(EventID(incarnation: queue.status.incarnation, sequence: number), why: "no \(number)")
      }
      try await queue.endHold(EventID(incarnation: queue.status.incarnation, sequence: 2), isTaken: false)
      kill(getpid(), SIGKILL)
    }
    let queue = try await openQueue(folder)
    #expect(queue.status.held.map(\.id) == [id(3, queue)] && queue.status.held.map(\.why) == ["no 3"])
    #expect(ChainHash.heldDigest(try await veiled(queue).lines[2]) != nil)
  }

  @Test func `no more than a thousand are held`() async throws {
    let queue = try await openQueue(folder)
    let events = (0...EventQueue.mostHeld).map { event("\($0)") }
    _ = try await queue.append { _ in Entry(events: events) }
    for number in 1...UInt64(EventQueue.mostHeld) { try await queue.hold(id(number, queue), why: "422") }
    await #expect(throws: QueueFault.tooManyHeld(EventQueue.mostHeld)) {
      try await queue.hold(id(UInt64(EventQueue.mostHeld) + 1, queue), why: "422")
    }
    try await queue.hold(id(1, queue), why: "again")
    #expect(queue.status.held.count == EventQueue.mostHeld)
    await #expect(throws: QueueFault.beyondEnd(head: queue.status.last)) {
      try await queue.hold(id(queue.status.last + 1, queue), why: "422")
    }
  }

  @Test func `a damaged file gives up held events with the others, and calls nothing lost that had gone`()
    async throws
  {
    let queue = try await openQueue(folder, keep: .seconds(3600))
    let old = Moment.now().time.adding(.seconds(-7200))
    for index in 0..<300 { _ = try await queue.append { _ in Entry(events: [event("old \(index)", at: old)]) } }
    let former = id(7, queue)
    try await queue.hold(former, why: "422")
    try await queue.record(try queue.receipt(through: 290, safe: 290), from: "central", frees: true)
    try await eventually("what is safe is gone") {
      try await queue.beat(at: Moment.now().time)
      return queue.status.rows == 11
    }
    await queue.close()
    // The last row no longer proves itself.
    let path = folder.file("queue.db")
    try overwrite(path, at: try position(of: "old 299", in: path), with: Array("new".utf8))
    let again = try await openQueue(folder)
    #expect(again.status.incarnation != former.incarnation)
    #expect(again.status.held.map(\.id) == [former])
    try await eventually("all is taken over") {
      try await again.beat(at: Moment.now().time)
      return !again.opening.isSalvaging
    }
    #expect(again.opening.lost == [LostNumbers(incarnation: former.incarnation, numbers: 300...300)])
    let batch = try await again.batch(incarnation: former.incarnation, after: 6, limit: 1, maxBytes: 1 << 20)
    #expect(batch.first == 7 && batch.lines.count == 1)
  }
}
