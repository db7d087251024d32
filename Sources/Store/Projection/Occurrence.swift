import Events
import GRDB

/// An event in its place, at the time when it happened in truth.
struct Occurrence {
  let key: EventKey
  let envelope: Envelope
  /// Of the boot that it is of; nil where that is not known.
  let clock: BootClock?
  let time: Timestamp

  init(key: EventKey, envelope: Envelope, clock: BootClock?) {
    self.key = key
    self.envelope = envelope
    self.clock = clock
    time = clock?.time(of: envelope.moment) ?? envelope.time
  }

  /// The event's own time.
  var own: ToldTime { ToldTime(time, stamped: envelope.time) }

  /// A time that the event tells of; `former` is the clock of the boot before, if it may be of that.
  func time(of told: Timestamp, before former: BootClock? = nil) -> ToldTime {
    let truth =
      clock?.time(of: told, toldAt: envelope.moment.boottimeMicroseconds) ?? former?.time(of: told, toldAt: .max)
    return ToldTime(truth ?? told, stamped: told)
  }
}

/// A time in truth, and what the line PC's clock said then, where that was another.
struct ToldTime: Sendable, Hashable {
  let time: Timestamp
  private let original: Timestamp

  init(_ time: Timestamp, stamped: Timestamp? = nil) {
    self.time = time
    original = stamped ?? time
  }

  /// From an event's columns `time` and `truth`.
  init(_ row: Row) {
    self.init(Timestamp(microseconds: row["truth"]), stamped: Timestamp(microseconds: row["time"]))
  }

  var microseconds: Int64 { time.microseconds }
  /// Nil where it is the same.
  var stamped: Int64? { original == time ? nil : original.microseconds }
}

/// The events that happened at another time than they say.
enum Corrections {
  static func note(_ event: Occurrence, in db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO corrected(incarnation, sequence, time) VALUES (?, ?, ?)
        ON CONFLICT(incarnation, sequence) DO UPDATE SET time = excluded.time
        """
    ).execute(arguments: [event.key.incarnation, event.key.sequence, event.time.microseconds])
  }

  static func remove(_ key: EventKey, in db: Database) throws {
    try db.cachedStatement(sql: "DELETE FROM corrected WHERE incarnation = ? AND sequence = ?")
      .execute(arguments: [key.incarnation, key.sequence])
  }

  static func time(of key: EventKey, in db: Database) throws -> Timestamp? {
    try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT time FROM corrected WHERE incarnation = ? AND sequence = ?"),
      arguments: [key.incarnation, key.sequence]
    ).map { Timestamp(microseconds: $0) }
  }

  static func areAny(in keys: ClosedRange<EventKey>, _ db: Database) throws -> Bool {
    try Bool.fetchOne(
      db.cachedStatement(
        sql: "SELECT EXISTS(SELECT 1 FROM corrected WHERE incarnation = ? AND sequence BETWEEN ? AND ?)"),
      arguments: [keys.lowerBound.incarnation, keys.lowerBound.sequence, keys.upperBound.sequence]) ?? false
  }

  /// In SQL: when an event of this table happened in truth.
  static func time(of events: String) -> String {
    """
    COALESCE((SELECT k.time FROM corrected k WHERE k.incarnation = \(events).key >> \(EventKey.sequenceBits)
      AND k.sequence = \(events).key & \(EventKey.sequenceMask)), \(events).time)
    """
  }
}
