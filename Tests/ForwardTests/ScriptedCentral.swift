import Compression
import Events
import Forward
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import TestParts

/// A central on a real port that does as it is told before it behaves.
actor ScriptedCentral {
  /// How the next POST is answered instead of properly.
  enum Order: Sendable, CaseIterable {
    /// 500, nothing stored.
    case fails
    /// 503 with `Retry-After: 0`.
    case busy
    /// Stored, but the answer is cut in the middle.
    case cut
    /// Stored, but the answer says nothing of it.
    case silent
    /// A captive portal: 200 with HTML.
    case portal
    /// A captive portal: 302.
    case redirect
    /// A receipt of another line PC.
    case foreign
    /// A receipt of another incarnation.
    case otherLife
    /// 413 whatever the size.
    case tooLarge
    /// 409 hole although there is none.
    case hole
  }

  let ledger = Ledger()
  private var orders: [Order] = []
  private var token: BearerToken?
  /// What no line may say, and the status that a batch with such a line is answered with.
  private var hated: (text: String, status: HTTPResponse.Status)?
  private(set) var refusals = 0
  private(set) var largest = 0
  private var takesGzip = true
  /// Bodies that came packed.
  private(set) var packed = 0

  func refuseGzip() { takesGzip = false }

  /// The body unpacked; nil where it is packed and that is not taken.
  private func unpacked(_ body: [UInt8], _ coding: String?) throws -> [UInt8]? {
    guard coding == "gzip" else { return body }
    packed += 1
    return takesGzip ? try Gzip.inflate(body, limit: 8 << 20) : nil
  }

  func give(_ orders: [Order]) { self.orders += orders }
  func ask(for token: BearerToken?) { self.token = token }
  func hate(_ text: String?, status: Int = 422) {
    hated = text.map { ($0, HTTPResponse.Status(code: status)) }
  }
  var isDone: Bool { orders.isEmpty }

  private func lets(_ request: Request) -> Bool {
    guard let token else { return true }
    let shown = token.isShown(in: request.headers[.authorization])
    if !shown { refusals += 1 }
    return shown
  }

  private func next(size: Int) -> Order? {
    largest = max(largest, size)
    return orders.isEmpty ? nil : orders.removeFirst()
  }

  nonisolated var router: Router<BasicRequestContext> {
    let router = Router()
    router.get("v1/sources/:source") { request, context in
      guard await self.lets(request) else { return Response(status: .unauthorized) }
      guard let source = context.parameters.get("source").flatMap({ SourceName($0) }),
        let incarnation = request.uri.queryParameters["incarnation"].flatMap({ Incarnation(String($0)) })
      else { return Response(status: .badRequest) }
      return Self.json(await self.ledger.receipt(source, incarnation).json)
    }
    router.post("v1/sources/:source/events") { request, context in
      guard await self.lets(request) else { return Response(status: .unauthorized) }
      let bytes = Array(try await request.body.collect(upTo: 8 << 20).readableBytesView)
      guard let body = try await self.unpacked(bytes, request.headers[.contentEncoding]) else {
        return Response(status: .unsupportedMediaType)
      }
      guard let source = context.parameters.get("source").flatMap({ SourceName($0) }) else {
        return Response(status: .badRequest)
      }
      let batch = try Batch(body: body) { name in
        request.headers.first { $0.name.rawName.lowercased() == name.lowercased() }?.value
      }
      return try await self.answer(batch, from: source, to: self.next(size: body.count))
    }
    return router
  }

  private func answer(_ batch: Batch, from source: SourceName, to order: Order?) async throws -> Response {
    if let hated, batch.lines.contains(where: { String(decoding: $0, as: UTF8.self).contains(hated.text) }) {
      return Response(status: hated.status)
    }
    switch order {
    case .fails: return Response(status: .internalServerError)
    case .busy: return Response(status: .serviceUnavailable, headers: [.retryAfter: "0"])
    case .portal:
      return Response(status: .ok, body: .init(byteBuffer: ByteBuffer(string: "<html>Accept our terms</html>")))
    case .redirect: return Response(status: .found, headers: [.location: "http://127.0.0.1:9/login"])
    case .tooLarge: return Response(status: .contentTooLarge)
    case .hole: return Self.json(Array(#"{"kind":"hole","position":1}"#.utf8), status: .conflict)
    case .foreign:
      return Self.json(await ledger.receipt(SourceName("other.pc")!, batch.incarnation).json)
    case .otherLife: return Self.json(await ledger.receipt(source, .random()).json)
    case .cut, .silent, nil: break
    }
    switch try await ledger.take(source, batch) {
    case .receipt(let receipt) where order == .cut:
      return Response(
        status: .ok,
        body: ResponseBody(contentLength: receipt.json.count) { writer in
          try await writer.write(ByteBuffer(bytes: receipt.json.prefix(20)))
          throw CancellationError()
        })
    case .receipt where order == .silent: return Response(status: .ok)
    case .receipt(let receipt): return Self.json(receipt.json)
    case .hole(let position, _):
      return Self.json(Array(#"{"kind":"hole","position":\#(position)}"#.utf8), status: .conflict)
    case .conflict(let position, _):
      return Self.json(Array(#"{"kind":"conflict","position":\#(position)}"#.utf8), status: .conflict)
    }
  }

  private static func json(_ bytes: [UInt8], status: HTTPResponse.Status = .ok) -> Response {
    Response(
      status: status, headers: [.contentType: "application/json"], body: .init(byteBuffer: ByteBuffer(bytes: bytes)))
  }
}

/// Serves a router on a free port of loopback while `body` runs, which is given its URL.
func serving<Value: Sendable>(
  _ router: Router<BasicRequestContext>, _ body: @Sendable @escaping (String) async throws -> Value
) async throws -> Value {
  let (ports, running) = AsyncStream<Int>.makeStream()
  let app = Application(
    router: router, configuration: .init(address: .hostname("127.0.0.1", port: 0)),
    onServerRunning: { running.yield($0.localAddress?.port ?? 0) }, logger: quiet)
  return try await withThrowingTaskGroup(of: Value?.self) { group in
    defer { group.cancelAll() }
    group.addTask {
      try await app.run()
      return nil
    }
    group.addTask {
      for await port in ports { return try await body("http://127.0.0.1:\(port)") }
      return nil
    }
    while let value = try await group.next() {
      if let value { return value }
    }
    throw CancellationError()
  }
}

/// A logger that says nothing.
let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

/// Runs `service` beside `body` and cancels it when `body` is done.
func beside<Value: Sendable>(
  _ service: @Sendable @escaping () async -> Void, _ body: @Sendable @escaping () async throws -> Value
) async throws -> Value {
  try await withThrowingTaskGroup(of: Value?.self) { group in
    defer { group.cancelAll() }
    group.addTask {
      await service()
      return nil
    }
    group.addTask { try await body() }
    while let value = try await group.next() {
      if let value { return value }
    }
    throw CancellationError()
  }
}
