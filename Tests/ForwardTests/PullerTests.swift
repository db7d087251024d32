import Events
import Hummingbird
import HummingbirdCore
import NIOCore
import TestParts
import Testing

@testable import Forward

/// The central's side: a line PC that does not push is asked, and answers in all the ways that can be.
struct PullerTests {
  /// A line PC whose queue is a list of chains; the last is the current incarnation.
  private actor Edge {
    var chains: [Chain]
    var received: [Incarnation: UInt64] = [:]
    /// The next questions for events are answered with HTML.
    var portals = 0

    init(_ chains: [Chain]) { self.chains = chains }

    func add(_ chain: Chain) { chains.append(chain) }
    func interpose(_ count: Int) { portals = count }

    func status(_ source: SourceName) -> String {
      let lives = chains.map { chain in
        #"{"incarnation":"\#(chain.incarnation)","last":\#(chain.lines.count),"#
          + #""received":{"central":\#(received[chain.incarnation] ?? 0)}}"#
      }
      return #"{"source":"\#(source)","incarnations":[\#(lives.joined(separator: ","))]}"#
    }

    func batch(_ incarnation: Incarnation, after: UInt64) -> Batch? {
      if portals > 0 {
        portals -= 1
        return nil
      }
      return chains.first { $0.incarnation == incarnation }?.batch(after: after, limit: 7)
    }

    /// Nil: agreed.
    func record(_ receipt: Receipt) -> String? {
      guard let chain = chains.first(where: { $0.incarnation == receipt.incarnation }) else { return "unknown" }
      guard receipt.receivedThrough <= chain.lines.count, chain.hashes[Int(receipt.receivedThrough)] == receipt.head
      else {
        if chain.incarnation == chains.last?.incarnation { chains.append(Chain(count: 3, salt: "new")) }
        return "another history"
      }
      received[receipt.incarnation] = receipt.receivedThrough
      return nil
    }

    nonisolated func router(_ source: SourceName) -> Router<BasicRequestContext> {
      let router = Router()
      router.get("v1/status") { _, _ in await self.status(source) }
      router.get("v1/events") { request, _ in
        let query = request.uri.queryParameters
        let incarnation = Incarnation(String(query["incarnation"] ?? "")) ?? .random()
        guard let batch = await self.batch(incarnation, after: UInt64(query["after"] ?? "0") ?? 0) else {
          return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "<html>")))
        }
        var response = Response(status: .ok, body: .init(byteBuffer: ByteBuffer(bytes: batch.body)))
        for (name, value) in batch.headers { response.headers[.init(name)!] = value }
        return response
      }
      router.put("v1/consumers/central") { request, _ in
        let body = try await request.body.collect(upTo: 1 << 16)
        guard let receipt = Receipt(json: body.readableBytesView) else { return Response(status: .badRequest) }
        let dispute = await self.record(receipt)
        return Response(status: dispute == nil ? .ok : .conflict)
      }
      return router
    }
  }

  private let source = SourceName("plant1.line3.pc1")!
  private let ledger = Ledger()

  private func puller(_ url: String) -> Puller {
    let ledger = ledger
    var puller = Puller(
      source: source, settings: ForwardSettings(url: url),
      intake: Intake(
        position: { await ledger.receipt($0, $1) }, heard: { await ledger.hear($0) },
        take: { try await ledger.take($0, $1) }), logger: quiet)
    puller.limits.leastPause = .milliseconds(10)
    puller.limits.longestPause = .milliseconds(40)
    puller.limits.idleWait = .milliseconds(20)
    return puller
  }

  @Test(.timeLimit(minutes: 5))
  func `a line PC without events is heard again and again, and one that is away is not`() async throws {
    let edge = Edge([Chain(count: 0)])
    let ledger = ledger
    try await serving(edge.router(source)) { url in
      let puller = puller(url)
      try await beside({ await puller.run() }) {
        try await eventually("it is heard") { await ledger.heard[self.source, default: 0] > 3 }
      }
    }
    let heard = await ledger.heard[source]
    let away = puller("http://127.0.0.1:1")
    try await beside({ await away.run() }) {
      try await eventually("it was tried") { away.status.faults.values.reduce(0, +) > 3 }
    }
    #expect(await ledger.heard[source] == heard)
  }

  @Test(.timeLimit(minutes: 5))
  func `an old incarnation is fetched whole, then the current one, and the line PC is told`() async throws {
    let (old, current) = (Chain(count: 20), Chain(count: 30))
    let edge = Edge([old, current])
    let ledger = ledger
    try await serving(edge.router(source)) { url in
      let puller = puller(url)
      try await beside({ await puller.run() }) {
        try await eventually("all was fetched") { await ledger.lines(of: current.incarnation).count == 30 }
        #expect(await ledger.lines(of: old.incarnation) == old.lines)
        #expect(await ledger.lines(of: current.incarnation) == current.lines)
        try await eventually("the line PC knows") { await edge.received[current.incarnation] == 30 }
        #expect(await edge.received[old.incarnation] == 20)
        let next = Chain(count: 4)
        await edge.add(next)
        try await eventually("the next incarnation was followed") {
          await ledger.lines(of: next.incarnation).count == 4
        }
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a portal's page is no batch, and the pull goes on when it is gone`() async throws {
    let chain = Chain(count: 9)
    let edge = Edge([chain])
    await edge.interpose(3)
    let ledger = ledger
    try await serving(edge.router(source)) { url in
      let puller = puller(url)
      try await beside({ await puller.run() }) {
        try await eventually("all was fetched") { await ledger.lines(of: chain.incarnation) == chain.lines }
        #expect(puller.status.faults["foreign"] == 3)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `another history of the line PC is kept beside ours, and its new incarnation is followed`() async throws {
    let ours = Chain(count: 12, salt: "ours")
    let theirs = Chain(incarnation: ours.incarnation, count: 12, salt: "theirs")
    await ledger.fill(with: ours)
    let edge = Edge([theirs])
    let ledger = ledger
    try await serving(edge.router(source)) { url in
      let puller = puller(url)
      try await beside({ await puller.run() }) {
        try await eventually("the new incarnation was followed") {
          guard let last = await edge.chains.last, last.incarnation != ours.incarnation else { return false }
          return await ledger.lines(of: last.incarnation) == last.lines
        }
        #expect(await ledger.lines(of: ours.incarnation) == ours.lines)
        #expect(await ledger.conflicts == Set(theirs.lines))
        #expect(puller.status.conflicts >= 1)
      }
    }
  }

  @Test(.timeLimit(minutes: 5))
  func `a line PC of another name is refused by name`() async throws {
    let edge = Edge([Chain(count: 1)])
    try await serving(edge.router(SourceName("plant1.line4.pc1")!)) { url in
      let puller = puller(url)
      try await beside({ await puller.run() }) {
        try await eventually("it is refused") { puller.status.state == .refused }
        #expect(puller.status.reason?.contains("plant1.line4.pc1, not plant1.line3.pc1") == true)
      }
    }
  }
}
