import Compression
import Events
import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import Queue
import ServiceLifecycle

// The pull: what `Forwarder` would push, for whoever asks.
extension EdgeSite {
  /// `GET /v1/events?after=N&limit=M&wait=S&incarnation=I`; without `after`, the newest.
  func events(_ request: Request) async throws -> Response {
    let after = try request.number("after", in: 0...UInt64(Int64.max))
    let limit = Int(try request.number("limit", in: 1...10_000) ?? 500)
    let wait = try request.number("wait", in: 0...86_400).map { Duration.seconds($0) }
    let bytes = Int(try request.number("max-bytes", in: 1...(4 << 20)) ?? 1 << 20)
    let incarnation = try request.query("incarnation").map(Self.incarnation)
    do throws(QueueFault) {
      guard let after else {
        guard let incarnation else { return answer(try await queue.newest(limit: limit), to: request) }
        return answer(try await lines(of: incarnation, after: 0, limit, bytes), to: request)
      }
      let asked = incarnation ?? queue.status.incarnation
      // Who says how long to wait takes events as they come, and gets them in company.
      guard let wait else { return answer(try await lines(of: asked, after: after, limit, bytes), to: request) }
      return answer(try await gathered(asked, after, limit, bytes, wait: min(wait, .seconds(60))), to: request)
    } catch { throw Self.problem(error) }
  }

  private static func incarnation(_ text: String) throws(WebProblem) -> Incarnation {
    guard let incarnation = Incarnation(text) else {
      throw WebProblem(.badRequest, "incarnation=\(text.prefix(40)) is not 32 hexadecimal digits in lower case.")
    }
    return incarnation
  }

  private func lines(of incarnation: Incarnation, after: UInt64, _ limit: Int, _ bytes: Int) async throws(QueueFault)
    -> Batch
  {
    try await queue.batch(incarnation: incarnation, after: after, limit: limit, maxBytes: bytes)
  }

  /// Waits for events; a service that stops does not wait for those who wait.
  private func gathered(
    _ incarnation: Incarnation, _ after: UInt64, _ limit: Int, _ bytes: Int, wait: Duration
  ) async throws(QueueFault) -> Batch {
    let queue = queue
    return try await cancelWhenGracefulShutdown { () async -> Result<Batch, QueueFault> in
      do throws(QueueFault) {
        return .success(
          try await queue.gathered(incarnation: incarnation, after: after, limit: limit, maxBytes: bytes, wait: wait))
      } catch { return .failure(error) }
    }.get()
  }

  /// Smaller bodies gain nothing by being packed.
  private static let leastPacked = 1024

  private func answer(_ batch: Batch, to request: Request) -> Response {
    var response: Response
    if request.asks(for: "application/cloudevents-batch+json") {
      var writer = JSONWriter(capacity: batch.lines.reduce(2) { $0 + $1.count + 1 })
      writer.array { writer in for line in batch.lines { writer.raw(line) } }
      response = Response(bytes: writer.bytes, type: "application/cloudevents-batch+json")
    } else {
      let body = batch.body
      let packed = request.takesGzip && body.count > Self.leastPacked ? Gzip.deflate(body) : []
      response = Response(bytes: packed.isEmpty ? body : packed, type: "application/x-ndjson")
      response.headers[.vary] = "Accept-Encoding"
      if !packed.isEmpty { response.headers[.contentEncoding] = "gzip" }
    }
    for (name, value) in batch.headers {
      if let name = HTTPField.Name(name) { response.headers[name] = value }
    }
    return response
  }

  /// `PUT /v1/consumers/NAME` with a receipt: how far NAME has the events safely.
  func consumer(_ name: String, _ request: Request) async throws -> Response {
    guard SourceName(name) != nil else {
      throw WebProblem(.badRequest, "A consumer's name is 1 to 64 of A-Z a-z 0-9 . _ -")
    }
    guard let receipt = Receipt(json: try await request.bytes(upTo: 64 << 10)) else {
      throw WebProblem(
        .badRequest, "The body is no receipt: source, incarnation, received_through, head and safe_through.")
    }
    do throws(QueueFault) {
      try await queue.record(receipt, from: name, frees: name == primary)
    } catch {
      if name == primary { await renew(after: receipt, fault: error) }
      throw Self.problem(error)
    }
    return Response(json: receipt.json)
  }

  /// Where the central has another history of the current incarnation, what follows gets a new one.
  private func renew(after receipt: Receipt, fault: QueueFault) async {
    switch fault {
    case .beyondEnd, .wrongHash: break
    default: return
    }
    guard receipt.incarnation == queue.status.incarnation else { return }
    let why = "the consumer \(primary) has another history: \(fault)"
    logger.critical("\(why). Both are kept; a new incarnation begins after \(receipt.incarnation).")
    do { try await beginIncarnation(why) } catch {
      logger.error("A new incarnation could not be begun: \(error)")
    }
  }

  private static func problem(_ fault: QueueFault) -> WebProblem {
    let sentence = "\(fault.description.prefix(1).uppercased())\(fault.description.dropFirst())."
    return switch fault {
    case .beyondEnd(let head):
      WebProblem(
        .conflict, sentence, fields: [.init("kind", .string("beyond-end")), .init("last", .int(Int64(clamping: head)))])
    case .wrongHash(let number, _, _):
      WebProblem(
        .conflict, sentence,
        fields: [.init("kind", .string("conflict")), .init("position", .int(Int64(clamping: number)))])
    case .unknownIncarnation: WebProblem(.notFound, sentence)
    case .wrongSource: WebProblem(.forbidden, sentence)
    case .unordered: WebProblem(.badRequest, sentence)
    case .failing, .tooManyHeld: WebProblem(.serviceUnavailable, sentence)
    }
  }
}
