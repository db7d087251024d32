public import Events
import GRDB

/// What is to be said of a time beside the time itself; nothing where the line PC's clock was synchronised in its boot.
public enum TimeDoubt: Sendable, Hashable {
  /// The time was put right by a later synchronisation of the same boot; the event says this one.
  case corrected(original: Timestamp)
  /// In that boot no time source ever vouched for the clock: the time is as it was stamped.
  case unsynchronised

  /// As two fields of an object: `clock`, and where the time was put right `original`.
  public func write(to writer: inout JSONWriter) {
    switch self {
    case .corrected(let original):
      writer.field("clock", "corrected")
      writer.field("original", original)
    case .unsynchronised: writer.field("clock", "unsynchronised")
    }
  }
}

/// What an event's time is in truth, beside its line, which stays as it was made.
public struct EventTime: Sendable, Hashable {
  /// The event.
  public let id: String
  public let time: Timestamp
  public let doubt: TimeDoubt

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("id", id)
      writer.field("time", time)
      doubt.write(to: &writer)
    }
  }
}

extension Grader {
  /// The clock of the boot that an event is of.
  func clock(at key: EventKey) throws -> BootClock? {
    if let known = clocks[key.incarnation] { return try known.clock(at: key) }
    let source = try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT source FROM incarnations WHERE id = ?"), arguments: [key.incarnation])
    let made = Clocks(db, source: source ?? 0)
    clocks[key.incarnation] = made
    return try made.clock(at: key)
  }

  /// What is to be said of an event's time.
  func doubt(of key: EventKey) throws -> TimeDoubt? {
    guard let clock = try clock(at: key) else { return nil }
    guard clock.isKnown else { return .unsynchronised }
    guard !clock.isPlain, try Corrections.time(of: key, in: db) != nil else { return nil }
    return try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT time FROM events WHERE key = ?"), arguments: [key.packed]
    ).map { .corrected(original: Timestamp(microseconds: $0)) }
  }
}
