/// Says which comings and goings of the other end (a device, the central, the disk) are worth a line in the log.
///
/// Pure. The first ones are told as they happen. One that comes and goes without end (a loose plug, a PLC that hangs up
/// after each answer) is told once in a while with their number; the events have each of them.
public struct OutageLog: Sendable {
  /// Outages that are told as they happen, within an interval.
  static let most = 5
  /// Reasons of one outage that are told: more come and go in turns, and say nothing new.
  static let mostReasons = 4
  static let interval: Duration = .seconds(600)

  private var began: ContinuousClock.Instant?
  private var outages = 0
  private var untold = 0
  private var reasons = 0
  /// Whether the last outage was told, so that its end is.
  public private(set) var tellsReturn = true

  public init() {}

  /// Takes one more outage, or another reason of the one that lasts (`isFirst` false).
  ///
  /// - Returns: what the line in the log says beside the reason (often nothing); nil where it is not to be written.
  public mutating func tellsOutage(isFirst: Bool, at now: ContinuousClock.Instant = .now) -> String? {
    guard isFirst else {
      reasons += 1
      return tellsReturn && reasons < Self.mostReasons ? "" : nil
    }
    reasons = 0
    if let began, now - began < Self.interval {
      outages += 1
    } else {
      began = now
      outages = 1
    }
    tellsReturn = outages <= Self.most
    guard tellsReturn else {
      untold += 1
      return nil
    }
    defer { untold = 0 }
    if outages == Self.most {
      return "; it comes and goes: further outages are in the events, here again in ten minutes"
    }
    return untold == 0 ? "" : "; it was away \(untold) times more since the last line about it"
  }
}
