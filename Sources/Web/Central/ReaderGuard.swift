import Forward
import HTTPTypes
import Hummingbird
import HummingbirdCore

/// Who may read at the central: whoever shows one of the readers' tokens; without any, who is on this machine.
///
/// A source's own paths are left to its own token.
struct ReaderGuard<Context: RequestContext>: RouterMiddleware {
  private let readers: [BearerToken]
  private static var open: Set<String> { ["/healthz", "/style.css", "/central.css", "/favicon.svg"] }

  init(_ readers: [BearerToken]) { self.readers = readers }

  func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    let path = request.uri.path
    if Self.open.contains(path) || path.hasPrefix("/v1/sources/") { return try await next(request, context) }
    try Self.check(request, readers)
    return try await next(request, context)
  }

  /// Refuses a request that shows none of `tokens`, or where there are none, does not come to loopback by its name.
  static func check(_ request: Request, _ tokens: [BearerToken]) throws(WebProblem) {
    if tokens.isEmpty {
      guard request.head.authority.map({ TokenGuard<Context>.isLoopback($0) }) ?? true else {
        throw WebProblem(
          .misdirectedRequest, "Without a token the central answers to localhost only: set readers and token-file.")
      }
    } else if !tokens.contains(where: { $0.isShown(in: request.headers[.authorization]) }) {
      throw WebProblem(
        .unauthorized, "This address needs a token: Authorization: Bearer TOKEN.",
        headers: [.wwwAuthenticate: "Bearer realm=\"Lotline\", Basic realm=\"Lotline: the token is the password\""])
    }
  }
}
