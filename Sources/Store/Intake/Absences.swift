import Events
import GRDB

/// When the central itself was down: it could hear nobody then, so that a silence is only in part the line PC's.
struct Absence: Sendable, Hashable {
  let began: Timestamp
  let ended: Timestamp

  /// Notes, when the store is opened, that the central was down since its last sign of life.
  static func note(until opened: Timestamp, in db: Database) throws {
    let last = try Int64.fetchOne(
      db,
      sql: """
        SELECT MAX(latest) FROM (SELECT CAST(value AS INTEGER) AS latest FROM meta WHERE key = 'alive'
          UNION ALL SELECT MAX(heard) FROM sources) AS signs
        """)
    guard let last, last < opened.microseconds else { return }
    try db.execute(
      sql: "INSERT INTO absences(began, ended) VALUES (?, ?) ON CONFLICT DO NOTHING",
      arguments: [last, opened.microseconds])
  }

  /// Notes that the central is up.
  static func sign(at now: Timestamp, in db: Database) throws {
    try db.execute(
      sql: "INSERT INTO meta(key, value) VALUES ('alive', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value",
      arguments: ["\(now.microseconds)"])
  }

  /// Those that overlap a span, cut to it, in their order.
  static func within(_ from: Timestamp, _ to: Timestamp, in db: Database) throws -> [Absence] {
    try Row.fetchAll(
      db.cachedStatement(sql: "SELECT began, ended FROM absences WHERE ended > ? AND began < ? ORDER BY began"),
      arguments: [from.microseconds, to.microseconds]
    ).map {
      Absence(
        began: max(from, Timestamp(microseconds: $0["began"])), ended: min(to, Timestamp(microseconds: $0["ended"])))
    }
  }
}

/// A span in which a line PC was not heard, and which part of it the central was down.
struct Silence {
  let from: Timestamp
  /// Nil: it goes on.
  let to: Timestamp?
  private let until: Timestamp
  private let absences: [Absence]

  init(from: Timestamp, to: Timestamp?, now: Timestamp, in db: Database) throws {
    self.from = from
    self.to = to
    until = to ?? now
    absences = try Absence.within(from, until, in: db)
  }

  /// How long the central was up and heard nothing.
  var heardNothing: Duration {
    absences.reduce(until.since(from)) { $0 - $1.ended.since($1.began) }
  }

  /// What was not heard, and which part of that is the central's own.
  func reason(_ name: String) -> String {
    let what =
      to == nil
      ? "the line PC \(name) has not been heard since then: is it on, and is its network there?"
      : "the line PC \(name) was not heard"
    guard !absences.isEmpty else { return what }
    let spans = absences.prefix(3).map { "from \($0.began.shown) to \($0.ended.shown)" }.joined(separator: ", ")
    let more = absences.count > 3 ? " and \(absences.count - 3) times more" : ""
    return what + (to == nil ? " " : "; ") + "\(to == nil ? "The" : "the") central itself was down \(spans)\(more), "
      + "and could not have heard it then"
  }
}
