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
    let found = try await store.unit(id, exactly: try request.flag("exact"))
    return Response(json: try Self.one(found, Node(.unit, id)).json)
  }

  /// `GET /v1/lots/ID`.
  func lot(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let id = Self.id(context)
    let found = try await store.lot(id, exactly: try request.flag("exact"))
    return Response(json: try Self.one(found, Node(.lot, id)).json)
  }

  /// `GET /v1/trace?from=unit:ID&direction=backward|forward`.
  func trace(_ request: Request) async throws -> Response {
    guard let node = request.query("from").flatMap({ Node($0) }) else {
      let found = request.query("from").map { "from=\($0.prefix(40)) names no node. " } ?? ""
      throw WebProblem(.badRequest, found + "Ask with from=unit:ID or from=lot:ID.")
    }
    let name = request.query("direction") ?? "backward"
    guard let direction = TraceRecord.Direction(rawValue: name) else {
      throw WebProblem(.badRequest, "direction=\(name.prefix(40)) is neither backward nor forward.")
    }
    let found = try await store.trace(from: node, direction, exactly: try request.flag("exact"))
    return Response(json: try Self.one(found, node).json)
  }

  /// `GET /v1/search?q=`; with `exact=true` only what is this identifier, or has this code.
  func search(_ request: Request) async throws -> Response {
    guard let text = request.query("q"), !text.isEmpty else {
      throw WebProblem(.badRequest, "Ask with q=, a part of an identifier.")
    }
    let page = try await store.search(
      text, exactly: try request.flag("exact"), after: request.query("cursor"), limit: try Self.limit(request))
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

  /// `GET /v1/conflicts?source=…&incarnation=…`: the lines that conflicts have left beside the record.
  func conflicts(_ request: Request) async throws -> Response {
    let page = try await store.keptLines(
      source: request.query("source"), incarnation: try Self.incarnation(request), after: request.query("cursor"),
      limit: try Self.limit(request))
    return Self.list(page) { $1.write(to: &$0) }
  }

  /// `GET /v1/events`: as items, or as the lines themselves, which can be verified; `newest=true` turns their order.
  ///
  /// With `incarnation=` they come in the order of the chain, with the headers of the edge's own export.
  func events(_ request: Request) async throws -> Response {
    if let incarnation = try Self.incarnation(request) { return try await chain(incarnation, request) }
    var filter = EventFilter(
      type: request.query("type"), source: request.query("source"), station: request.query("station"),
      from: try Self.time("from", request), to: try Self.time("to", request),
      isNewestFirst: try request.flag("newest"))
    let isExport = request.asks(for: "application/x-ndjson")
    // A held line is of no type, station or time: without such a filter it stands in its place.
    filter.isHeldIncluded =
      isExport && filter.type == nil && filter.station == nil && filter.from == nil && filter.to == nil
    let (page, times) = try await store.timedEvents(
      filter, after: request.query("cursor"), limit: try Self.limit(request))
    guard isExport else {
      return Response { writer in
        writer.list("items", page.items) { $0.raw($1) }
        // Beside the events, whose bytes stay as they are.
        if !times.isEmpty { writer.list("times", times) { $1.write(to: &$0) } }
        writer.field("next", page.next)
      }
    }
    return Self.export(page.items.flatMap { $0 + [0x0A] }, next: page.next)
  }

  private func chain(_ incarnation: Incarnation, _ request: Request) async throws -> Response {
    for name in ["type", "station", "from", "to", "newest"] where request.query(name) != nil {
      throw WebProblem(.badRequest, "incarnation= gives its whole chain: it goes without \(name)=.")
    }
    let part = try await store.chain(
      of: incarnation, source: request.query("source"), after: request.query("cursor"), limit: try Self.limit(request))
    guard let part else { throw WebProblem(.notFound, "No incarnation \(incarnation) is known here.") }
    guard request.asks(for: "application/x-ndjson") else {
      let events = part.batch.lines.filter { ChainHash.heldDigest($0) == nil }
      return Self.list(Store.Page(items: events, next: part.next)) { $0.raw($1) }
    }
    var response = Self.export(part.batch.body, next: part.next)
    for (name, value) in part.batch.headers {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
    return response
  }

  private static func export(_ lines: [UInt8], next: String?) -> Response {
    var response = Response(bytes: lines, type: "application/x-ndjson")
    if let next, let name = HTTPField.Name("Lotline-Next") { response.headers[name] = next }
    return response
  }

  static func id(_ context: BasicRequestContext) -> String {
    context.parameters.get("id").map { $0.removingPercentEncoding ?? $0 } ?? ""
  }

  /// The record, or the problem that says why there is not exactly one.
  static func one<Record>(_ found: Lookup<Record>, _ node: Node) throws(WebProblem) -> Record {
    switch found {
    case .found(let record): return record
    case .several(let candidates, let isTruncated):
      let more = isTruncated ? "more than " : ""
      let all = isTruncated ? " All of them: /v1/search?exact=true&q=, page by page." : ""
      throw WebProblem(
        .conflict, "\"\(node.id)\" fits \(more)\(candidates.count) identifiers: ask for one of the candidates.\(all)",
        fields: [
          .init("kind", .string("ambiguous")), .init("candidates", .array(candidates.map { .string($0) })),
          .init("truncated", .bool(isTruncated)),
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

  /// Nil where none is asked for.
  static func incarnation(_ request: Request) throws(WebProblem) -> Incarnation? {
    guard let text = request.query("incarnation") else { return nil }
    guard let incarnation = Incarnation(text) else {
      throw WebProblem(.badRequest, "incarnation=\(text.prefix(40)) is not 32 hexadecimal digits in lower case.")
    }
    return incarnation
  }

  private static func time(_ name: String, _ request: Request) throws(WebProblem) -> Timestamp? {
    guard let text = request.query(name) else { return nil }
    guard let time = Timestamp(text) else {
      throw WebProblem(
        .badRequest, "\(name)=\(text.prefix(40)) is not a time of the form 2026-11-23T08:31:02.123456Z.")
    }
    return time
  }
}
