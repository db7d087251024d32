import Compression
import Events
import Forward
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdTesting
import Logging
import NIOCore
import Store
import TestParts
import Testing

@testable import Web

@Suite(.timeLimit(minutes: 5))
struct CentralHTTPTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func withSite(
    readers: [BearerToken] = [], token: BearerToken? = nil,
    _ test: @escaping @Sendable (any TestClientProtocol, TraceStore) async throws -> Void
  ) async throws {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let rules = TraceRules(routes: ["P9": [RouteStep(stations: ["ST10"]), RouteStep(stations: ["ST20"])]])
    let store = try await TraceStore.open(path: folder.file("central.db"), rules: rules, logger: logger)
    let site = CentralSite(
      store: store, sources: [.init(name: line().source, token: token)], readers: readers, version: "test",
      logger: logger)
    try await Application(router: site.router()).test(.router) { try await test($0, store) }
    try store.close()
  }

  /// One unit at ST10, and a chain with it.
  private func line() -> FakeEdge {
    var edge = FakeEdge(seed: 1)
    edge.config("ST10", "ST20")
    let coil = edge.set("materials.coil", "C-55", at: "ST10")
    let lot = edge.set("lot", "L2311", at: "ST10")
    let person = edge.set("operator", "E1023", at: "ST10")
    let unit = edge.set("unit", "SN0042", at: "ST10")
    edge.cycle(
      at: "ST10",
      [
        "unit": ("SN0042", unit), "lot": ("L2311", lot), "operator": ("E1023", person),
        "materials.coil": ("C-55", coil),
      ])
    return edge
  }

  private func headers(_ batch: Batch) -> HTTPFields {
    var fields = HTTPFields()
    for header in batch.headers { fields[HTTPField.Name(header.name)!] = header.value }
    return fields
  }

  private func post(_ client: any TestClientProtocol, _ batch: Batch, _ source: SourceName, token: String? = nil)
    async throws -> TestResponse
  {
    var fields = headers(batch)
    if let token { fields[.authorization] = token }
    return try await client.execute(
      uri: "/v1/sources/\(source)/events", method: .post, headers: fields, body: ByteBuffer(bytes: batch.body))
  }

  private func json(_ response: TestResponse) -> JSON? { JSON(Array(response.body.readableBytesView)) }

  @Test func `a batch is answered with the receipt, and asked again with the same`() async throws {
    try await withSite { client, _ in
      let edge = line()
      for _ in 0..<2 {
        let response = try await post(client, edge.batch(), edge.source)
        #expect(response.status == .ok)
        let receipt = Receipt(json: response.body.readableBytesView)
        #expect(receipt?.receivedThrough == edge.last && receipt?.head == edge.head)
      }
      let asked = try await client.execute(
        uri: "/v1/sources/\(edge.source)?incarnation=\(edge.incarnation)", method: .get)
      #expect(Receipt(json: asked.body.readableBytesView)?.receivedThrough == edge.last)
    }
  }

  @Test func `a packed batch is taken, and a bomb, a cut one and another coding are not`() async throws {
    try await withSite { client, store in
      let edge = line()
      let path = "/v1/sources/\(edge.source)/events"
      func send(_ body: [UInt8], _ coding: String) async throws -> TestResponse {
        var fields = headers(edge.batch())
        fields[.contentEncoding] = coding
        return try await client.execute(uri: path, method: .post, headers: fields, body: ByteBuffer(bytes: body))
      }
      let packed = Gzip.deflate(edge.batch().body)
      let bomb = Gzip.deflate([UInt8](repeating: 0x20, count: 9 << 20))
      #expect(bomb.count < 100_000)
      let refused: [([UInt8], String, HTTPResponse.Status)] = [
        (bomb, "gzip", .contentTooLarge), (Array(packed.dropLast(3)), "gzip", .badRequest),
        (packed + [7], "gzip", .badRequest), (edge.batch().body, "gzip", .badRequest),
        (packed, "zstd", .unsupportedMediaType), (packed, "identity", .badRequest),
      ]
      for (body, coding, status) in refused {
        let answer = try await send(body, coding)
        #expect(answer.status == status && json(answer)?["detail"]?.text != nil, "\(coding) of \(body.count) bytes")
        if status == .unsupportedMediaType { #expect(answer.headers[.acceptEncoding] == "gzip") }
      }
      #expect(try await store.position(of: edge.source, incarnation: edge.incarnation).receivedThrough == 0)
      let answer = try await send(packed, "gzip")
      #expect(answer.status == .ok && json(answer)?["head"]?.text == edge.head.description)
    }
  }

  @Test func `a hole and a conflict are 409 with kind, position and the receipt`() async throws {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(1...2), edge.source)
      let hole = try await post(client, edge.batch(5...6), edge.source)
      #expect(hole.status == .conflict && hole.headers[.contentType] == "application/problem+json")
      #expect(json(hole)?["kind"]?.text == "hole" && json(hole)?["position"]?.whole == 3)
      #expect(json(hole)?["received_through"]?.whole == 2)
      var clone = FakeEdge(seed: 1)
      clone.add(StoppedData(why: "another life"), subject: "ST10")
      let conflict = try await post(client, clone.batch(), edge.source)
      #expect(conflict.status == .conflict)
      #expect(json(conflict)?["kind"]?.text == "conflict" && json(conflict)?["position"]?.whole == 1)
    }
  }

  @Test func `what a conflict left beside the record can be read, by programs and on a page the gap leads to`()
    async throws
  {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(1...2), edge.source)
      func page(_ path: String) async throws -> JSON {
        let response = try await client.execute(uri: path, method: .get)
        #expect(response.status == .ok)
        return try #require(json(response))
      }
      func text(_ path: String) async throws -> String {
        String(buffer: try await client.execute(uri: path, method: .get).body)
      }
      #expect(try await page("/v1/conflicts")["items"]?.items?.isEmpty == true)
      #expect(try await text("/conflicts").contains("No line stands beside the record"))
      var clone = FakeEdge(seed: 1)
      clone.add(StoppedData(why: "another life"), subject: "ST10")
      clone.add(StoppedData(why: "and on"), subject: "ST20")
      _ = try await post(client, clone.batch(), edge.source)

      let first = try await page("/v1/conflicts?limit=1&incarnation=\(edge.incarnation)&source=\(edge.source)")
      let kept = try #require(first["items"]?.items?.first)
      #expect(kept["sequence"]?.whole == 1 && kept["source"]?.text == edge.source.description)
      #expect(kept["event"] == JSON(clone.lines[0]))
      let next = try #require(first["next"]?.text)
      let second = try await page("/v1/conflicts?limit=1&cursor=\(next)")
      #expect(second["items"]?.items?.first?["hash"]?.text == clone.head.description)
      #expect(second["items"]?.items?.count == 1 && second["next"] == nil)
      for other in ["source=another.line", "incarnation=\(String(repeating: "0", count: 32))"] {
        #expect(try await page("/v1/conflicts?\(other)")["items"]?.items?.isEmpty == true)
      }
      let link = "/conflicts?incarnation=\(edge.incarnation)&amp;source=\(edge.source)"
      #expect(try await text("/gaps").contains("href=\"\(link)\""))
      let shown = try await text(link.replacing("&amp;", with: "&"))
      #expect(shown.contains("another life") && shown.contains("Event 2"))
    }
  }

  @Test func `what is malformed, too large, or of an unknown source is refused with a sentence`() async throws {
    try await withSite { client, _ in
      let edge = line()
      let unknown = try await post(client, edge.batch(), SourceName("somebody.else")!)
      #expect(unknown.status == .notFound && json(unknown)?["detail"]?.text?.contains("central.yaml") == true)
      let bare = try await client.execute(uri: "/v1/sources/\(edge.source)/events", method: .post)
      #expect(bare.status == .badRequest)
      let large = try await client.execute(
        uri: "/v1/sources/\(edge.source)/events", method: .post, headers: headers(edge.batch()),
        body: ByteBuffer(repeating: 0x0A, count: (8 << 20) + 1))
      #expect(large.status == .contentTooLarge)
    }
  }

  @Test func `a source needs its own token, and reading a reader's`() async throws {
    let token = BearerToken("source-token-0123456789")!
    let reader = BearerToken("reader-token-0123456789")!
    try await withSite(readers: [reader], token: token) { client, _ in
      let edge = line()
      #expect(try await post(client, edge.batch(), edge.source).status == .unauthorized)
      #expect(
        try await post(client, edge.batch(), edge.source, token: reader.authorization).status == .unauthorized)
      #expect(try await post(client, edge.batch(), edge.source, token: token.authorization).status == .ok)
      for path in ["/", "/v1/units/SN0042", "/gaps", "/metrics", "/v1/sources"] {
        #expect(try await client.execute(uri: path, method: .get).status == .unauthorized)
        let shown = try await client.execute(
          uri: path, method: .get, headers: [.authorization: reader.authorization])
        #expect(shown.status == .ok)
      }
      #expect(try await client.execute(uri: "/healthz", method: .get).status == .ok)
    }
  }

  @Test func `a unit's record has the shape that other programs rely on`() async throws {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(), edge.source)
      let response = try await client.execute(uri: "/v1/units/SN0042", method: .get)
      let unit = try #require(json(response))
      #expect(unit["unit"]?.text == "SN0042" && unit["product"]?.text == "P9" && unit["complete"]?.flag == false)
      #expect(unit["state"]?.text == "in-work")
      let cycle = try #require(unit["cycles"]?.items?.first)
      #expect(cycle["station"]?.text == "ST10" && cycle["operator"]?.text == "E1023" && cycle["lot"]?.text == "L2311")
      #expect(cycle["attempt"]?.whole == 1 && cycle["result"]?.text == "pass" && cycle["time"]?.time != nil)
      #expect(cycle["tags"]?["peak-force"]?.number == 101.5 && cycle["outside"]?.items?.isEmpty == true)
      #expect(cycle["event"]?["id"]?.text == "\(edge.incarnation):\(edge.last)")
      let link = try #require(unit["links"]?.items?.first { $0["role"]?.text == "coil" })
      #expect(link["kind"]?.text == "lot" && link["id"]?.text == "C-55" && link["evidence"]?.text == "loaded")
      #expect(link["certainty"]?.text == "certain" && link["station"]?.text == "ST10")
      #expect(unit["gaps"]?.items?.isEmpty == true)
      #expect(try await client.execute(uri: "/v1/units/SN9999", method: .get).status == .notFound)
      let lot = json(try await client.execute(uri: "/v1/lots/C-55", method: .get))
      #expect(lot?["consumed"]?["units"]?.whole == 1 && lot?["made"]?["units"]?.whole == 0)
    }
  }

  @Test func `a trace, a search, gaps and sources have their shapes`() async throws {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(), edge.source)
      let trace = json(
        try await client.execute(uri: "/v1/trace?from=unit:SN0042&direction=backward", method: .get))
      #expect(trace?["from"]?["kind"]?.text == "unit" && trace?["truncated"]?.flag == false)
      #expect(trace?["certain"]?.items?.compactMap { $0["id"]?.text }.sorted() == ["C-55", "L2311"])
      #expect(trace?["possible"]?.items?.isEmpty == true && trace?["unknown"]?.items?.isEmpty == true)
      let search = json(try await client.execute(uri: "/v1/search?q=sn00", method: .get))
      #expect(search?["items"]?.items?.first?["id"]?.text == "SN0042")
      let sources = json(try await client.execute(uri: "/v1/sources", method: .get))
      #expect(sources?["items"]?.items?.first?["source"]?.text == edge.source.description)
      #expect(try await client.execute(uri: "/v1/trace?from=thing:1", method: .get).status == .badRequest)
      #expect(try await client.execute(uri: "/v1/gaps?limit=0", method: .get).status == .badRequest)
    }
  }

  @Test func `events page by cursor, and as lines they verify`() async throws {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(), edge.source)
      var lines: [[UInt8]] = []
      var path: String? = "/v1/events?limit=4"
      while let asked = path {
        let response = try await client.execute(
          uri: asked, method: .get, headers: [.accept: "application/x-ndjson"])
        lines += Array(response.body.readableBytesView).split(separator: 0x0A).map { Array($0) }
        path = response.headers[HTTPField.Name("Lotline-Next")!].map { "/v1/events?limit=4&cursor=\($0)" }
      }
      #expect(lines == edge.lines)
      #expect(lines.reduce(ChainHash.zero) { $0.extended(by: $1) } == edge.head)
      let cycles = json(try await client.execute(uri: "/v1/events?type=lotline.cycle&station=ST10", method: .get))
      #expect(cycles?["items"]?.items?.count == 1 && cycles?["next"] == nil)
    }
  }

  @Test func `an identifier with a scope and odd characters is found by its path`() async throws {
    try await withSite { client, _ in
      var edge = FakeEdge(seed: 1)
      let id = Identifier(code: "A/B%~ 7<script>", scope: "gtin:1").description
      let unit = edge.set("unit", id, at: "ST10")
      edge.cycle(at: "ST10", ["unit": (id, unit)])
      _ = try await post(client, edge.batch(), edge.source)
      let path = CentralWords.path(id)
      let response = try await client.execute(uri: "/v1/units/\(path)", method: .get)
      #expect(json(response)?["unit"]?.text == id)
      let page = try await client.execute(uri: "/unit/\(path)", method: .get)
      #expect(page.status == .ok && !String(buffer: page.body).contains("<script>"))
    }
  }

  @Test func `a known path asked with another method says which are allowed`() async throws {
    try await withSite { client, _ in
      for (method, path, allowed) in [
        (HTTPRequest.Method.post, "/v1/gaps", "GET, HEAD"), (.get, "/v1/sources/a/events", "POST"),
        (.delete, "/v1/units/SN1", "GET, HEAD"), (.put, "/", "GET, HEAD"),
      ] {
        let answer = try await client.execute(uri: path, method: method)
        #expect(answer.status == .methodNotAllowed && answer.headers[.allow] == allowed, "\(method) \(path)")
        #expect(json(answer)?["detail"]?.text?.hasSuffix("but with \(allowed).") == true)
      }
      #expect(try await client.execute(uri: "/v1/nothing", method: .post).status == .notFound)
      #expect(try await client.execute(uri: "/gaps", method: .head).status == .ok)
    }
  }

  @Test func `every page allows nothing from elsewhere and needs no script`() async throws {
    try await withSite { client, _ in
      let edge = line()
      _ = try await post(client, edge.batch(), edge.source)
      for path in ["/", "/unit/SN0042", "/lot/C-55", "/gaps", "/search?q=S"] {
        let page = try await client.execute(uri: path, method: .get)
        #expect(page.status == .ok)
        #expect(page.headers[.contentSecurityPolicy]?.contains("default-src 'none'") == true)
        #expect(!String(buffer: page.body).contains("<script"))
      }
      let exact = try await client.execute(uri: "/search?q=SN0042", method: .get)
      #expect(exact.status == .seeOther && exact.headers[.location] == "/unit/SN0042")
    }
  }
}
