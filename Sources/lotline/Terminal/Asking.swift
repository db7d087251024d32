import AsyncHTTPClient
import Events
import Forward
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks a running daemon: the edge over its control socket, the central over HTTP.
struct Asking: Sendable {
  /// Where the daemon listens.
  enum Door: Sendable, Hashable, CustomStringConvertible {
    case socket(path: String, daemon: String = "the edge")
    case url(String)

    var description: String {
      switch self {
      case .socket(let path, let daemon): "\(daemon) at \(path)"
      case .url(let url): url
      }
    }
  }

  let door: Door
  let token: BearerToken?
  /// The central's certificate authority in PEM, where it is not one that the system trusts.
  let authorityFile: String?

  /// Why there is no answer to show.
  struct Failure: Error, CustomStringConvertible {
    let description: String
    /// The answer's status; nil where none came.
    var status: Int?
  }

  /// What came back.
  struct Answer: Sendable {
    let status: Int
    let body: [UInt8]
    let headers: [(String, String)]

    var json: JSON? { JSON(body) }
    func header(_ name: String) -> String? { headers.first { $0.0.lowercased() == name.lowercased() }?.1 }
  }

  /// Sends one request; an answer that says no is a `Failure` with the daemon's own sentence.
  func get(_ path: String, accept: String = "application/json", limit: Int = 64 << 20) async throws -> Answer {
    try await send(path, method: "GET", accept: accept, limit: limit)
  }

  /// Sends one request of any method.
  ///
  /// - Parameter patience: how long the answer may take.
  func send(
    _ path: String, method: String, accept: String = "application/json", limit: Int = 64 << 20,
    patience: TimeAmount = .seconds(90)
  ) async throws -> Answer {
    let request = request(path, method: method, accept: accept)
    let answer: Answer
    do {
      answer = try await execute(request, limit: limit, patience)
    } catch {
      throw Failure(description: "asking \(door) for \(path): \(words(error))")
    }
    return try checked(answer, path)
  }

  /// Asks for something that goes on, and gives its bytes as they come, until it ends or the task is cancelled.
  func follow(_ path: String, _ take: (ArraySlice<UInt8>) async throws -> Void) async throws {
    let response: HTTPClientResponse
    do {
      response = try await Self.plain.execute(
        request(path, method: "GET", accept: "application/x-ndjson"), deadline: .distantFuture)
    } catch {
      throw Failure(description: "asking \(door) for \(path): \(words(error))")
    }
    guard response.status == .ok else {
      let body = Array(buffer: try await response.body.collect(upTo: 1 << 20))
      _ = try checked(Answer(status: Int(response.status.code), body: body, headers: []), path)
      return
    }
    for try await part in response.body { try await take(Array(buffer: part)[...]) }
  }

  private func request(_ path: String, method: String, accept: String) -> HTTPClientRequest {
    var request = HTTPClientRequest(url: url(of: path))
    request.method = .RAW(value: method)
    request.headers.add(name: "Accept", value: accept)
    if let token { request.headers.add(name: "Authorization", value: token.authorization) }
    return request
  }

  /// An answer that says no is a `Failure` with the daemon's own sentence.
  private func checked(_ answer: Answer, _ path: String) throws -> Answer {
    guard (200..<300).contains(answer.status) else {
      let detail = answer.json?["detail"]?.text ?? answer.json?["title"]?.text ?? "status \(answer.status)"
      throw Failure(description: "asking \(door) for \(path): \(detail)\(advice(answer.status))", status: answer.status)
    }
    return answer
  }

  /// What to do about a refusal, beside the daemon's own sentence.
  private func advice(_ status: Int) -> String {
    switch (status, token) {
    case (401, nil): " Give the token of a reader with --token-file."
    case (401, _?): " The token that was shown is none of its readers'."
    case (403, _): " Whoever asks may not see this."
    default: ""
    }
  }

  /// Why no answer came, in one line.
  private func words(_ error: any Error) -> String {
    let said = "\(error)"
    if let file = authorityFile, !FileManager.default.isReadableFile(atPath: file) {
      return "the CA file \(file) cannot be read: see that it exists and who may read it"
    }
    if error is NIOSSLError || error is BoringSSLError || error is NIOSSLExtraError || said.contains("SSL") {
      let isUntrusted = said.contains("CERTIFICATE_VERIFY_FAILED") || said.contains("unableToValidateCertificate")
      return isUntrusted || error is NIOSSLExtraError
        ? "its certificate is not trusted: give the authority that signed it with --ca-file, and ask for the name that "
          + "the certificate is for"
        : "no TLS connection comes about; is it https there, and is --ca-file a certificate authority in PEM?"
    }
    let why = (error as? HTTPClientError)?.shortDescription ?? String(said.prefix(200)).replacing("\n", with: " ")
    return "no answer (\(why)); is the daemon running?"
  }

  private func execute(_ request: HTTPClientRequest, limit: Int, _ patience: TimeAmount) async throws -> Answer {
    guard let authorityFile else { return try await Self.execute(request, limit: limit, patience, with: Self.plain) }
    var settings = Self.settings
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authorityFile))
    settings.tlsConfiguration = tls
    let client = HTTPClient(configuration: settings)
    let result: Result<Answer, any Error>
    do { result = .success(try await Self.execute(request, limit: limit, patience, with: client)) } catch {
      result = .failure(error)
    }
    try await client.shutdown()
    return try result.get()
  }

  /// A refused connection is told at once, not tried again.
  private static var settings: HTTPClient.Configuration {
    var settings = HTTPClient.Configuration()
    settings.connectionPool.retryConnectionEstablishment = false
    return settings
  }
  /// For the life of the program.
  private static let plain = HTTPClient(configuration: settings)

  private static func execute(
    _ request: HTTPClientRequest, limit: Int, _ patience: TimeAmount, with client: HTTPClient
  ) async throws -> Answer {
    let response = try await client.execute(request, timeout: patience)
    let body = try await response.body.collect(upTo: limit)
    return Answer(
      status: Int(response.status.code), body: Array(buffer: body),
      headers: response.headers.map { ($0.name, $0.value) })
  }

  private func url(of path: String) -> String {
    switch door {
    case .socket(let socket, _):
      let escaped = socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket
      return "http+unix://\(escaped)\(path)"
    case .url(let base): return (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
    }
  }
}

extension Asking {
  /// The edge that runs with these settings, by its control socket.
  static func edge(_ config: String) throws -> Asking {
    Asking(
      door: .socket(
        path: try EdgeSettings.controlSocket(in: config, environment: ProcessInfo.processInfo.environment)),
      token: nil, authorityFile: nil)
  }
}

/// `text` as one part of a URL's path or query.
func percentEncoded(_ text: String) -> String {
  text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? text
}
