public import Events
import HTTPTypes
public import Hummingbird
import HummingbirdCore
import Logging

/// What goes wrong with a request, told as `application/problem+json` (RFC 9457) with a sentence for a technician.
public struct WebProblem: HTTPResponseError, Sendable {
  public let status: HTTPResponse.Status
  /// What went wrong with what, and what to do.
  public let detail: String
  /// More fields of the answer, such as `kind` and `position`.
  public let fields: [JSON.Member]
  private let headers: HTTPFields

  public init(
    _ status: HTTPResponse.Status, _ detail: String, fields: [JSON.Member] = [], headers: HTTPFields = [:]
  ) {
    self.status = status
    self.detail = detail
    self.fields = fields
    self.headers = headers
  }

  public var body: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("title", status.reasonPhrase)
      writer.field("status", status.code)
      writer.field("detail", detail)
      for field in fields { writer.field(field.name, field.value) }
    }
    return writer.bytes
  }

  public func response(from request: Request, context: some RequestContext) throws -> Response { response }

  public var response: Response {
    var response = Response(bytes: body, type: "application/problem+json", status: status)
    for header in headers { response.headers[header.name] = header.value }
    return response
  }
}

/// Turns every error of a route into a problem; what was not foreseen is logged and not shown.
public struct ProblemMiddleware<Context: RequestContext>: RouterMiddleware {
  public init() {}

  public func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    let response = try await answer(request, context, next)
    // A body that nobody expects would be taken for the beginning of the next answer.
    return request.method == .head ? response.createHeadResponse() : response
  }

  private func answer(
    _ request: Request, _ context: Context, _ next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    do {
      return try await next(request, context)
    } catch let problem as WebProblem {
      return problem.response
    } catch let error as HTTPError {
      let standard = error.status == .notFound ? "There is nothing at \(request.uri.path)." : error.status.reasonPhrase
      let detail = error.body ?? standard
      return WebProblem(error.status, detail, headers: error.headers).response
    } catch let error as any HTTPResponseError {
      return try error.response(from: request, context: context)
    } catch is CancellationError {
      return WebProblem(.serviceUnavailable, "The service is being stopped.").response
    } catch {
      context.logger.error("\(request.method) \(request.uri.path) failed: \(error)")
      return WebProblem(.internalServerError, "The service could not answer; its log says why.").response
    }
  }
}

/// What every answer tells a browser: load nothing from elsewhere, guess no types, keep nothing.
public struct SafeHeaders<Context: RequestContext>: RouterMiddleware {
  public init() {}

  public func handle(
    _ request: Request, context: Context, next: @concurrent (Request, Context) async throws -> Response
  ) async throws -> Response {
    var response = try await next(request, context)
    response.headers[.contentSecurityPolicy] =
      "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; "
      + "frame-ancestors 'none'"
    response.headers[.xContentTypeOptions] = "nosniff"
    if let name = HTTPField.Name("Referrer-Policy") { response.headers[name] = "same-origin" }
    if response.headers[.cacheControl] == nil { response.headers[.cacheControl] = "no-store" }
    return response
  }
}
