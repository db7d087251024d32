import Events

/// When a held event is sent again: one after a pause, which doubles with each that is refused.
///
/// After the start each is tried once without a pause, since a restart often means that something was set right; and
/// once the central takes one the next follows at once, since what was set right is right for others.
struct HeldRetries: Sendable {
  typealias Instant = ContinuousClock.Instant

  private let leastPause: Duration
  private let longestPause: Duration
  /// In the order of their turns.
  private(set) var waiting: [EventID] = []
  /// Turns that are left of the first round.
  private var fresh = 0
  private var hasBegun = false
  private var pause: Duration
  private var due: Instant?

  init(leastPause: Duration, longestPause: Duration) {
    self.leastPause = leastPause
    self.longestPause = longestPause
    pause = leastPause
  }

  /// Takes what was held at the start; later calls change nothing.
  mutating func begin(_ held: [EventID]) {
    guard !hasBegun else { return }
    (hasBegun, waiting, fresh) = (true, held, held.count)
  }

  /// Takes an event that is held from now on.
  mutating func add(_ id: EventID, at now: Instant) {
    waiting.removeAll { $0 == id }
    waiting.append(id)
    if due == nil, fresh == 0 { due = now + pause }
  }

  /// The event whose turn it is, of those that `isSent` (the digest is at the central); nil while it is nobody's.
  func next(at now: Instant, isSent: (EventID) -> Bool) -> EventID? {
    guard due.map({ $0 <= now }) ?? true else { return nil }
    return waiting.first(where: isSent)
  }

  /// How long until the next turn; nil where none is waited for.
  func untilNext(at now: Instant) -> Duration? {
    guard !waiting.isEmpty, let due else { return nil }
    return max(.zero, due - now)
  }

  /// The event was refused again, or did not arrive.
  mutating func refused(_ id: EventID, at now: Instant) {
    guard let index = waiting.firstIndex(of: id) else { return }
    waiting.append(waiting.remove(at: index))
    if fresh > 0 {
      fresh -= 1
      due = fresh > 0 ? nil : now + pause
      return
    }
    due = now + pause
    pause = min(pause * 2, longestPause)
  }

  /// The event is held no longer; `isTaken`: because the central took it.
  mutating func ended(_ id: EventID, isTaken: Bool) {
    guard let index = waiting.firstIndex(of: id) else { return }
    waiting.remove(at: index)
    fresh = max(0, min(fresh - 1, waiting.count))
    guard isTaken || waiting.isEmpty else { return }
    (pause, due) = (leastPause, nil)
  }
}
