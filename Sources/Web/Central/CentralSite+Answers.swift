import Events
import Foundation
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Store

extension CentralSite {
  /// `GET /v1/units/ID`.
  func unit(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = Self.id(context)
    let found = try await store.unit(id, exactly: request.query("exact") == "true")
    return Response(json: try Self.one(found, Node(.unit, id)).json)
  }

  /// `GET /v1/lots/ID`.
  func lot(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = Self.id(context)
    let found = try await store.lot(id, exactly: request.query("exact") == "true")
    return Response(json: try Self.one(found, Node(.lot, id)).json)
  }

  /// `GET /v1/trace?from=unit:ID&direction=backward|forward`.
  func trace(_ request: Request) async throws -> Response {
    guard let node = request.query("from").flatMap({ Node($0) }) else {
      throw WebProblem(.badRequest, "Ask with from=unit:ID or from=lot:ID.")
    }
    guard let direction = TraceRecord.Direction(rawValue: request.query("direction") ?? "backward") else {
      throw WebProblem(.badRequest, "direction is backward or forward.")
    }
    let found = try await store.trace(from: node, direction, exactly: request.query("exact") == "true")
    return Response(json: try Self.one(found, node).json)
  }

  /// `GET /v1/search?q=`.
  func search(_ request: Request) async throws -> Response {
    guard let text = request.query("q"), !text.isEmpty else {
      throw WebProblem(.badRequest, "Ask with q=, a part of an identifier.")
    }
    let page = try await store.search(text, after: request.query("cursor"), limit: try Self.limit(request))
    return Self.list(page) { $1.write(to: &$0) }
  }

  /// `GET /v1/gaps?state=…&station=…&kind=…&source=…`.
  func gaps(_ request: Request) async throws -> Response {
    let filter = GapFilter(
      state: request.query("state"), station: request.query("station"), kind: request.query("kind"),
      source: request.query("source"))
    let page = try await store.gaps(filter, after: request.query("cursor"), limit: try Self.limit(request))
    return Self.list(page) { $1.write(to: &$0) }
  }

  /// `GET /v1/events`: as items, or as the lines themselves, which can be verified; `newest=true` turns their order.
  func events(_ request: Request) async throws -> Response {
    let filter = EventFilter(
      type: request.query("type"), source: request.query("source"), station: request.query("station"),
      from: try Self.time("from", request), to: try Self.time("to", request),
      isNewestFirst: request.query("newest") == "true")
    let page = try await store.events(filter, after: request.query("cursor"), limit: try Self.limit(request))
    guard request.asks(for: "application/x-ndjson") else { return Self.list(page) { $0.raw($1) } }
    var response = Response(bytes: page.items.flatMap { $0 + [0x0A] }, type: "application/x-ndjson")
    if let next = page.next, let name = HTTPField.Name("Lotline-Next") { response.headers[name] = next }
    return response
  }

  static func id(_ context: BasicRequestContext) -> String {
    context.parameters.get("id").map { $0.removingPercentEncoding ?? $0 } ?? ""
  }

  /// The record, or the problem that says why there is not exactly one.
  static func one<Record>(_ found: Lookup<Record>, _ node: Node) throws(WebProblem) -> Record {
    switch found {
    case .found(let record): return record
    case .several(let candidates):
      throw WebProblem(
        .conflict, "\"\(node.id)\" fits \(candidates.count) identifiers: ask for one of the candidates.",
        fields: [
          .init("kind", .string("ambiguous")), .init("candidates", .array(candidates.map { .string($0) })),
        ])
    case .unknown:
      throw WebProblem(.notFound, "No event names a \(node.kind.rawValue) \"\(node.id.prefix(200))\".")
    }
  }

  private static func list<Item>(
    _ page: Store.Page<Item>, _ write: (inout JSONWriter, Item) -> Void
  ) -> Response {
    Response { writer in
      writer.list("items", page.items, write)
      writer.field("next", page.next)
    }
  }

  private static func limit(_ request: Request) throws(WebProblem) -> Int {
    Int(try request.number("limit", in: 1...1000) ?? 100)
  }

  private static func time(_ name: String, _ request: Request) throws(WebProblem) -> Timestamp? {
    guard let text = request.query(name) else { return nil }
    guard let time = Timestamp(text) else {
      throw WebProblem(.badRequest, "\(name) is a time such as 2026-11-23T08:31:02.123456Z.")
    }
    return time
  }
}
