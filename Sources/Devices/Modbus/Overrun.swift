import Events

/// Polls that a group should have made and did not, put together into one hole as long as it lasts.
struct Overrun: Sendable, Hashable {
  /// One hole is told after this time at the latest, so that a lasting one is seen before its end.
  static let longest: Duration = .seconds(60)

  /// A hole is over when no poll was missed for so long: a device at its limit gives one hole, not one a slip.
  static let calm: Duration = .seconds(5)

  struct Missed: Sendable, Hashable {
    var from: Timestamp
    var to: Timestamp
    var count: UInt64
  }

  private var open: Missed?
  private var previous: Timestamp?

  /// Takes a poll that was answered, with the slots that had passed before it; gives the hole that is over.
  mutating func polled(at time: Timestamp, missed: UInt64) -> Missed? {
    defer { previous = time }
    guard missed > 0 else {
      guard let hole = open, time.since(hole.to) >= Self.calm else { return nil }
      open = nil
      return hole
    }
    var hole = open ?? Missed(from: previous ?? time, to: time, count: 0)
    hole.to = time
    hole.count += missed
    open = hole
    guard hole.to.since(hole.from) >= Self.longest else { return nil }
    open = nil
    return hole
  }

  /// The connection broke or the daemon stops: gives what is open; what follows is not a missed poll.
  mutating func interrupted() -> Missed? {
    defer {
      open = nil
      previous = nil
    }
    return open
  }
}
