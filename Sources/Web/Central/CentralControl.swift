import Events
public import Hummingbird
public import Logging
public import Store

/// The central's control socket: what only people on this machine may ask for.
///
/// It is a Unix socket of mode 0660. Commands use it while the central runs, since nobody else may write to its store then.
public struct CentralControl: Sendable {
  private let store: TraceStore
  private let backUp: @Sendable (_ file: String) async throws -> BackupRecord

  /// - Parameter backUp: copies the store to a file, verifies the copy, and notes that it is safe.
  public init(store: TraceStore, backUp: @escaping @Sendable (_ file: String) async throws -> BackupRecord) {
    self.store = store
    self.backUp = backUp
  }

  /// `POST /v1/backup?file=PATH`: answers once the copy is verified, which may take minutes.
  public func router() -> Router<BasicRequestContext> {
    let router = Router()
    router.middlewares.add(ProblemMiddleware())
    router.post("v1/backup") { request, _ in
      guard let file = request.query("file"), file.hasPrefix("/") else {
        throw WebProblem(.badRequest, "Ask with file=, a path that begins with /.")
      }
      do {
        let record = try await backUp(file)
        var writer = JSONWriter()
        record.write(to: &writer)
        return Response(json: writer.bytes)
      } catch let error as StoreError {
        throw WebProblem(.conflict, error.description)
      }
    }
    router.refuseOtherMethods()
    return router
  }

  /// The service that listens at `path`.
  /// - Parameter onRunning: called once clients can connect.
  public func application(
    path: String, logger: Logger, onRunning: @escaping @Sendable () -> Void = {}
  ) -> Application<RouterResponder<BasicRequestContext>> {
    controlSocket(router(), path: path, logger: logger, onRunning: onRunning)
  }
}
