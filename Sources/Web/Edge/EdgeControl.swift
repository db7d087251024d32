import Events
import Forward
public import Hummingbird
import HummingbirdCore
public import Logging
import Queue

/// The daemon's control socket: what the page shows, and what only people on this PC may ask for.
///
/// It is a Unix socket of mode 0660: who may open it is asked no token. Commands use it while the daemon runs,
/// since nothing else can open the queue then.
public struct EdgeControl: Sendable {
  private let site: EdgeSite
  private let reload: (@Sendable () async -> ReloadAnswer)?

  /// - Parameters:
  ///   - site: a site that asks for no token.
  ///   - reload: reads the settings again and takes them.
  public init(_ site: EdgeSite, reload: (@Sendable () async -> ReloadAnswer)? = nil) {
    self.site = site
    self.reload = reload
  }

  /// All routes of the site, `GET /v1/queue`, `POST /v1/backup?file=PATH`, `POST /v1/verify` and `POST /v1/reload`.
  public func router() -> Router<BasicRequestContext> {
    let router = site.router()
    router.post("v1/verify") { _, _ in
      let verdict = await site.queue.verify()
      return Response { writer in
        writer.field("good", verdict.good)
        writer.field("bad", verdict.firstBad.map { "\($0.place): \($0.reason)" })
        writer.field("words", verdict.description)
      }
    }
    router.get("v1/queue") { _, _ in
      do throws(QueueFault) {
        let report = try await site.queue.report()
        let central = site.forward?().words ?? "the central pulls"
        return Response { writer in
          report.write(to: &writer)
          writer.field("central", central)
        }
      } catch { throw WebProblem(.serviceUnavailable, "\(error).") }
    }
    router.post("v1/backup") { request, _ in
      guard let file = request.query("file"), file.hasPrefix("/") else {
        throw WebProblem(.badRequest, "Ask with file=, a path that begins with /.")
      }
      do {
        let backup = try await site.queue.backUp(to: file)
        var writer = JSONWriter()
        backup.write(to: &writer)
        return Response(json: writer.bytes)
      } catch { throw WebProblem(.conflict, "\(error)") }
    }
    if let reload {
      router.post("v1/reload") { _, _ in
        let answer = await reload()
        return Response { answer.write(to: &$0) }
      }
    }
    router.refuseOtherMethods()
    return router
  }

  /// The service that listens at `path`; a socket that a killed daemon left there is taken away first.
  /// - Parameter onRunning: called once clients can connect.
  public func application(
    path: String, logger: Logger, onRunning: @escaping @Sendable () -> Void = {}
  ) -> Application<RouterResponder<BasicRequestContext>> {
    controlSocket(router(), path: path, logger: logger, onRunning: onRunning)
  }
}
