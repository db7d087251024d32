/// Who asks next on a bus, among all that are ready: one request at a time.
///
/// Each poll has until its group's next slot; the one with the least time left goes first, so that a fast group does
/// not wait for the many requests of a slow one but only for the one in flight, and no unit is passed over for ever.
/// Polls whose time is over take turns with those that are in time, so that what is too slow costs the others one
/// request at a time. Pure, and without an array: it is made for every request.
struct TurnChoice: Sendable {
  /// Who asks.
  struct Turn: Sendable, Hashable {
    let device: Int
    /// Nil: a single cheap question, to see whether the device is there again, or the lamp.
    let group: Int?
    /// The coil of the lamp is written.
    var isLamp = false
  }

  /// What is remembered from one choice to the next.
  struct Last: Sendable, Hashable {
    fileprivate var turn: Turn?
    fileprivate var wasLate = false

    init() {}
  }

  private struct Candidate {
    let turn: Turn
    let deadline: ContinuousClock.Instant
  }

  private let now: ContinuousClock.Instant
  private let last: Last
  private var late: Candidate?
  private var timely: Candidate?
  /// When the next one that is not ready will be.
  private(set) var next: ContinuousClock.Instant?

  init(at now: ContinuousClock.Instant, after last: Last) {
    self.now = now
    self.last = last
  }

  /// Somebody who wants to ask from `ready` on and has until `deadline`.
  mutating func offer(_ turn: Turn, ready: ContinuousClock.Instant, deadline: ContinuousClock.Instant) {
    guard ready <= now else {
      wait(until: ready)
      return
    }
    let candidate = Candidate(turn: turn, deadline: deadline)
    if deadline > now {
      if timely.map({ deadline < $0.deadline }) ?? true { timely = candidate }
    } else if let other = late {
      // Who was served last comes behind the others.
      let isBetter = other.turn == last.turn || (turn != last.turn && deadline < other.deadline)
      if isBetter { late = candidate }
    } else {
      late = candidate
    }
  }

  /// Nobody of those is ready before.
  mutating func wait(until instant: ContinuousClock.Instant) { next = next.map { min($0, instant) } ?? instant }

  /// Whose turn it is; nil where nobody is ready.
  var turn: Turn? {
    guard let late else { return timely?.turn }
    guard let timely else { return late.turn }
    // Who has just asked lets the other in, also where its time ended, or began anew, with that request.
    if late.turn == last.turn { return timely.turn }
    if timely.turn == last.turn { return late.turn }
    return last.wasLate ? timely.turn : late.turn
  }

  /// To be handed to the next choice.
  var taken: Last {
    var taken = last
    taken.turn = turn
    taken.wasLate = late != nil && turn == late?.turn
    return taken
  }
}
