/// Whether a device that does not answer is asked now, and how much.
///
/// A dead unit costs all that share its bus a whole time limit with each question. So after three faults in a row it
/// gets a single cheap question, with pauses that grow to half a minute, until it answers: its neighbours lose three
/// time limits and then one each half minute at most. Pure: no clock of its own.
struct Breaker: Sendable, Hashable {
  /// Faults in a row after which only a cheap question is asked.
  static let patience = 3

  private var reconnection = Reconnection()
  /// The device is not asked before; nil while nothing is wrong.
  private(set) var notBefore: ContinuousClock.Instant?

  /// Only a cheap question is asked.
  var isOpen: Bool { reconnection.failures >= Self.patience }

  /// One more fault.
  ///
  /// - Parameters:
  ///   - random: from 0 up to 1.
  ///   - tried: how long ago the connection was made.
  ///   - rested: the device is left alone for so long at least. Where nothing tells a late answer from a right one (RTU),
  ///     that is the time limit once more: only an answer that takes twice the limit could still be taken for another's.
  mutating func failed(
    at now: ContinuousClock.Instant, random: Double, tried: Duration, rested: Duration = .zero
  ) {
    notBefore = now + max(rested, reconnection.failed(random: random, tried: tried))
  }

  mutating func answered() {
    guard notBefore != nil else { return }
    self = Breaker()
  }
}
