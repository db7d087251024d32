import AsyncHTTPClient
import Events
import Foundation
import NIOCore
import NIOHTTP1
import NIOSSL

/// Asks a running daemon: the edge over its control socket, the central over HTTP.
struct Asking: Sendable {
  /// Where the daemon listens.
  enum Door: Sendable, Hashable, CustomStringConvertible {
    case socket(path: String)
    case url(String)

    var description: String {
      switch self {
      case .socket(let path): "the edge at \(path)"
      case .url(let url): url
      }
    }
  }

  let door: Door
  let token: String?
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
  func send(_ path: String, method: String, accept: String = "application/json", limit: Int = 64 << 20)
    async throws -> Answer
  {
    var request = HTTPClientRequest(url: url(of: path))
    request.method = .RAW(value: method)
    request.headers.add(name: "Accept", value: accept)
    if let token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
    let answer: Answer
    do {
      answer = try await execute(request, limit: limit)
    } catch {
      throw Failure(description: "asking \(door) for \(path): no answer (\(error)); is the daemon running?")
    }
    guard (200..<300).contains(answer.status) else {
      let detail = answer.json?["detail"]?.text ?? answer.json?["title"]?.text ?? "status \(answer.status)"
      throw Failure(description: "asking \(door) for \(path): \(detail)", status: answer.status)
    }
    return answer
  }

  private func execute(_ request: HTTPClientRequest, limit: Int) async throws -> Answer {
    guard let authorityFile else { return try await Self.execute(request, limit: limit, with: .shared) }
    var settings = HTTPClient.Configuration()
    var tls = TLSConfiguration.makeClientConfiguration()
    tls.trustRoots = .file(authorityFile)
    settings.tlsConfiguration = tls
    let client = HTTPClient(configuration: settings)
    let result: Result<Answer, any Error>
    do { result = .success(try await Self.execute(request, limit: limit, with: client)) } catch {
      result = .failure(error)
    }
    try await client.shutdown()
    return try result.get()
  }

  private static func execute(_ request: HTTPClientRequest, limit: Int, with client: HTTPClient) async throws -> Answer
  {
    let response = try await client.execute(request, timeout: .seconds(90))
    let body = try await response.body.collect(upTo: limit)
    return Answer(
      status: Int(response.status.code), body: Array(buffer: body),
      headers: response.headers.map { ($0.name, $0.value) })
  }

  private func url(of path: String) -> String {
    switch door {
    case .socket(let socket):
      let escaped = socket.addingPercentEncoding(withAllowedCharacters: .alphanumerics) ?? socket
      return "http+unix://\(escaped)\(path)"
    case .url(let base): return (base.hasSuffix("/") ? String(base.dropLast()) : base) + path
    }
  }
}

/// `text` as one part of a URL's path or query.
func percentEncoded(_ text: String) -> String {
  text.addingPercentEncoding(withAllowedCharacters: .alphanumerics.union(CharacterSet(charactersIn: "-._~"))) ?? text
}
