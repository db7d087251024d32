import Events
import GRDB

/// How far each source was received: what is missing before this time is missing, what is later is still to come.
///
/// It is the time of the newest event by number, of each incarnation, so that one event with a wrong clock counts only
/// until the next one comes; and where the newest says a time that the central itself had not reached when it
/// last heard the source, it is that. Both follow from the events and from what was heard, whenever they are asked.
enum Horizons {
  /// How far a line PC's clock may be ahead of ours before its times are not believed.
  static let tolerance = Duration.seconds(60)

  /// Notes the newest event of a batch.
  static func note(_ key: EventKey, at time: Timestamp, source: Int64, in db: Database) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO horizons(source, incarnation, sequence, latest) VALUES (?, ?, ?, ?)
        ON CONFLICT(source, incarnation) DO UPDATE SET sequence = excluded.sequence, latest = excluded.latest
        WHERE excluded.sequence > horizons.sequence
        """
    ).execute(arguments: [source, key.incarnation, key.sequence, time.microseconds])
  }

  /// The horizon of each source that has events, by its row.
  static func all(in db: Database) throws -> [Int64: Timestamp] {
    let rows = try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT h.source, s.heard, COUNT(*) AS known,
            MAX(CASE WHEN s.heard IS NULL OR h.latest <= s.heard + ? THEN h.latest END) AS believed
          FROM horizons h JOIN sources s ON s.id = h.source GROUP BY h.source, s.heard
          """), arguments: [tolerance.wholeMicroseconds])
    var horizons: [Int64: Timestamp] = [:]
    for row in rows { horizons[row["source"]] = row.time("believed") ?? row.time("heard") }
    return horizons
  }
}
