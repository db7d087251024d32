import Events
import Foundation
import GRDB

/// The rows of sources and incarnations: events name them by number.
enum Identities {
  struct Position {
    let id: Int64
    var through: Int64
    var head: ChainHash
    /// Events up to here are in a verified backup.
    var safe: Int64
  }

  /// The row of a source, made where there is none.
  static func source(_ name: SourceName, in db: Database) throws -> Int64 {
    if let id = try existing(name, in: db) { return id }
    try db.execute(sql: "INSERT INTO sources(name) VALUES (?)", arguments: [name.description])
    return db.lastInsertedRowID
  }

  static func existing(_ name: SourceName, in db: Database) throws -> Int64? {
    try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT id FROM sources WHERE name = ?"), arguments: [name.description])
  }

  static func position(of source: Int64, _ incarnation: Incarnation, in db: Database) throws -> Position? {
    let row = try Row.fetchOne(
      db.cachedStatement(sql: "SELECT id, through, head, safe FROM incarnations WHERE source = ? AND name = ?"),
      arguments: [source, incarnation.description])
    guard let row else { return nil }
    return Position(
      id: row["id"], through: row["through"], head: ChainHash(Array(row["head"] as Data)) ?? .zero, safe: row["safe"])
  }

  static func insert(_ incarnation: Incarnation, of source: Int64, in db: Database) throws -> Position {
    try db.execute(
      sql: "INSERT INTO incarnations(source, name, through, head) VALUES (?, ?, 0, ?)",
      arguments: [source, incarnation.description, Data(ChainHash.zero.bytes)])
    let id = db.lastInsertedRowID
    guard id <= EventKey.lastIncarnation else {
      throw StoreError("the store has taken \(id) incarnations, more than it can number: begin a new store")
    }
    return Position(id: id, through: 0, head: .zero, safe: 0)
  }

  static func save(_ position: Position, in db: Database) throws {
    try db.execute(
      sql: "UPDATE incarnations SET through = ?, head = ?, safe = ? WHERE id = ?",
      arguments: [position.through, Data(position.head.bytes), position.safe, position.id])
  }

  /// What the source is told; without backups that the central is to take, what is received is as safe as it gets.
  static func receipt(_ source: SourceName, _ incarnation: Incarnation, _ position: Position?, _ rules: TraceRules)
    -> Receipt
  {
    let through = UInt64(position?.through ?? 0)
    return Receipt(
      source: source, incarnation: incarnation, receivedThrough: through, head: position?.head ?? .zero,
      safeThrough: rules.hasBackups ? min(through, UInt64(position?.safe ?? 0)) : through)
  }

  /// The names of incarnations, for the ids that people and programs see.
  static func event(_ key: EventKey, in db: Database) throws -> EventReference? {
    let row = try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT s.name AS source, i.name AS incarnation FROM incarnations i JOIN sources s ON s.id = i.source
          WHERE i.id = ?
          """), arguments: [key.incarnation])
    guard let row else { return nil }
    return EventReference(source: row["source"], id: "\(row["incarnation"] as String):\(key.sequence)")
  }
}
