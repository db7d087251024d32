public import Events
private import NIOConcurrencyHelpers

/// Where a service listens, and if it does not, why: for the page, `status` and the metrics.
public struct ListenerStatus: Sendable, Hashable {
  /// What it is: `page` or `control`.
  public let name: String
  /// The address or the path.
  public internal(set) var place: String
  /// Nil until the first attempt has ended.
  public internal(set) var isListening: Bool?
  /// Since when it listens or does not.
  public internal(set) var since: Timestamp?
  /// Why it does not, and what to do.
  public internal(set) var reason: String?
  /// Attempts that failed since the start.
  public internal(set) var failures: UInt64 = 0
}

/// What one listener's loop makes known to all others.
public struct ListenerBoard: Sendable {
  private let box: NIOLockedValueBox<ListenerStatus>

  public init(name: String, place: String) { box = NIOLockedValueBox(ListenerStatus(name: name, place: place)) }

  public var status: ListenerStatus { box.withLockedValue { $0 } }

  /// It listens at `place` from now on.
  public func listens(at place: String) {
    box.withLockedValue { status in
      if status.isListening != true { status.since = Moment.now().time }
      (status.place, status.isListening, status.reason) = (place, true, nil)
    }
  }

  /// It does not listen; true where that, or the reason, is news.
  public func fails(_ reason: String) -> Bool {
    box.withLockedValue { status in
      let isNews = status.isListening != false || status.reason != reason
      if status.isListening != false { status.since = Moment.now().time }
      (status.isListening, status.reason) = (false, reason)
      status.failures += 1
      return isNews
    }
  }
}
