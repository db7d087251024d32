import Events
import Foundation
import GRDB

/// Where a queue says that an incarnation ended, of which more is here, or something else.
///
/// Two queues may have gone on from one incarnation, a PC and its clone. Lines under the same numbers are told apart by
/// their hashes; but where rows have gone from both, a central that was put back gets the beginning from the one and the
/// end from the other, with a declared hole between them that hides the seam. What the one says of its end is the witness.
enum Endings {
  /// What may not be what it seems.
  struct Doubt {
    /// Where that queue ended.
    let through: Int64
    /// Until here nothing proves whose events these are.
    let last: Int64
    /// Tells two queues that ended under one number apart.
    let mark: String
    let reason: String
  }

  private static let most = 64

  /// Keeps what a batch without lines says, where it is news; true if it is.
  static func note(_ batch: Batch, _ known: Identities.Position, in db: Database) throws -> Bool {
    let through = Int64(batch.first) - 1
    guard through > 0, through <= known.through, through < known.through || batch.previous != known.head else {
      return false
    }
    // So many only a client that is not ours can tell of; each costs a look at the chain.
    try db.execute(
      sql: """
        INSERT INTO endings(incarnation, through, head) SELECT ?1, ?2, ?3
        WHERE (SELECT COUNT(*) FROM endings WHERE incarnation = ?1) < \(most) ON CONFLICT DO NOTHING
        """, arguments: [known.id, through, Data(batch.previous.bytes)])
    return db.changesCount > 0
  }

  /// What follows from the endings of an incarnation and what is stored of it.
  static func doubts(of incarnation: Int64, in db: Database) throws -> [Doubt] {
    let endings = try Row.fetchAll(
      db, sql: "SELECT through, head FROM endings WHERE incarnation = ? ORDER BY through, head",
      arguments: [incarnation])
    return try endings.compactMap { row in
      guard let head = ChainHash(row.bytes("head")) else { return nil }
      return try doubt(incarnation, through: row["through"], head, in: db)
    }
  }

  private static func doubt(_ incarnation: Int64, through: Int64, _ head: ChainHash, in db: Database) throws -> Doubt? {
    let mark = ":\("\(head)".prefix(16))"
    let other = Doubt(
      through: through, last: through, mark: mark,
      reason: "a queue of this incarnation ended with another event \(through) than is here: two queues used this "
        + "name, or one was put back; what that one accepted up to there may be lost")
    // Whoever wrote the line that follows had all before it, or had something else.
    if let next = try Row.fetchOne(
      db, sql: "SELECT previous FROM events WHERE key = ?",
      arguments: [EventKey(incarnation: incarnation, sequence: through + 1).packed])
    {
      return next.bytes("previous") == head.bytes ? nil : other
    }
    if let ours = try hash(after: through, of: incarnation, in: db), ours != head { return other }
    let seam = try Row.fetchOne(
      db,
      sql: """
        SELECT h.first, h.last FROM holes h JOIN incarnations i ON i.id = h.incarnation
        WHERE h.incarnation = ? AND h.first BETWEEN 2 AND ? AND h.last > ? AND i.through > ? ORDER BY h.first LIMIT 1
        """, arguments: [incarnation, through + 1, through, through])
    guard let seam else { return nil }
    let (first, last) = (seam["first"] as Int64, seam["last"] as Int64)
    return Doubt(
      through: through, last: last, mark: mark,
      reason: "two queues used this incarnation: one ended with event \(through), another went on; the events "
        + "\(first) to \(last) are lost, and nothing proves which of the two those before them are of: what the other "
        + "one accepted under their numbers may be lost")
  }

  /// The hash after an event as its own line tells it, the hole behind it, or the head where it is the last.
  private static func hash(after number: Int64, of incarnation: Int64, in db: Database) throws -> ChainHash? {
    if let row = try Row.fetchOne(
      db, sql: "SELECT previous, line FROM events WHERE key = ?",
      arguments: [EventKey(incarnation: incarnation, sequence: number).packed])
    {
      return ChainHash(row.bytes("previous"))?.extended(by: row.bytes("line"))
    }
    let told = try Row.fetchOne(
      db,
      sql: """
        SELECT before AS head FROM holes WHERE incarnation = ?1 AND first = ?2 + 1
        UNION ALL SELECT head FROM incarnations WHERE id = ?1 AND through = ?2
        """, arguments: [incarnation, number])
    return told.flatMap { ChainHash($0.bytes("head")) }
  }
}
