import GRDB

/// A row of the ledger of gaps; times in microseconds since 1970.
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
  var began: Int64?
  var ended: Int64?
  /// It is a gap only when the station's source was received beyond this time.
  var due: Int64?
  var count: Int64?
  var reason: String?

  init(
    id: String, kind: String, source: Int64? = nil, key: EventKey? = nil, station: String? = nil,
    device: String? = nil, unit: String? = nil, began: Int64? = nil, ended: Int64? = nil, due: Int64? = nil,
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

  func insert(in db: Database) throws {
    let statement = try BareStatement(
      db,
      """
      INSERT INTO gaps(id, kind, source, incarnation, sequence, station, device, unit, began, ended, due, count,
        reason, sorted) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """)
    try statement.run { row in
      row.add(id)
      row.add(kind)
      row.add(source)
      row.add(key?.incarnation)
      row.add(key?.sequence)
      row.add(station)
      row.add(device)
      row.add(unit)
      row.add(began)
      row.add(ended)
      row.add(due)
      row.add(count)
      row.add(reason)
      row.add(began ?? ended ?? due ?? 0)
    }
  }
}
