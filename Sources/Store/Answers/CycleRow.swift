import Events
import GRDB

/// A projected cycle: what walks and grading need of it without reading its event.
struct CycleRow: Sendable, Hashable {
  let key: EventKey
  let station: String
  let time: Timestamp
  let unit: String?
  let lot: String?
  let product: String?
  let result: String?

  static let columns = "c.incarnation, c.sequence, c.station, c.time, c.unit, c.lot, c.product, c.result"

  init(_ row: Row) {
    key = EventKey(row)
    station = row["station"]
    time = Timestamp(microseconds: row["time"])
    unit = row["unit"]
    lot = row["lot"]
    product = row["product"]
    result = row["result"]
  }

  /// In SQL: the cycles that are stamped with a production lot; by the index of links, which has each of them.
  static let ofLot = """
    links l JOIN cycles c ON c.incarnation = l.incarnation AND c.sequence = l.sequence AND c.lot = l.id
    WHERE l.kind = 'lot' AND l.id = ? AND l.field = 'lot'
    """

  /// The cycles that were, or may have been, of this unit.
  static func of(unit: String, in db: Database) throws -> [(cycle: CycleRow, isDoubtful: Bool)] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT \(columns), u.doubt FROM cycle_units u
          JOIN cycles c ON c.incarnation = u.incarnation AND c.sequence = u.sequence
          WHERE u.unit = ? ORDER BY c.time, c.incarnation, c.sequence
          """), arguments: [unit]
    ).map { (CycleRow($0), ($0["doubt"] as Int64) != 0) }
  }

  /// The cycles stamped with this production lot.
  static func of(lot: String, limit: Int, in db: Database) throws -> [CycleRow] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT \(columns) FROM \(ofLot) ORDER BY c.time, c.incarnation, c.sequence LIMIT ?"),
      arguments: [lot, limit]
    ).map { CycleRow($0) }
  }

  static func at(_ key: EventKey, in db: Database) throws -> CycleRow? {
    try Row.fetchOne(
      db.cachedStatement(sql: "SELECT \(columns) FROM cycles c WHERE c.incarnation = ? AND c.sequence = ?"),
      arguments: [key.incarnation, key.sequence]
    ).map { CycleRow($0) }
  }

  /// What the event itself says; nil where its line is held.
  func data(in db: Database) throws -> CycleData? { try event(in: db)?.data }

  /// With the event's own boot time in microseconds; nil where its line is held.
  func event(in db: Database) throws -> (data: CycleData, boottime: Int64)? {
    let line = try Row.fetchOne(
      db.cachedStatement(sql: "SELECT line FROM events WHERE key = ?"), arguments: [key.packed])?.bytes("line")
    guard let line, let envelope = try? Envelope(line: line), let json = JSON(storing: line[envelope.data]) else {
      return nil
    }
    return CycleData(json).map { ($0, envelope.moment.boottimeMicroseconds) }
  }

  /// How many cycles the station had after `low` and up to `high`, counted no further than `limit`.
  static func count(at station: String, after low: EventKey, through high: EventKey, limit: Int, in db: Database) throws
    -> Int
  {
    try Int.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT COUNT(*) FROM (SELECT 1 FROM cycles WHERE station = ?
          AND (incarnation, sequence) > (?, ?) AND (incarnation, sequence) <= (?, ?) LIMIT ?) AS counted
          """), arguments: [station, low.incarnation, low.sequence, high.incarnation, high.sequence, limit]) ?? 0
  }
}
