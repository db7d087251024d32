import Events
import GRDB

/// When a source was not heard for too long.
///
/// This depends on when the central received something, which no event says: it is kept in a table of its own,
/// outside of the projections that are made again.
enum Silences {
  /// Notes that the source is heard now, and the silence that this ends.
  static func heard(
    _ source: Int64, at now: Timestamp, rules: TraceRules, in db: Database
  ) throws {
    let heard = try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT heard FROM sources WHERE id = ?"), arguments: [source])
    if let heard {
      let since = Timestamp(microseconds: heard)
      // What the central was down is not the line PC's silence; but the silence begins where it was last heard.
      if now.since(since) > rules.sourceSilentAfter,
        try Silence(from: since, to: now, now: now, in: db).heardNothing > rules.sourceSilentAfter
      {
        try db.execute(
          sql: "INSERT INTO silences(source, began, ended) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
          arguments: [source, since.microseconds, now.microseconds])
      }
    }
    try db.cachedStatement(sql: "UPDATE sources SET heard = ? WHERE id = ?")
      .execute(arguments: [now.microseconds, source])
  }
}
