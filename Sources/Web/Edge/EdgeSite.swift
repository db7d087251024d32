public import Devices
public import Events
public import Forward
public import Foundation
public import Hummingbird
public import Logging
import Machine
public import Queue

/// What a line PC shows over HTTP: its events to whoever pulls, its state to programs, its page to people.
///
/// Nothing here changes anything on the PC, except that a consumer says how far it has the events.
public struct EdgeSite: Sendable {
  let source: SourceName
  let version: String
  let queue: EventQueue
  let token: BearerToken?
  let devices: @Sendable () -> [DeviceStatus]
  let readout: @Sendable (_ device: String, _ group: String?) async throws -> [TagReadout]
  let recording: Wire?
  let contexts: @Sendable () async -> [Stamp]
  let forward: (@Sendable () -> ForwardStatus)?
  let listeners: @Sendable () -> [ListenerStatus]
  let settings: (@Sendable () -> SettingsStatus)?
  let primary: String
  let beginIncarnation: @Sendable (String) async throws -> Void
  let timeZone: TimeZone
  let started: Timestamp
  let logger: Logger

  /// What passes over a device's wire from now on; throws `ReadoutFailure`.
  public typealias Wire =
    @Sendable (_ device: String) throws -> (head: Recording.Head, entries: AsyncStream<WireEntry>)

  /// - Parameters:
  ///   - token: who shows it may read; nil on loopback only.
  ///   - devices: how each device stands, in the order of the settings.
  ///   - readout: reads the tags of a device now, of one group or (nil) of all; throws `ReadoutFailure`.
  ///   - recording: what passes between this PC and a device; nil where that cannot be listened to.
  ///   - contexts: what is in effect at each station, in the order of the settings.
  ///   - forward: how the delivery to the central stands; nil where the central pulls.
  ///   - listeners: whether the page and the control socket can be asked.
  ///   - settings: which settings are in force.
  ///   - primary: the consumer whose receipts let rows go (`web.primary`).
  ///   - beginIncarnation: what to do where that consumer has another history of the current incarnation; is given
  ///     the reason. By default the queue begins a new one.
  ///   - timeZone: of the page; JSON stays UTC.
  ///   - started: when the daemon was started.
  public init(
    source: SourceName, version: String, queue: EventQueue, token: BearerToken?,
    devices: @escaping @Sendable () -> [DeviceStatus],
    readout: @escaping @Sendable (_ device: String, _ group: String?) async throws -> [TagReadout],
    recording: Wire? = nil,
    contexts: @escaping @Sendable () async -> [Stamp],
    forward: (@Sendable () -> ForwardStatus)?, listeners: @escaping @Sendable () -> [ListenerStatus] = { [] },
    settings: (@Sendable () -> SettingsStatus)? = nil,
    primary: String = "central",
    beginIncarnation: (@Sendable (String) async throws -> Void)? = nil, timeZone: TimeZone = .current,
    started: Timestamp = Moment.now().time, logger: Logger
  ) {
    self.source = source
    self.version = version
    self.queue = queue
    self.token = token
    self.devices = devices
    self.readout = readout
    self.recording = recording
    self.contexts = contexts
    self.forward = forward
    self.listeners = listeners
    self.settings = settings
    self.primary = primary
    self.beginIncarnation = beginIncarnation ?? { why in _ = try await queue.beginIncarnation(why: why) }
    self.timeZone = timeZone
    self.started = started
    self.logger = logger
  }

  /// All routes.
  public func router() -> Router<BasicRequestContext> {
    let router = siteRouter(guardedBy: TokenGuard(token))
    router.get("healthz") { _, _ in health() }
    router.get("v1/events") { request, _ in try await events(request) }
    router.put("v1/consumers/:name") { request, context in
      try await consumer(context.parameters.get("name") ?? "", request)
    }
    router.get("v1/status") { _, _ in Response(json: await state().json) }
    router.get("v1/devices") { _, _ in deviceList() }
    router.get("v1/devices/:name/tags") { request, context in
      try await tags(of: context.parameters.get("name") ?? "", request)
    }
    if let recording {
      router.get("v1/devices/:name/wire") { _, context in
        try wire(of: context.parameters.get("name") ?? "", recording)
      }
    }
    router.get("metrics") { _, _ in Response(text: await state().metrics, type: MetricsText.mediaType) }
    router.get("/") { _, _ in try await page() }
    router.refuseOtherMethods()
    return router
  }

  /// The service that listens.
  /// - Parameter onRunning: called with the port once clients can connect.
  public func application(
    _ listener: WebListener, onRunning: @escaping @Sendable (Int) async -> Void = { _ in }
  ) throws -> Application<RouterResponder<BasicRequestContext>> {
    try listener.application(router(), name: "edge", logger: logger, onRunning: onRunning)
  }

  func state() async -> EdgeState {
    EdgeState(
      source: source, version: version, now: Moment.now().time, queue: queue.status, devices: devices(),
      contexts: await contexts(), forward: forward?(), listeners: listeners(), settings: settings?(),
      started: started, clock: .now(), primary: primary)
  }

  /// 200 while the queue takes events, whatever the devices or the central do.
  private func health() -> Response {
    if let refusing = queue.status.refusing {
      return WebProblem(.serviceUnavailable, "Not capturing: \(refusing).").response
    }
    return Response { $0.field("status", "ok") }
  }
}
