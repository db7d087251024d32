internal import Events

/// How much is kept of frames that cannot be used.
///
/// The first are kept one by one, with their bytes; a line that gives nothing else (a wrong speed, a plug that shakes)
/// would fill the queue with them. So from then on one in a while is kept, and the others are counted.
struct Evidence: Sendable {
  /// Frames that are kept one by one.
  static let most = 8
  /// After so long one more is kept, and those that were counted are told.
  static let interval: UInt64 = 60_000_000_000

  /// Frames that were only counted.
  struct Folded: Sendable, Hashable {
    var count: UInt64
    var bytes: UInt64
    let from: Moment
    var to: Moment
    /// Why the last one could not be used.
    var problem: String
  }

  private var left = most
  private var refilled: UInt64 = 0
  private(set) var folded: Folded?

  /// Whether a frame is kept; otherwise it has been counted.
  mutating func keeps(_ raw: [UInt8], _ problem: String, at moment: Moment) -> Bool {
    refill(at: moment.boottimeNanoseconds)
    if left > 0 {
      left -= 1
      return true
    }
    if folded == nil { folded = Folded(count: 0, bytes: 0, from: moment, to: moment, problem: problem) }
    folded?.count += 1
    folded?.bytes += UInt64(raw.count)
    folded?.to = moment
    folded?.problem = problem
    return false
  }

  private mutating func refill(at now: UInt64) {
    if left == Self.most { refilled = now }
    let more = (max(now, refilled) - refilled) / Self.interval
    guard more > 0 else { return }
    refilled += more * Self.interval
    left = Int(min(UInt64(Self.most), UInt64(left) + more))
  }

  /// What was counted, where it is time to tell it: after the interval, or at once where `isOver`.
  mutating func due(at boottimeNanoseconds: UInt64, isOver: Bool) -> Folded? {
    guard let found = folded else { return nil }
    guard isOver || boottimeNanoseconds >= found.from.boottimeNanoseconds + Self.interval else { return nil }
    folded = nil
    return found
  }
}
