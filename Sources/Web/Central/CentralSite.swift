public import Events
public import Forward
public import Foundation
public import Hummingbird
public import Logging
import NIOConcurrencyHelpers
public import Store

/// A list that was asked with what it cannot read.
extension ListFault: HTTPResponseError {
  public var status: HTTPResponse.Status { .badRequest }
  public func response(from request: Request, context: some RequestContext) throws -> Response {
    WebProblem(.badRequest, "\(description).").response
  }
}

/// The central over HTTP: takes the events of line PCs, answers programs in JSON and people in pages.
public struct CentralSite: Sendable {
  /// A line PC that may push, or is pulled.
  public struct Source: Sendable {
    public var name: SourceName
    /// What it must show; nil: it is served on loopback only.
    public var token: BearerToken?

    public init(name: SourceName, token: BearerToken?) {
      self.name = name
      self.token = token
    }
  }

  let store: TraceStore
  let sources: [SourceName: Source]
  let readers: [BearerToken]
  let version: String
  let timeZone: TimeZone
  let backups: (@Sendable () -> BackupStatus)?
  let logger: Logger
  let refusals = NIOLockedValueBox(RefusalLog())
  /// The largest body of a batch, in bytes, unpacked.
  static let bodyLimit = 8 << 20

  /// - Parameters:
  ///   - sources: the line PCs; any other is refused.
  ///   - readers: who shows one of these may read; empty: reading is served on loopback only.
  ///   - timeZone: of the pages; JSON stays UTC.
  ///   - backups: how the central's own backups stand; nil where it takes none.
  public init(
    store: TraceStore, sources: [Source], readers: [BearerToken] = [], version: String,
    timeZone: TimeZone = TimeZone(secondsFromGMT: 0) ?? .current,
    backups: (@Sendable () -> BackupStatus)? = nil, logger: Logger
  ) {
    self.store = store
    self.sources = Dictionary(sources.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    self.readers = readers
    self.version = version
    self.timeZone = timeZone
    self.backups = backups
    self.logger = logger
  }

  /// All routes.
  public func router() -> Router<BasicRequestContext> {
    let router = siteRouter(guardedBy: ReaderGuard(readers))
    router.get("central.css") { _, _ in Response(text: CentralStyle.sheet, type: "text/css; charset=utf-8") }
    router.get("healthz") { _, _ in await health() }
    router.get("metrics") { _, _ in try await metrics() }
    addPrograms(to: router)
    addPages(to: router)
    router.refuseOtherMethods()
    return router
  }

  private func addPrograms(to router: Router<BasicRequestContext>) {
    let api = router.group("v1")
    api.get("sources") { _, _ in try await listSources() }
    api.get("sources/:source") { try await position($0, $1) }
    api.post("sources/:source/events") { try await take($0, $1) }
    api.get("units/:id") { try await unit($0, $1) }
    api.get("lots/:id") { try await lot($0, $1) }
    api.get("trace") { request, _ in try await trace(request) }
    api.get("search") { request, _ in try await search(request) }
    api.get("gaps") { request, _ in try await gaps(request) }
    api.get("conflicts") { request, _ in try await conflicts(request) }
    api.get("backups") { _, _ in try await listBackups() }
    api.get("events") { request, _ in try await events(request) }
  }

  private func addPages(to router: Router<BasicRequestContext>) {
    router.get("/") { _, _ in try await homePage() }
    router.get("search") { request, _ in try await searchPage(request) }
    router.get("unit/:id") { try await unitPage($0, $1) }
    router.get("lot/:id") { try await lotPage($0, $1) }
    router.get("gaps") { request, _ in try await gapsPage(request) }
    router.get("conflicts") { request, _ in try await conflictsPage(request) }
  }

  /// The service that listens.
  /// - Parameter onRunning: called with the port once clients can connect.
  public func application(
    _ listener: WebListener, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws -> Application<RouterResponder<BasicRequestContext>> {
    try listener.application(router(), name: "central", logger: logger, onRunning: onRunning)
  }

  /// 200 while the store takes events.
  private func health() async -> Response {
    guard await store.isWritable() else {
      return WebProblem(.serviceUnavailable, "The store cannot be written: see the central's log.").response
    }
    return Response { $0.field("status", "ok") }
  }

  private func metrics() async throws -> Response {
    var metrics = MetricsText()
    for (name, count) in try await store.counts() {
      metrics.family("lotline_central_\(name)", .gauge, "Rows of this kind in the store.")
      metrics.sample(count)
    }
    let standing = try await store.sources()
    metrics.family("lotline_central_received_through", .gauge, "The last event received of an incarnation.")
    for source in standing {
      for receipt in source.incarnations {
        metrics.sample(
          receipt.receivedThrough, ["source": source.name, "incarnation": receipt.incarnation.description])
      }
    }
    metrics.family("lotline_central_source_silent", .gauge, "1 where a line PC is not heard.")
    for source in standing { metrics.sample(source.isSilent ? 1 : 0, ["source": source.name]) }
    metrics.family(
      "lotline_central_source_behind_events", .gauge,
      "Events that a line PC had still to send when its last batch came.")
    for source in standing { if let behind = source.behind { metrics.sample(behind, ["source": source.name]) } }
    try await backupMetrics(standing, &metrics)
    return Response(text: metrics.text, type: MetricsText.mediaType)
  }
}
