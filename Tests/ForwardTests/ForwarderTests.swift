import Events
import Foundation
import Queue
import TestParts
import Testing

@testable import Forward

/// The edge's side: a real queue, and a central on a real port that misbehaves on order.
struct ForwarderTests {
  private let folder: ScratchFolder
  private let queue: EventQueue
  private let central = ScriptedCentral()

  init() async throws {
    folder = try ScratchFolder()
    var settings = QueueSettings(path: folder.file("queue.db"))
    settings.reserveBytes = 0
    queue = try await EventQueue.open(settings, source: SourceName("plant1.line3.pc1")!, logger: quiet)
  }

  private func forwarder(_ url: String, lines: Int = 50, tokenFile: String? = nil, of other: EventQueue? = nil)
    -> Forwarder
  {
    var forwarder = Forwarder(
      queue: other ?? queue, settings: ForwardSettings(url: url, tokenFile: tokenFile),
      source: SourceName("plant1.line3.pc1")!, logger: quiet)
    forwarder.limits.lines = lines
    forwarder.limits.leastPause = .milliseconds(5)
    forwarder.limits.longestPause = .milliseconds(50)
    forwarder.limits.chancePause = .milliseconds(5)
    forwarder.limits.leastHeldPause = .milliseconds(20)
    forwarder.limits.longestHeldPause = .milliseconds(100)
    return forwarder
  }

  private func fill(_ count: Int, _ text: String = "", in other: EventQueue? = nil) async throws {
    for index in 0..<count {
      let data = DeviceData(device: "press-1", state: .offline, reason: "\(text)\(index)")
      _ = try await (other ?? queue).append { _ in Entry(events: [Event(data, at: .now(), subject: "ST10")]) }
    }
  }

  /// All lines of an incarnation as the queue has them.
  private func lines(of incarnation: Incarnation) async throws -> [[UInt8]] {
    try await queue.batch(incarnation: incarnation, after: 0, limit: 100_000, maxBytes: 1 << 30).lines
  }

  private func received() -> UInt64? {
    queue.status.incarnations.last?.received["central"]
  }

  @Test(.timeLimit(minutes: 5))
  func `everything arrives once and in order, and the queue knows it`() async throws {
    try await fill(230)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("the queue knows") { received() == 230 }
        let incarnation = queue.status.incarnation
        #expect(await central.ledger.lines(of: incarnation) == (try await lines(of: incarnation)))
        try await eventually("it is idle") { forwarder.status.state == .idle }
        try await fill(1, "alone")
        try await eventually("a lone event arrives") { received() == 231 }
        #expect(forwarder.status.receivedThrough == 231)
        #expect(forwarder.status.lastContact != nil)
      }
    }
  }

  @Test(.timeLimit(minutes: 5), arguments: ScriptedCentral.Order.allCases)
  func `whatever the central answers, each event is there once in the end`(_ order: ScriptedCentral.Order) async throws
  {
    try await fill(60)
    await central.give([order, order, order])
    try await serving(central.router) { url in
      let forwarder = forwarder(url, lines: 25)
      try await beside({ await forwarder.run() }) {
        try await eventually("all is there in spite of \(order)") { received() == 60 }
        let incarnation = queue.status.incarnation
        #expect(await central.ledger.lines(of: incarnation) == (try await lines(of: incarnation)))
        #expect(await central.ledger.conflicts.isEmpty)
        #expect(await central.isDone)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a steady stream goes in company: a batch for each 40 ms at most, not one for each event`() async throws {
    try await serving(central.router) { url in
      let forwarder = forwarder(url, lines: 2000)
      try await beside({ await forwarder.run() }) {
        try await eventually("it is idle") { forwarder.status.state == .idle }
        let start = ContinuousClock.now
        for _ in 0..<200 {
          try await fill(1)
          try await Task.sleep(for: .milliseconds(3))
        }
        try await eventually("all is there") { received() == 200 }
        let most = (ContinuousClock.now - start) / .milliseconds(40) + 2
        let batches = await central.ledger.batches
        #expect(Double(batches) <= most && batches > 1, "\(batches) batches in \(ContinuousClock.now - start)")
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `batches go packed, and unpacked to a central that takes no gzip, which is asked once`() async throws {
    try await fill(400)
    try await serving(central.router) { url in
      let forwarder = forwarder(url, lines: 100)
      try await beside({ await forwarder.run() }) {
        try await eventually("all is there") { received() == 400 }
        #expect(await central.packed >= 4)
      }
      let before = await central.packed
      await central.refuseGzip()
      await central.ledger.goBack(to: 0)
      try await beside({ await self.forwarder(url, lines: 100).run() }) {
        let incarnation = queue.status.incarnation
        try await eventually("all is there again") { await central.ledger.lines(of: incarnation).count >= 400 }
        #expect(await central.packed == before + 1 && queue.status.held.isEmpty)
        // Behind them is the finding that the central went back.
        #expect(
          await central.ledger.lines(of: incarnation).prefix(400) == (try await lines(of: incarnation).prefix(400)))
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a central that is not there is waited for`() async throws {
    try await fill(3)
    let forwarder = forwarder("http://127.0.0.1:9")
    try await beside({ await forwarder.run() }) {
      try await eventually("it is away") { forwarder.status.state == .away }
      try await eventually("it is tried again") { (forwarder.status.faults["away"] ?? 0) > 3 }
      #expect(forwarder.status.reason?.isEmpty == false)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a central restored from a backup gets the rest again`() async throws {
    try await fill(40)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("all is there") { received() == 40 }
        await central.ledger.goBack(to: 11)
        try await fill(1)
        // With the event that tells of it.
        try await eventually("all is there again") { received() == 42 }
        let incarnation = queue.status.incarnation
        #expect(await central.ledger.lines(of: incarnation) == (try await lines(of: incarnation)))
        #expect(queue.status.incarnations.count == 1 && queue.status.counts.rewinds == 1)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a central that lost everything gets earlier incarnations again as well`() async throws {
    try await fill(10)
    let old = try await queue.beginIncarnation(why: "a test").incarnation
    try await fill(5)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("all is there") { received() == 5 }
        await central.ledger.goBack(to: 0)
        try await fill(1)
        // With the events that tell of it, one for each incarnation.
        try await eventually("all is there again") { (received() ?? 0) >= 7 }
        try await eventually("the earlier one too") { await central.ledger.lines(of: old).count == 10 }
        for incarnation in [old, queue.status.incarnation] {
          let own = try await lines(of: incarnation)
          try await eventually("\(incarnation) is there") {
            await central.ledger.lines(of: incarnation).count >= own.count
          }
          #expect(await central.ledger.lines(of: incarnation).starts(with: own))
        }
        #expect(queue.status.counts.rewinds >= 2)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `of an earlier incarnation whose rows have gone it is told what a central that went back lacks`() async throws {
    var settings = QueueSettings(path: folder.file("brief.db"))
    (settings.reserveBytes, settings.keep) = (0, .zero)
    let queue = try await EventQueue.open(settings, source: SourceName("plant1.line3.pc1")!, logger: quiet)
    try await fill(5, in: queue)
    let old = try await queue.beginIncarnation(why: "a test").incarnation
    try await fill(3, in: queue)
    try await serving(central.router) { url in
      let forwarder = forwarder(url, of: queue)
      try await beside({ await forwarder.run() }) {
        try await eventually("the old rows have gone") {
          queue.status.incarnations.first.map { $0.received["central"] == 5 && $0.first == nil } ?? false
        }
        try await eventually("all is there") { queue.status.incarnations.last?.received["central"] == 3 }
        await central.ledger.goBack(to: 2)
        try await fill(1, in: queue)
        try await eventually("the hole is declared") { await central.ledger.lines(of: old).count == 5 }
        let lines = await central.ledger.lines(of: old)
        #expect(lines[..<2].allSatisfy { !$0.isEmpty } && lines[2...].allSatisfy { $0.isEmpty })
      }
    }
    await queue.close()
  }

  @Test(.timeLimit(minutes: 5))
  func `another history at the central costs no event: both are kept, and a new incarnation begins`() async throws {
    try await fill(30)
    let old = queue.status.incarnation
    let theirs = Chain(incarnation: old, count: 20, salt: "another PC")
    await central.ledger.fill(with: theirs)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("a new incarnation began") { queue.status.incarnation != old }
        try await fill(5, "after")
        let new = queue.status.incarnation
        try await eventually("the new one is delivered") { await central.ledger.lines(of: new).count == 5 }
        #expect(await central.ledger.lines(of: old) == theirs.lines)
        #expect(await central.ledger.conflicts == Set(try await lines(of: old)))
        #expect(forwarder.status.conflicts == 1)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a central that has more than a queue that was put back begins a new incarnation`() async throws {
    try await fill(4)
    let old = queue.status.incarnation
    await central.ledger.fill(with: Chain(incarnation: old, count: 20, salt: "before the restore"))
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("the branch is kept") { await central.ledger.conflicts.count == 4 }
        #expect(queue.status.incarnation != old)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a refused token is shown, and a new one in the file is taken up`() async throws {
    try await fill(5)
    await central.ask(for: BearerToken("the-right-token-of-all"))
    let file = try folder.write("central.token", "a-wrong-token-of-all\n")
    try await serving(central.router) { url in
      let forwarder = forwarder(url, tokenFile: file)
      try await beside({ await forwarder.run() }) {
        try await eventually("it is refused") { forwarder.status.state == .refused }
        #expect(received() ?? 0 == 0)
        try folder.write("central.token", "the-right-token-of-all\n")
        try await eventually("all is there") { received() == 5 }
        #expect(await central.refusals >= 1)
      }
    }
  }

  @Test(.timeLimit(minutes: 5), arguments: [400, 409, 413, 415, 422, 451, 500])
  func `an event that the central hates is held while the rest goes on, and arrives once it is taken`(_ status: Int)
    async throws
  {
    try await fill(40)
    try await fill(1, "hated")
    try await fill(30)
    await central.hate("hated", status: status)
    let incarnation = queue.status.incarnation
    let hated = EventID(incarnation: incarnation, sequence: 41)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("the rest is there") { received() == 71 }
        #expect(queue.status.held.map(\.id) == [hated])
        #expect(queue.status.held.first?.why.contains("\(status)") == true)
        let there = await central.ledger.lines(of: incarnation)
        #expect(there.indices.filter { ChainHash.heldDigest(there[$0]) != nil } == [40])
        try await fill(3)
        try await eventually("what comes later is there") { received() == 74 }
        try await eventually("it is sent again") { queue.status.held.first?.resent ?? 0 >= 2 }
        await central.hate(nil)
        try await eventually("it is held no longer") { queue.status.held.isEmpty }
        #expect(await central.ledger.lines(of: incarnation) == (try await lines(of: incarnation)))
      }
    }
  }

  @Test(.timeLimit(minutes: 5), arguments: [401, 403, 404, 405, 407, 408, 421, 426, 429, 503])
  func `credentials, address and time are no matter of the event: nothing is held`(_ status: Int) async throws {
    try await fill(10)
    await central.hate("press-1", status: status)
    try await serving(central.router) { url in
      let forwarder = forwarder(url)
      try await beside({ await forwarder.run() }) {
        try await eventually("it is refused again and again") {
          forwarder.status.faults.values.reduce(0, +) > 15
        }
        #expect(queue.status.held.isEmpty && received() ?? 0 == 0)
        #expect([.refused, .away].contains(forwarder.status.state))
        await central.hate(nil)
        try await eventually("all is there") { received() == 10 }
        #expect(queue.status.held.isEmpty)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `the last act sends what is left and ends`() async throws {
    try await fill(77)
    try await serving(central.router) { url in
      await forwarder(url).drain(within: .seconds(20))
      #expect(received() == 77)
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `the last act ends soon where the central is away`() async throws {
    try await fill(1)
    await forwarder("http://127.0.0.1:9").drain(within: .seconds(30))
    #expect(received() ?? 0 == 0)
  }
}
