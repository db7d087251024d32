public import Forward
import HTTPTypes
public import Hummingbird
import HummingbirdCore

/// Lets through who shows the token; without a configured token, who calls this machine by its own name.
///
/// Without a token a service listens on loopback only, and `Authorization` is ignored. A page of
/// another site could still reach it under a name of its own, so the `Host` must be loopback's.
public struct TokenGuard<Context: RequestContext>: RouterMiddleware {
  private let token: BearerToken?
  private let open: Set<String>

  /// - Parameter open: paths that need no token.
  public init(_ token: BearerToken?, open: Set<String> = ["/healthz"]) {
    self.token = token
    self.open = open
  }

  public func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    if open.contains(request.uri.path) { return try await next(request, context) }
    if let token {
      guard token.isShown(in: request.headers[.authorization]) else {
        throw WebProblem(
          .unauthorized, "This address needs the service's token: Authorization: Bearer TOKEN.",
          headers: [.wwwAuthenticate: "Bearer realm=\"Lotline\", Basic realm=\"Lotline: the token is the password\""])
      }
    } else if let host = request.head.authority, !Self.isLoopback(host) {
      throw WebProblem(
        .misdirectedRequest,
        "Without a token this service answers to localhost only, not to \(host.prefix(80)): set token-file to use a name."
      )
    }
    return try await next(request, context)
  }

  static func isLoopback(_ authority: String) -> Bool {
    if authority.hasPrefix("[") { return authority.hasPrefix("[::1]") }
    let host = authority.prefix { $0 != ":" }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    return host == "localhost" || (parts.count == 4 && parts[0] == "127" && parts.allSatisfy { UInt8($0) != nil })
  }
}
