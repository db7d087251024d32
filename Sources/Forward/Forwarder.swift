public import Events
public import Logging
private import NIOConcurrencyHelpers
public import Queue

/// Brings the queue's events to the central, and the central's receipts to the queue.
///
/// An event is sent again until the central has said by a receipt that it is committed there; what the
/// receipts say is checked against the queue's own chain. Everything that can fail between the two
/// ends is waited out here; nothing of it stops the line.
public struct Forwarder: Sendable {
  private let queue: EventQueue
  private let settings: ForwardSettings
  private let source: SourceName
  private let logger: Logger
  private let beginIncarnation: @Sendable (String) async throws -> Void
  private let box: NIOLockedValueBox<ForwardStatus>
  /// Tests shorten the pauses.
  var limits = DeliveryState.Limits()

  /// - Parameters:
  ///   - beginIncarnation: what to do where the central has another history of the current incarnation; is
  ///     given the reason. By default the queue begins a new one; the program also has the stations write their contexts.
  public init(
    queue: EventQueue, settings: ForwardSettings, source: SourceName, logger: Logger,
    beginIncarnation: (@Sendable (String) async throws -> Void)? = nil
  ) {
    self.queue = queue
    self.settings = settings
    self.source = source
    self.logger = logger
    self.beginIncarnation = beginIncarnation ?? { why in _ = try await queue.beginIncarnation(why: why) }
    box = NIOLockedValueBox(ForwardStatus(other: "the central", url: settings.url, since: Moment.now().time))
  }

  /// Where the delivery stands now.
  public var status: ForwardStatus { box.withLockedValue { $0 } }

  /// Delivers until the task is cancelled.
  public func run() async { await deliver(untilIdle: false) }

  /// Delivers once what is there, for at most `limit`: the last act of a service that stops.
  public func drain(within limit: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await deliver(untilIdle: true) }
      group.addTask { try? await Task.sleep(for: limit) }
      await group.next()
      group.cancelAll()
    }
  }

  private func deliver(untilIdle: Bool) async {
    while !Task.isCancelled {
      do throws(RouteFault) {
        try await Peer.with(settings) { peer in
          let route = PushRoute(
            queue: queue, peer: peer, source: source, compresses: settings.compresses, logger: logger,
            beginIncarnation: beginIncarnation)
          await Delivery(route: route, status: box, logger: logger, limits: limits).run(untilIdle: untilIdle)
        }
      } catch {
        await box.wait(afterFault: error, logger: logger)
      }
      if untilIdle { return }
    }
  }
}

extension NIOLockedValueBox<ForwardStatus> {
  /// A fault before anything could be sent, such as an unreadable CA file: told once, tried again after a minute.
  func wait(afterFault fault: RouteFault, logger: Logger) async {
    let isNews = withLockedValue { status in
      let isNews = status.reason != fault.description
      if isNews { status.since = Moment.now().time }
      (status.state, status.reason) = (.refused, fault.description)
      status.beats += 1
      return isNews
    }
    if isNews { logger.error("\(fault.description.withoutStop). Tried again each minute") }
    try? await Task.sleep(for: .seconds(60))
  }
}
