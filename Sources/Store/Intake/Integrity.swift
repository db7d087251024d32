import Events
import GRDB

/// The gaps that the chain itself shows: numbers declared lost, lines that are held, other bytes under a number.
enum Integrity {
  /// Whether the event after a hole, a held line or a conflict, which ends that gap, is still to come.
  static func isUnfinished(_ incarnation: Int64, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT EXISTS(SELECT 1 FROM gaps WHERE incarnation = ? AND \(Schema.ofChain) AND ended IS NULL)
          """), arguments: [incarnation]) ?? false
  }

  /// Makes these gaps of one incarnation again from what is stored.
  static func project(incarnation: Int64, source: Int64, in db: Database) throws {
    try db.execute(
      sql: "DELETE FROM gaps WHERE incarnation = ? AND \(Schema.ofChain)", arguments: [incarnation])
    guard
      let name = try String.fetchOne(db, sql: "SELECT name FROM incarnations WHERE id = ?", arguments: [incarnation])
    else { return }
    try dropFilledHoles(incarnation, in: db)
    let holes = try Row.fetchAll(
      db, sql: "SELECT first, last FROM holes WHERE incarnation = ?", arguments: [incarnation])
    for row in holes {
      let (first, last) = (row["first"] as Int64, row["last"] as Int64)
      try insert(
        "sequence-hole", name, incarnation, source, first: first, last: last,
        "the source declared the events \(first) to \(last) lost", in: db)
    }
    let held = try Int64.fetchAll(
      db, sql: "SELECT key FROM events WHERE type = '' AND key BETWEEN ? AND ?",
      arguments: EventKey.all(of: incarnation))
    for number in held.map({ EventKey(packed: $0).sequence }) {
      try insert(
        "held", name, incarnation, source, first: number, last: number,
        "the source holds event \(number) back: only its digest is here", in: db)
    }
    let fork = try Int64.fetchOne(
      db, sql: "SELECT MIN(sequence) FROM conflicts WHERE incarnation = ?", arguments: [incarnation])
    if let fork {
      let isOurs = try Bool.fetchOne(
        db, sql: "SELECT EXISTS(SELECT 1 FROM events WHERE key = ?)",
        arguments: [EventKey(incarnation: incarnation, sequence: fork).packed])
      try insert(
        "conflict", name, incarnation, source, first: fork, last: fork,
        isOurs == true
          ? "other bytes were sent under number \(fork): two queues use this name, or one was put back; both are kept"
          : "event \(fork) was declared lost and came after all, but nothing proves that it is of this history: it is kept",
        in: db)
    }
    for doubt in try Endings.doubts(of: incarnation, in: db) {
      try insert(
        "conflict", name, incarnation, source, first: doubt.through, last: doubt.last, mark: doubt.mark, doubt.reason,
        in: db)
    }
  }

  private static func dropFilledHoles(_ incarnation: Int64, in db: Database) throws {
    let zero = EventKey(incarnation: incarnation, sequence: 0).packed
    try db.execute(
      sql: """
        DELETE FROM holes WHERE incarnation = ? AND last - first + 1 = (
          SELECT COUNT(*) FROM events WHERE key BETWEEN ? + holes.first AND ? + holes.last)
        """, arguments: [incarnation, zero, zero])
  }

  private static func insert(
    _ kind: String, _ name: String, _ incarnation: Int64, _ source: Int64, first: Int64, last: Int64,
    mark: String = "", _ reason: String, in db: Database
  ) throws {
    let all = EventKey.all(of: incarnation)
    let began = try Row.fetchOne(
      db,
      sql: """
        SELECT time, \(Corrections.time(of: "events")) AS truth FROM events
        WHERE key BETWEEN ? AND ? AND key < ? AND time IS NOT NULL ORDER BY key DESC LIMIT 1
        """, arguments: all + [EventKey(incarnation: incarnation, sequence: first).packed])
    let ended = try Row.fetchOne(
      db,
      sql: """
        SELECT time, \(Corrections.time(of: "events")) AS truth FROM events
        WHERE key BETWEEN ? AND ? AND key > ? AND time IS NOT NULL ORDER BY key LIMIT 1
        """, arguments: all + [EventKey(incarnation: incarnation, sequence: last).packed])
    try GapRow(
      id: "\(kind):\(name):\(first)\(mark)", kind: kind, source: source,
      key: EventKey(incarnation: incarnation, sequence: first),
      began: began.map { ToldTime($0) }, ended: ended.map { ToldTime($0) }, count: last - first + 1, reason: reason
    ).insert(in: db)
  }
}
