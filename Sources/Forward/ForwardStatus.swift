public import Events

/// Where the delivery of a queue's events to the central stands: for the page, `status`, the metrics and the watchdog.
public struct ForwardStatus: Sendable, Hashable {
  public enum State: String, Sendable, Hashable, CaseIterable {
    /// Not heard of the other end yet.
    case starting
    case sending
    /// The central has everything.
    case idle
    /// Not reached, or not answering as it should; tried again by itself.
    case away
    /// It refuses; a person must set something right. Tried again once a minute.
    case refused
  }

  /// The other end by name: `the central`, or `line PC NAME`.
  public var other: String
  public var url: String
  public var state = State.starting
  public var since: Timestamp
  /// Why it is away or refuses.
  public var reason: String?
  /// The incarnation at work.
  public var incarnation: Incarnation?
  /// All events of it up to here are at the central.
  public var receivedThrough: UInt64 = 0
  public var safeThrough: UInt64 = 0
  /// The last answer that was the other end's.
  public var lastContact: Timestamp?
  /// Since the start.
  public var events: UInt64 = 0
  public var batches: UInt64 = 0
  public var bytes: UInt64 = 0
  /// Steps that failed, by kind.
  public var faults: [String: UInt64] = [:]
  /// How often the two ends had different histories.
  public var conflicts: UInt64 = 0
  /// The last conflict, in words.
  public var conflict: String?
  /// Beats with each step, so that a watchdog can tell work from hanging; at least every two minutes.
  public var beats: UInt64 = 0

  public init(other: String, url: String, since: Timestamp) {
    self.other = other
    self.url = url
    self.since = since
  }

  /// In words, with the moment since when.
  public var words: String {
    switch state {
    case .starting: "looking for \(other) at \(url) since \(since)"
    case .sending: "sending"
    case .idle: "everything up to event \(receivedThrough) is at the central"
    case .away: "\(other) is away since \(since): \(reason ?? "")"
    case .refused: "\(other) refuses since \(since): \(reason ?? "")"
    }
  }
}
