import Events
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOConcurrencyHelpers
import NIOCore
import Store
import TestParts
import Testing

@testable import Web

/// What the central's lists are asked with, what an export holds, and what is logged of refusals.
@Suite(.timeLimit(minutes: 5))
struct CentralListTests {
  let folder: ScratchFolder
  private let log = NIOLockedValueBox<[String]>([])

  init() throws { folder = try ScratchFolder() }

  /// Keeps what is logged.
  private struct Keeping: LogHandler {
    let lines: NIOLockedValueBox<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.info
    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
      get { metadata[key] }
      set { metadata[key] = newValue }
    }
    func log(event: LogEvent) { lines.withLockedValue { $0.append("\(event.level) \(event.message)") } }
  }

  private func withSite(
    _ edge: FakeEdge, _ framework: TestingSetup = .router,
    _ test: @escaping @Sendable (any TestClientProtocol) async throws -> Void
  ) async throws {
    let lines = log
    let logger = Logger(label: "test") { _ in Keeping(lines: lines) }
    let store = try await TraceStore.open(path: folder.file("central.db"), rules: TraceRules(), logger: logger)
    let site = CentralSite(
      store: store, sources: [.init(name: edge.source, token: nil)], version: "test", logger: logger)
    try await Application(router: site.router()).test(framework) { try await test($0) }
    try store.close()
  }

  private func edge(_ count: Int = 6) -> FakeEdge {
    var edge = FakeEdge(seed: 1)
    for _ in 0..<count { edge.add(StoppedData(why: "test"), subject: "ST10") }
    return edge
  }

  private func post(_ client: any TestClientProtocol, _ batch: Batch, _ source: SourceName) async throws -> TestResponse
  {
    var fields = HTTPFields()
    for header in batch.headers { fields[HTTPField.Name(header.name)!] = header.value }
    return try await client.execute(
      uri: "/v1/sources/\(source)/events", method: .post, headers: fields, body: ByteBuffer(bytes: batch.body))
  }

  private func detail(_ response: TestResponse) -> String {
    JSON(Array(response.body.readableBytesView))?["detail"]?.text ?? ""
  }

  @Test func `what a list cannot read is a 400 with what was found and what is allowed`() async throws {
    let none = String(repeating: "0", count: 32)
    let asked = [
      ("events?cursor=0", "cursor=0 is none that this list gave"), ("gaps?cursor=zz", "cursor=zz"),
      ("search?q=S&cursor=41", "cursor=41"), ("gaps?state=shut", "state=shut is no state of a gap: open, pending"),
      ("gaps?kind=hole", "kind=hole is no kind of gap: device-offline"),
      ("gaps?limit=many", "limit=many is not a whole number from 1 to 1000"),
      ("search?q=S&limit=0", "limit=0 is not a whole number from 1 to 1000"),
      ("events?limit=1001", "limit=1001 is not a whole number from 1 to 1000"),
      ("events?from=yesterday", "from=yesterday is not a time of the form 2026-11-23T08:31:02.123456Z"),
      ("events?to=2026-11-23", "to=2026-11-23 is not a time of the form"),
      ("events?newest=yes", "newest=yes is neither true nor false"),
      ("search?q=S&exact=1", "exact=1 is neither true nor false"),
      ("units/SN1?exact=ja", "exact=ja is neither true nor false"),
      ("trace?from=unit:1&direction=up", "direction=up is neither backward nor forward"),
      ("conflicts?cursor=41", "cursor=41 is none that this list gave"),
      ("conflicts?incarnation=abc", "incarnation=abc is not 32 hexadecimal digits"),
      ("events?incarnation=abc", "incarnation=abc is not 32 hexadecimal digits"),
      ("events?incarnation=\(none)&type=lotline.cycle", "it goes without type="),
    ]
    try await withSite(edge()) { client in
      for (path, said) in asked {
        let response = try await client.execute(uri: "/v1/\(path)", method: .get)
        #expect(response.status == .badRequest && response.headers[.contentType] == "application/problem+json")
        #expect(detail(response).contains(said), "\(path): \(detail(response))")
      }
    }
  }

  @Test func `a line that is not UTF-8 is a 400 that names the event, and nothing of the batch is stored`()
    async throws
  {
    var broken = FakeEdge(seed: 1)
    broken.add(StoppedData(why: "good"), subject: "ST10")
    broken.add(line: broken.lines[0].map { $0 == UInt8(ascii: "g") ? 0xFF : $0 })
    let edge = broken
    try await withSite(edge) { client in
      let response = try await post(client, edge.batch(), edge.source)
      #expect(response.status == .badRequest && detail(response).contains("event 2: its line is not valid UTF-8"))
      let events = try await client.execute(uri: "/v1/events", method: .get)
      #expect(JSON(Array(events.body.readableBytesView))?["items"]?.items?.isEmpty == true)
    }
  }

  @Test func `a pusher that tries for ever is told of in the log once, not for ever`() async throws {
    let edge = edge()
    var clone = self.edge(2)
    clone.add(StoppedData(why: "another life"), subject: "ST10")
    let branch = clone
    try await withSite(edge) { client in
      _ = try await post(client, edge.batch(), edge.source)
      for _ in 0..<20 {
        #expect(try await post(client, branch.batch(), edge.source).status == .conflict)
        var lines = edge.lines
        lines[0].removeLast()
        let cut = Batch(incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.head, lines: lines)
        #expect(try await post(client, cut, edge.source).status == .badRequest)
        #expect(try await post(client, edge.batch(), edge.source).status == .ok)
      }
    }
    let told = log.withLockedValue { $0 }.filter { $0.contains("number 3") || $0.contains("refused") }
    #expect(told.count == 2, "\(told)")
    #expect(told.contains { $0.hasPrefix("error other bytes came under the number 3") })
    #expect(told.contains { $0.hasPrefix("warning a batch was refused: event 1") })
  }

  @Test func `refusals are told on change, then once in ten minutes with their number`() throws {
    var log = RefusalLog()
    let source = try #require(SourceName("pc1"))
    let start = ContinuousClock.now
    func tells(_ words: String, _ seconds: Int) -> String? {
      log.tells(words, of: source, at: start + .seconds(seconds))
    }
    #expect(tells("a", 0) == "" && tells("a", 1) == nil && tells("b", 2) == "" && tells("a", 3) == nil)
    for number in 0..<50 { _ = tells("c\(number)", 4) }
    #expect(tells("d", 599) == nil)
    #expect(tells("a", 600) == "; batches were refused 50 times more since the last line about it")
    #expect(tells("a", 601) == nil)
    #expect(log.tells("a", of: try #require(SourceName("pc2")), at: start) == "")
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3")))
  func `a foreign verifier follows an export with held lines, over HTTP and from a file`() async throws {
    let edge = edge(30)
    try await withSite(edge, .live) { client in
      var lines = edge.lines
      for index in [0, 4, 11, 12] { lines[index] = Array("#\(hex(ChainHash.digest(of: lines[index])))".utf8) }
      let batch = Batch(
        incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.hash(20), lines: Array(lines[..<20]))
      #expect(try await post(client, batch, edge.source).status == .ok)
      #expect(try await post(client, edge.batch(25...30, lost: 21...24), edge.source).status == .ok)
      #expect(try await post(client, edge.batch(5...5), edge.source).status == .ok)
      let port = try #require(client.port)
      let path = "/v1/events?incarnation=\(edge.incarnation)&limit=7"
      let live = try await program("/usr/bin/python3", [chainVerifier, "http://localhost:\(port)\(path)"])
      #expect(live.status == 0 && live.output.contains("\"events\": 26"), "\(live.output)")
      #expect(live.output.contains(edge.head.description))

      let export = try await client.execute(
        uri: "/v1/events?source=\(edge.source)&limit=100", method: .get, headers: [.accept: "application/x-ndjson"])
      #expect(String(buffer: export.body).split(separator: "\n").count { $0.hasPrefix("#") } == 3)
      let whole = try await client.execute(
        uri: "/v1/events?incarnation=\(edge.incarnation)&limit=20", method: .get,
        headers: [.accept: "application/x-ndjson"])
      let file = try folder.write("export.ndjson", String(buffer: whole.body))
      #expect(
        try await program("/usr/bin/python3", [chainVerifier, file, "--head", edge.hash(20).description]).status == 0)
      try folder.write(
        "export.ndjson", String(buffer: whole.body).replacing("\"why\":\"test\"", with: "\"why\":\"best\""))
      #expect(
        try await program("/usr/bin/python3", [chainVerifier, file, "--head", edge.hash(20).description]).status == 1)
      let items = try await client.execute(uri: "/v1/events?limit=100", method: .get)
      #expect(JSON(Array(items.body.readableBytesView))?["items"]?.items?.count == 23)
    }
  }

  @Test func `more identifiers of one code than are named are told, and listed page by page`() async throws {
    var many = FakeEdge(seed: 1)
    for number in 1...60 { many.set("unit", "gtin:\(number)~SN1", at: "ST10") }
    let edge = many
    try await withSite(edge) { client in
      _ = try await post(client, edge.batch(), edge.source)
      let several = try await client.execute(uri: "/v1/units/SN1", method: .get)
      let problem = JSON(Array(several.body.readableBytesView))
      #expect(several.status == .conflict && problem?["candidates"]?.items?.count == 50)
      #expect(problem?["truncated"]?.flag == true && detail(several).contains("/v1/search?exact=true&q="))
      var found = 0
      var path: String? = "/v1/search?exact=true&q=SN1&limit=25"
      while let asked = path {
        let page = JSON(Array(try await client.execute(uri: asked, method: .get).body.readableBytesView))
        found += page?["items"]?.items?.count ?? 0
        path = page?["next"]?.text.map { "/v1/search?exact=true&q=SN1&limit=25&cursor=\($0)" }
      }
      #expect(found == 60)
    }
  }

  @Test func `list, page and metrics say how many events a line PC has still to send, once it said so`() async throws {
    let edge = edge(6)
    try await withSite(edge) { client in
      func behind() async throws -> Int64? {
        let list = JSON(Array(try await client.execute(uri: "/v1/sources", method: .get).body.readableBytesView))
        return list?["items"]?.items?.first?["behind"]?.whole
      }
      func says(_ path: String, _ text: String) async throws -> Bool {
        String(buffer: try await client.execute(uri: path, method: .get).body).contains(text)
      }
      _ = try await post(client, edge.batch(1...2), edge.source)
      #expect(try await behind() == nil)
      for (numbers, left) in [(3...4 as ClosedRange<UInt64>, 2_000_002), (5...6, 0)] as [(ClosedRange<UInt64>, UInt64)]
      {
        var batch = edge.batch(numbers)
        batch.waiting = left
        #expect(try await post(client, batch, edge.source).status == .ok)
        #expect(try await behind() == Int64(left))
        #expect(try await says("/", "2000002 more wait there") == (left > 0))
        let sample = "lotline_central_source_behind_events{source=\"\(edge.source)\"} \(left)\n"
        #expect(try await says("/metrics", sample))
      }
    }
  }
}
