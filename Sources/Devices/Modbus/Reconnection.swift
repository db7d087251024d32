/// How long to wait before a device is tried again.
///
/// At once after the first fault, then with pauses that double from about half a second to 30, for ever; the
/// first good answer starts over. Jitter keeps a line's devices from all knocking at the same moment. A connection
/// that did not last as long as the shortest pause is not followed at once: a device that answers and hangs up,
/// again and again, would be asked hundreds of times a second.
struct Reconnection: Sendable, Hashable {
  static let shortest: Duration = .milliseconds(500)
  static let longest: Duration = .seconds(30)

  private(set) var failures = 0
  /// A serial line's file is looked for more often, since that costs nobody anything.
  private let upper: Duration

  init(longest: Duration = Self.longest) { upper = longest }

  /// The pause after one more failure; `random` is from 0 up to 1, `tried` how long ago the connection was begun.
  mutating func failed(random: Double, tried: Duration) -> Duration {
    failures += 1
    guard failures > 1 else { return max(.zero, Self.shortest - tried) }
    // Doubling beyond the longest changes nothing and would overflow in the end.
    let doubled = Self.shortest * (1 << min(failures - 1, 10))
    let longest = min(doubled, upper)
    return max(Self.shortest, longest * (0.5 + random / 2))
  }

  mutating func answered() { failures = 0 }
}

/// A fixed rhythm: slots lie `every` apart, whatever a poll takes, after a first poll at once.
///
/// A slot that has passed when its turn comes is missed and counted; it is never made up for. The second poll follows
/// the first sooner than all others, by a part of `every` that is the device's own: devices that begin together, as all
/// do when the daemon starts, are asked one after the other from then on and not all in the same moment.
struct Cadence: Sendable, Hashable {
  let every: Duration
  /// When the next poll is due.
  private(set) var due: ContinuousClock.Instant
  /// When it counts as late: a second poll that is due sooner only for the sake of the others is not.
  private var owed: ContinuousClock.Instant
  /// From the first poll to the second; nil afterwards.
  private var first: Duration?

  init(every: Duration, from start: ContinuousClock.Instant) {
    self.every = every
    due = start
    owed = start
  }

  /// Begins the poll that is due and says how many slots passed in the meantime.
  mutating func take(at now: ContinuousClock.Instant) -> UInt64 {
    let missed = max(.zero, now - owed) / every
    owed += every * Int(missed) + every
    due += first ?? every
    first = nil
    if due <= now { due += every * (Int((now - due) / every) + 1) }
    owed = max(due, owed)
    return UInt64(missed)
  }

  /// Starts over: what lies before `start` is another matter than missed polls.
  ///
  /// - Parameter phase: from 0 up to 1, wherever in its rhythm the device shall be.
  mutating func restart(at start: ContinuousClock.Instant, phase: Double = 1) {
    due = start
    owed = start
    // Not much sooner than asked for: a device may take its time for an answer.
    first = every * (0.25 + 0.75 * phase)
  }
}
