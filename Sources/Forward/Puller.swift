public import Events
public import Logging
private import NIOConcurrencyHelpers

/// Where pulled events go: the same two questions that a pushing edge asks over HTTP.
public struct Intake: Sendable {
  /// How the central stands; through 0 with a zero head where it does not know the incarnation.
  public var position: @Sendable (SourceName, Incarnation) async throws -> Receipt
  /// Notes that a line PC answered.
  public var heard: @Sendable (SourceName) async throws -> Void
  /// Verifies the batch's chain from its bytes (`VerifiedBatch`), stores it, and answers after the commit.
  public var take: @Sendable (SourceName, Batch) async throws -> IngestAnswer

  public init(
    position: @escaping @Sendable (SourceName, Incarnation) async throws -> Receipt,
    heard: @escaping @Sendable (SourceName) async throws -> Void = { _ in },
    take: @escaping @Sendable (SourceName, Batch) async throws -> IngestAnswer
  ) {
    self.position = position
    self.heard = heard
    self.take = take
  }
}

/// Fetches the events of one line PC that does not push, and tells it what the central has.
///
/// The events take the same way into the store as pushed ones, and rows go from the line PC's queue by the same receipts.
public struct Puller: Sendable {
  private let source: SourceName
  private let settings: ForwardSettings
  private let intake: Intake
  private let logger: Logger
  private let box: NIOLockedValueBox<ForwardStatus>
  /// Tests shorten the pauses.
  var limits = DeliveryState.Limits()

  /// - Parameter settings: where the line PC's own pages are, and the token that it asks for.
  public init(source: SourceName, settings: ForwardSettings, intake: Intake, logger: Logger) {
    self.source = source
    self.settings = settings
    self.intake = intake
    self.logger = logger
    box = NIOLockedValueBox(ForwardStatus(other: "line PC \(source)", url: settings.url, since: Moment.now().time))
  }

  /// Where the pull stands now.
  public var status: ForwardStatus { box.withLockedValue { $0 } }

  /// Pulls until the task is cancelled.
  public func run() async {
    while !Task.isCancelled {
      do throws(RouteFault) {
        try await Peer.with(settings) { peer in
          let route = PullRoute(peer: peer, source: source, intake: intake)
          await Delivery(route: route, status: box, logger: logger, limits: limits).run()
        }
      } catch {
        await box.wait(afterFault: error, logger: logger)
      }
    }
  }
}
