import Events
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
import NIOConcurrencyHelpers
import Store

extension CentralSite {
  /// `GET /v1/sources/SOURCE?incarnation=I`: the receipt as it stands.
  func position(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let source = try admitted(request, context)
    guard let text = request.query("incarnation"), let incarnation = Incarnation(text) else {
      throw WebProblem(.badRequest, "Ask with incarnation=, 32 lower-case hex digits.")
    }
    return Response(json: try await store.position(of: source, incarnation: incarnation).json)
  }

  /// `POST /v1/sources/SOURCE/events`: a batch; the answer is the receipt after its commit.
  func take(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
    let source = try admitted(request, context)
    let body = try await request.unpackedBytes(upTo: Self.bodyLimit)
    let answer: IngestAnswer
    do {
      let batch = try Batch(body: body) { request.header($0) }
      answer = try await store.take(batch, from: source)
    } catch let fault as BatchFault {
      log(.warning, "a batch was refused: \(fault)", source)
      throw WebProblem(.badRequest, "The batch was not taken: \(fault).", fields: [.init("kind", .string("malformed"))])
    }
    switch answer {
    case .receipt(let receipt): return Response(json: receipt.json)
    case .conflict(let position, let receipt):
      log(
        .error,
        "other bytes came under the number \(position) of \(receipt.incarnation): two queues use one name, or one was "
          + "put back; both are kept", source)
      throw Self.conflict(
        "conflict", position, receipt,
        "Event \(position) is stored here with other bytes: both are kept; go on with a new incarnation.")
    case .hole(let position, let receipt):
      throw Self.conflict(
        "hole", position, receipt, "The batch leaves events out: \(position) is the next that is missing here.")
    }
  }

  /// Tells a refusal when it is news, and its repeats at a bounded rate.
  private func log(_ level: Logger.Level, _ words: String, _ source: SourceName) {
    guard let more = refusals.withLockedValue({ $0.tells(words, of: source) }) else { return }
    logger.log(level: level, "\(words)\(more)", metadata: ["source": "\(source)"])
  }

  private static func conflict(_ kind: String, _ position: UInt64, _ receipt: Receipt, _ detail: String) -> WebProblem {
    WebProblem(
      .conflict, detail,
      fields: [.init("kind", .string(kind)), .init("position", .int(Int64(clamping: position)))]
        + (JSON(receipt.json)?.members ?? []))
  }

  /// The source that the path names, if it is known and shows its token.
  private func admitted(_ request: Request, _ context: BasicRequestContext) throws(WebProblem) -> SourceName {
    let name = context.parameters.get("source").map { $0.removingPercentEncoding ?? $0 } ?? ""
    guard let known = SourceName(name).flatMap({ sources[$0] }) else {
      throw WebProblem(
        .notFound, "No source \"\(name.prefix(64))\" is known here: add it under sources: in central.yaml.")
    }
    try ReaderGuard<BasicRequestContext>.check(request, known.token.map { [$0] } ?? [])
    return known.name
  }

  /// `GET /v1/sources`: how each source stands.
  func listSources() async throws -> Response {
    let standing = try await store.sources()
    return Response { $0.list("items", standing) { $1.write(to: &$0) } }
  }
}
