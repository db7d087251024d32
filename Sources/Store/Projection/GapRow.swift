import Events
import GRDB

/// A row of the ledger of gaps.
struct GapRow {
  /// From what the gap is about, so that a rebuild gives the same.
  var id: String
  var kind: String
  var source: Int64?
  /// The event that told of it.
  var key: EventKey?
  var station: String?
  var device: String?
  var unit: String?
  var began: ToldTime?
  var ended: ToldTime?
  /// It is a gap only when the station's source was received beyond this time.
  var due: Timestamp?
  var count: Int64?
  var reason: String?

  init(
    id: String, kind: String, source: Int64? = nil, key: EventKey? = nil, station: String? = nil,
    device: String? = nil, unit: String? = nil, began: ToldTime? = nil, ended: ToldTime? = nil, due: Timestamp? = nil,
    count: Int64? = nil, reason: String? = nil
  ) {
    self.id = id
    self.kind = kind
    self.source = source
    self.key = key
    self.station = station
    self.device = device
    self.unit = unit
    self.began = began
    self.ended = ended
    self.due = due
    self.count = count
    self.reason = reason
  }

  func insert(in db: Database) throws { try insert(by: Self.statement(in: db)) }

  /// For who inserts many.
  static func statement(in db: Database) throws -> BareStatement {
    try BareStatement(
      db,
      """
      INSERT INTO gaps(id, kind, source, incarnation, sequence, station, device, unit, began, ended, due, count,
        reason, sorted, began_stamped, ended_stamped)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
  }

  func insert(by statement: BareStatement) throws {
    try statement.run { row in
      row.add(id)
      row.add(kind)
      row.add(source)
      row.add(key?.incarnation)
      row.add(key?.sequence)
      row.add(station)
      row.add(device)
      row.add(unit)
      row.add(began?.microseconds)
      row.add(ended?.microseconds)
      row.add(due?.microseconds)
      row.add(count)
      row.add(reason)
      row.add(began?.microseconds ?? ended?.microseconds ?? due?.microseconds ?? 0)
      row.add(began?.stamped)
      row.add(ended?.stamped)
    }
  }
}
