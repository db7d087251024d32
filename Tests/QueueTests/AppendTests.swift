import Events
import Foundation
import GRDBSQLite
import NIOConcurrencyHelpers
import Queue
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct AppendTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  @Test func `numbers begin with 1 and have no holes`() async throws {
    let queue = try await openQueue(folder)
    let first = try await queue.append(entry("a"))
    let second = try await queue.append { _ in Entry(events: [event("b"), event("c")]) }
    let third = try await queue.append(entry("d"))
    #expect([first.place.first, second.place.first, third.place.first] == [1, 2, 4])
    #expect(queue.status.last == 4)
    #expect(second.count == 2)
    #expect(first.place.incarnation == queue.status.incarnation)
  }

  @Test func `the chain is what anybody computes from the lines`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(50)
    let lines = try await queue.everything()
    #expect(lines.count == 50)
    #expect(independentHead(lines) == queue.status.head.description)
    let batch = try await queue.batch(after: 20, limit: 10, maxBytes: 1 << 20)
    #expect(batch.first == 21 && batch.last == 30)
    #expect(independentHead(Array(lines[..<20])) == batch.previous.description)
    #expect(independentHead(Array(lines[..<30])) == batch.head.description)
    _ = try VerifiedBatch(batch, from: line3)
  }

  @Test func `64 producers get numbers of their own, and share commits`() async throws {
    let queue = try await openQueue(folder)
    let numbers = try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for producer in 0..<64 {
        group.addTask {
          var numbers: [UInt64] = []
          for index in 0..<20 { numbers.append(try await queue.append(entry("\(producer)/\(index)")).place.first) }
          return numbers
        }
      }
      return try await group.reduce(into: [[UInt64]]()) { $0.append($1) }
    }
    #expect(numbers.allSatisfy { $0 == $0.sorted() })
    #expect(numbers.joined().sorted() == Array(1...1280))
    let counts = queue.status.counts
    #expect(counts.events == 1280)
    #expect(counts.commits < 1280)
    let verdict = await queue.verify()
    #expect(verdict.isGood && verdict.good == 1280)
  }

  @Test func `readings in no hurry and urgent entries between them keep their order and share commits`() async throws {
    let queue = try await openQueue(folder)
    let numbers = try await withThrowingTaskGroup(of: [UInt64].self) { group in
      for producer in 0..<32 {
        group.addTask {
          var numbers: [UInt64] = []
          for index in 0..<10 {
            let make = entry("\(producer)/\(index)")
            let committed = (producer + index) % 8 == 0 ? try await queue.append(make) : try await queue.offered(make)
            numbers.append(committed.place.first)
          }
          return numbers
        }
      }
      return try await group.reduce(into: [[UInt64]]()) { $0.append($1) }
    }
    #expect(numbers.allSatisfy { $0 == $0.sorted() })
    #expect(numbers.joined().sorted() == Array(1...320))
    #expect(queue.status.counts.commits < 320)
    #expect(await queue.verify().isGood)
  }

  @Test func `what is offered is committed without anybody's help, in its order, before what is appended later`()
    async throws
  {
    let queue = try await openQueue(folder)
    #expect(try await queue.offered(entry("alone")).place.first == 1)
    let told = NIOLockedValueBox<[UInt64]>([])
    for number in 0..<50 {
      queue.offer(entry("\(number)")) { outcome in
        if case .success(let committed) = outcome { told.withLockedValue { $0.append(committed.place.first) } }
      }
    }
    #expect(try await queue.append(entry("urgent")).place.first == 52)
    #expect(told.withLockedValue { $0 } == Array(2...51))
    #expect(queue.status.counts.commits < 25)
  }

  @Test func `what is offered to a closed queue is refused, and said so`() async throws {
    let queue = try await openQueue(folder)
    await queue.close()
    await #expect(throws: Refusal.closed) { try await queue.offered(entry("late")) }
  }

  @Test func `a cancelled producer does not take back what others wait for`() async throws {
    let queue = try await openQueue(folder)
    await withTaskGroup(of: Void.self) { group in
      for index in 0..<200 {
        group.addTask { _ = try? await queue.append(entry("\(index)")) }
      }
      group.cancelAll()
    }
    #expect(queue.status.last == 200)
  }

  @Test func `an event that is too large is refused alone`() async throws {
    let queue = try await openQueue(folder)
    let outcomes = await withTaskGroup(of: Bool.self) { group in
      for index in 0..<20 {
        group.addTask {
          let text = index == 7 ? String(repeating: "x", count: 1 << 20) : "small"
          return (try? await queue.append(entry(text))) != nil
        }
      }
      return await group.reduce(into: [Bool]()) { $0.append($1) }
    }
    #expect(outcomes.count { $0 } == 19)
    #expect(queue.status.last == 19)
    await #expect(throws: Refusal.self) { try await queue.append(entry(String(repeating: "x", count: 1 << 20))) }
  }

  @Test func `an entry that names its own place is made with it`() async throws {
    let queue = try await openQueue(folder)
    let done = try await queue.append { place in Entry(events: [event("I am \(place.id(0))")]) }
    let line = try #require(try await queue.newest(limit: 1).lines.first)
    #expect(String(decoding: line, as: UTF8.self).contains("I am \(done.place.id(0))"))
  }

  @Test func `state changes with its events, outlives opening again, and can be removed`() async throws {
    do {
      let queue = try await openQueue(folder)
      _ = try await queue.append { place in
        Entry(
          events: [event("a")],
          state: [.init(key: "context/ST10", value: [1]), .init(key: "context/ST20", value: [2])])
      }
      _ = try await queue.append { _ in Entry(events: [], state: [.init(key: "cycle/press", value: [3])]) }
      _ = try await queue.append { _ in Entry(events: [], state: [.init(key: "context/ST20", value: nil)]) }
      #expect(queue.status.last == 1)
      await queue.close()
    }
    let queue = try await openQueue(folder)
    #expect(try await queue.state(prefix: "context/") == ["context/ST10": [1]])
    #expect(try await queue.state(prefix: "") == ["context/ST10": [1], "cycle/press": [3]])
  }

  @Test func `after closing nothing is taken`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(1)
    await queue.close()
    await #expect(throws: Refusal.closed) { try await queue.append(entry("late")) }
    #expect(queue.status.refusing == .closed)
  }

  @Test func `a long poll wakes for the event, and ends by itself or with its task`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(3)
    await queue.waitForMore(than: 2, atMost: .seconds(50))
    await queue.waitForMore(than: 3, atMost: .milliseconds(1))
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await queue.waitForMore(than: 3, atMost: .seconds(50)) }
      group.addTask { _ = try? await queue.append(entry("awaited")) }
      await group.waitForAll()
    }
    #expect(queue.status.last == 4)
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await queue.waitForMore(than: 4, atMost: .seconds(50)) }
      group.cancelAll()
    }
  }

  @Test func `a second daemon is told who has the queue`() async throws {
    let queue = try await openQueue(folder)
    let error = await #expect(throws: (any Error).self) { try await openQueue(folder) }
    let text = "\(try #require(error))"
    #expect(text.contains("is in use by another lotline (process \(getpid()))"))
    await queue.close()
    let next = try await openQueue(folder)
    #expect(next.opening.stoppedCleanly)
  }

  @Test func `the queue of another source or program is not touched`() async throws {
    try await openQueue(folder).close()
    let error = await #expect(throws: (any Error).self) {
      try await openQueue(folder, source: SourceName("other")!)
    }
    #expect("\(try #require(error))".contains("holds events of source plant1.line3.pc1"))
    let other = try ScratchFolder()
    var handle: OpaquePointer?
    sqlite3_open(other.file("queue.db"), &handle)
    sqlite3_exec(handle, "CREATE TABLE t(x)", nil, nil, nil)
    sqlite3_close(handle)
    let second = await #expect(throws: (any Error).self) { try await openQueue(other) }
    #expect("\(try #require(second))".contains("is a database of another program"))
  }

  @Test func `a batch says how many events stand behind it, those of later incarnations included`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(5)
    let first = queue.status.incarnation
    #expect(try await queue.batch(after: 1, limit: 2, maxBytes: 1 << 20).waiting == 2)
    #expect(try await queue.batch(after: 5, limit: 2, maxBytes: 1 << 20).waiting == 0)
    _ = try await queue.beginIncarnation(why: "test")
    try await queue.fill(3)
    #expect(try await queue.batch(incarnation: first, after: 1, limit: 2, maxBytes: 1 << 20).waiting == 5)
    try await queue.record(queue.receipt(through: 2, safe: 0), from: "central", frees: true)
    #expect(try await queue.batch(incarnation: first, after: 1, limit: 2, maxBytes: 1 << 20).waiting == 3)
    await queue.close()
  }
}

extension EventQueue {
  /// Offers an entry and waits for its outcome after all.
  nonisolated fileprivate func offered(_ make: @escaping @Sendable (Place) -> Entry) async throws(Refusal) -> Committed
  {
    let outcome = await withCheckedContinuation { continuation in
      offer(make) { continuation.resume(returning: $0) }
    }
    return try outcome.get()
  }
}
