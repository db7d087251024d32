public import Events
public import Foundation

/// Times as people at this place read them: by the clock on their wall, to the second.
///
/// The exact form stands beside them, for programs and for whoever points at one.
public struct WallClock: Sendable, Hashable {
  /// When the page is made: what is of the same day needs no date.
  public let now: Timestamp
  public let zone: TimeZone

  public init(now: Timestamp, zone: TimeZone = .current) {
    self.now = now
    self.zone = zone
  }

  /// `10:55:03`, with the date before it where it is not today's.
  public func text(_ time: Timestamp) -> String {
    let (day, clock) = parts(time)
    return day == parts(now).day ? String(clock) : "\(day) \(clock)"
  }

  /// `2026-11-24 10:55:03 UTC`: with everything.
  public func whole(_ time: Timestamp) -> String {
    let (day, clock) = parts(time)
    let date = date(time)
    let name = zone.secondsFromGMT(for: date) == 0 ? "UTC" : zone.abbreviation(for: date) ?? zone.identifier
    return "\(day) \(clock) \(name)"
  }

  /// As `text`, in markup with the exact time.
  public func html(_ time: Timestamp) -> HTML { Self.html(time, text(time)) }

  /// As `whole`, in markup with the exact time.
  public func wholeHTML(_ time: Timestamp) -> HTML { Self.html(time, whole(time)) }

  private static func html(_ time: Timestamp, _ text: String) -> HTML {
    "<time datetime=\"\(time.description)\" title=\"\(time.description)\">\(text)</time>"
  }

  /// The local day and time, cut from the form in which a moment is written everywhere.
  private func parts(_ time: Timestamp) -> (day: Substring, clock: Substring) {
    let seconds = zone.secondsFromGMT(for: date(time))
    let local = Timestamp(microseconds: time.microseconds + Int64(seconds) * 1_000_000).description
    return (local.prefix(10), local.dropFirst(11).prefix(8))
  }

  private func date(_ time: Timestamp) -> Date { Date(timeIntervalSince1970: Double(time.microseconds) / 1e6) }
}
