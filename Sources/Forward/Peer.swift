private import AsyncHTTPClient
private import Compression
private import Events
private import Foundation
private import NIOConcurrencyHelpers
private import NIOCore
private import NIOFoundationCompat
private import NIOHTTP1
private import NIOSSL

/// How to reach the other end.
public struct ForwardSettings: Sendable, Hashable {
  /// `http://…` or `https://…`, without a path.
  public var url: String
  /// Holds the token that the other end asks for.
  public var tokenFile: String?
  /// PEM of the authority that signed the other end's certificate; nil: the system's.
  public var caFile: String?
  /// Whether batches go packed by gzip, where the other end takes that.
  public var compresses: Bool

  public init(url: String, tokenFile: String? = nil, caFile: String? = nil, compresses: Bool = true) {
    self.url = url
    self.tokenFile = tokenFile
    self.caFile = caFile
    self.compresses = compresses
  }
}

/// What the other end said, whole.
struct PeerAnswer: Sendable {
  let status: Int
  let body: [UInt8]
  fileprivate let headers: HTTPHeaders

  func header(_ name: String) -> String? { headers.first(name: name) }

  /// The sentence of a problem, or the beginning of whatever was answered.
  var detail: String {
    if let detail = JSON(body)?["detail"]?.text { return String(detail.prefix(300)).withoutStop }
    return PeerWords.beginning(of: body)
  }
}

/// What is asked of the other end.
struct PeerRequest: Sendable {
  var method = "GET"
  var path: String
  var headers: [(name: String, value: String)] = []
  var body: [UInt8]?
  /// For the whole exchange, from the first byte to the last.
  var deadline = Duration.seconds(30)
  /// Of the answer's body, unpacked.
  var limit = 64 << 10
}

/// The other end over HTTP: whole answers within a deadline, no redirects followed, faults told by what helps.
struct Peer: Sendable {
  private let client: HTTPClient
  private let settings: ForwardSettings
  private let token = NIOLockedValueBox<BearerToken?>(nil)

  private init(client: HTTPClient, settings: ForwardSettings) {
    self.client = client
    self.settings = settings
  }

  /// TCP_USER_TIMEOUT (RFC 5482, tcp(7)): what the other end does not acknowledge for so long ends the connection, so that a
  /// kept one that is half open does not cost the next request its whole deadline, and nothing is sent on for a quarter of
  /// an hour where nobody is any more.
  private static let userTimeout = NIOBSDSocket.Option(rawValue: 18)
  static let unacknowledgedMilliseconds = 20_000

  /// Runs `body` with a connection pool of its own, which is closed afterwards.
  static func with(_ settings: ForwardSettings, _ body: @Sendable (Peer) async -> Void) async throws(RouteFault) {
    var configuration = HTTPClient.Configuration(redirectConfiguration: .disallow)
    configuration.httpVersion = .http1Only
    configuration.timeout.connect = .seconds(10)
    // The back-off is ours: a refused connection is told at once.
    configuration.connectionPool.retryConnectionEstablishment = false
    configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 1
    // The one place where the client lets its connections be touched.
    configuration.http1_1ConnectionDebugInitializer = { channel in
      channel.setOption(.tcpOption(Self.userTimeout), value: Self.unacknowledgedMilliseconds)
    }
    if settings.url.hasPrefix("https:") {
      var tls = TLSConfiguration.makeClientConfiguration()
      tls.minimumTLSVersion = .tlsv12
      if let file = settings.caFile {
        do { tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file)) } catch {
          throw .refused("ca-file \(file) cannot be used: \(error). It must be a readable PEM file")
        }
      }
      configuration.tlsConfiguration = tls
    }
    do {
      try await HTTPClient.withHTTPClient(configuration: configuration) { client in
        await body(Peer(client: client, settings: settings))
      }
    } catch { throw .local("the connections to \(settings.url) could not be closed: \(error)") }
  }

  /// Reads the token file again; done at the start and after each failure, since a refusal may mean a new token.
  func readToken() throws(RouteFault) {
    guard let file = settings.tokenFile else { return }
    let read: BearerToken
    do throws(TokenFault) { read = try BearerToken(file: file) } catch { throw .refused(error.description) }
    token.withLockedValue { $0 = read }
  }

  /// Sends and reads the whole answer; what is not a status below 400, or 404, 409 or 415, is thrown.
  func send(_ request: PeerRequest) async throws(RouteFault) -> PeerAnswer {
    let answer: PeerAnswer
    do { answer = try await exchange(request) } catch let error as DecodingLimit {
      throw .foreign("the answer to \(request.path) is larger than \(error.bytes) bytes")
    } catch let fault as GzipFault {
      throw .foreign("the answer to \(request.path) cannot be read: \(fault)")
    } catch {
      throw .away(Self.words(error))
    }
    let words = "it answers \(answer.status): \(answer.detail)"
    let delay = Self.delay(answer.header("Retry-After"))
    switch answer.status {
    case 200, 201, 204, 404, 409, 415: return answer
    // Credentials, address, or the way there: nothing that another batch would help.
    case 401, 403, 405, 407, 421, 426: throw .refused(words)
    case 408, 429, 503: throw .away(words, retryAfter: delay)
    case 413: throw .tooLarge(words)
    case 400..<500: throw .unacceptable(words)
    case 500..<600: throw .failing(words, retryAfter: delay)
    case 300..<400:
      throw .foreign("it answers \(answer.status) and sends elsewhere (\(answer.header("Location") ?? "nowhere"))")
    default: throw .foreign(words)
    }
  }

  private struct DecodingLimit: Error { let bytes: Int }
  private struct Late: Error, CustomStringConvertible {
    let limit: Duration
    var description: String { "no whole answer within \(Int(limit.inSeconds)) s" }
  }

  private func exchange(_ request: PeerRequest) async throws -> PeerAnswer {
    let base = settings.url.hasSuffix("/") ? String(settings.url.dropLast()) : settings.url
    var outgoing = HTTPClientRequest(url: base + request.path)
    outgoing.method = HTTPMethod(rawValue: request.method)
    for header in request.headers { outgoing.headers.add(name: header.name, value: header.value) }
    if let token = token.withLockedValue({ $0 }) {
      outgoing.headers.add(name: "Authorization", value: token.authorization)
    }
    if let body = request.body { outgoing.body = .bytes(ByteBuffer(bytes: body)) }
    let (prepared, client) = (outgoing, client)
    // The client's own deadline ends with the answer's head; a body that drips must not hold us for ever.
    return try await withThrowingTaskGroup(of: PeerAnswer.self) { group in
      defer { group.cancelAll() }
      group.addTask {
        let response = try await client.execute(prepared, deadline: .now() + .nanoseconds(request.deadline.nanoseconds))
        return PeerAnswer(
          status: Int(response.status.code), body: try await Self.body(of: response, limit: request.limit),
          headers: response.headers)
      }
      group.addTask {
        try await Task.sleep(for: request.deadline)
        throw Late(limit: request.deadline)
      }
      guard let first = try await group.next() else { throw CancellationError() }
      return first
    }
  }

  /// The whole body, unpacked as it comes.
  private static func body(of response: HTTPClientResponse, limit: Int) async throws -> [UInt8] {
    guard response.headers.first(name: "Content-Encoding")?.lowercased() == "gzip" else {
      do { return Array(try await response.body.collect(upTo: limit).readableBytesView) } catch is NIOTooManyBytesError
      { throw DecodingLimit(bytes: limit) }
    }
    let inflater = Inflater(limit: limit)
    for try await part in response.body { try part.withUnsafeReadableBytes { try inflater.take($0) } }
    return try inflater.finish()
  }

  private static func words(_ error: any Error) -> String {
    (error as? Late)?.description ?? PeerWords.sentence(for: error)
  }

  /// `Retry-After` in seconds; its other form, a date, is not worth a trust in clocks.
  private static func delay(_ text: String?) -> Duration? {
    text.flatMap { Int($0) }.flatMap { $0 >= 0 ? .seconds(min($0, 3600)) : nil }
  }
}

extension Duration {
  fileprivate var nanoseconds: Int64 { wholeMicroseconds * 1000 }
}
