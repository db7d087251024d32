import Events
import GRDB

/// Turns events into rows; each row follows from one event, or from a set of them whatever their order.
struct Projector {
  let db: Database
  let source: Int64
  let incarnation: Incarnation
  private var newest: (key: EventKey, time: Timestamp)?
  private var touched: Set<String> = []
  private var stations: Set<String> = []

  init(db: Database, source: Int64, incarnation: Incarnation) {
    self.db = db
    self.source = source
    self.incarnation = incarnation
  }

  /// Projects one event; what its type does not say, or says oddly, leaves no row and no complaint.
  mutating func project(_ key: EventKey, _ envelope: Envelope, _ line: [UInt8]) throws {
    if newest.map({ $0.key < key }) ?? true { newest = (key, envelope.time) }
    switch EventType(rawValue: envelope.type) {
    case .cycle: try read(CycleData.self, envelope, line).map { try cycle($0, key, envelope) }
    case .context: try read(ContextData.self, envelope, line).map { try change($0, key, envelope) }
    case .scan: try read(ScanData.self, envelope, line).map { try scan($0, key, envelope) }
    case .gap: try read(GapData.self, envelope, line).map { try gap($0, key, envelope) }
    case .device: try read(DeviceData.self, envelope, line).map { try device($0, key, envelope) }
    case .config: try read(ConfigData.self, envelope, line).map { try config($0, key) }
    default: break
    }
  }

  /// Ends a batch: how far the source came, and what its units still lack.
  mutating func finish(_ rules: TraceRules) throws {
    if let newest { try Horizons.note(newest.key, at: newest.time, source: source, in: db) }
    for unit in touched.sorted() { try Expectations.update(unit, rules: rules, in: db) }
    touched = []
  }

  private func read<Data: EventData>(_: Data.Type, _ envelope: Envelope, _ line: [UInt8]) -> Data? {
    JSON(storing: line[envelope.data]).flatMap { Data($0) }
  }

  mutating func serves(_ station: String) throws {
    guard stations.insert(station).inserted else { return }
    try db.cachedStatement(sql: "INSERT INTO stations(station, source) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .execute(arguments: [station, source])
  }

  mutating func touch(_ unit: String) { touched.insert(unit) }

  /// Something with a name was seen.
  func node(_ kind: String, _ id: String?, at time: Timestamp) throws {
    guard let id, !id.isEmpty else { return }
    try db.cachedStatement(
      sql: """
        INSERT INTO nodes(kind, id, code, latest) VALUES (?, ?, ?, ?) ON CONFLICT(kind, id) DO UPDATE
        SET latest = excluded.latest WHERE excluded.latest > nodes.latest
        """
    ).execute(arguments: [kind, id, Identifier(text: id).code, time.microseconds])
  }

  private mutating func change(_ data: ContextData, _ key: EventKey, _ envelope: Envelope) throws {
    try serves(data.station)
    var origin: EventID?
    switch data.by {
    case .sequence(let number): origin = EventID(incarnation: incarnation, sequence: number)
    case .event(let id): origin = id
    case nil: break
    }
    try db.cachedStatement(
      sql: """
        INSERT INTO changes(incarnation, sequence, station, field, time, former, latter, how, origin_incarnation, origin)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [
      key.incarnation, key.sequence, data.station, data.field, envelope.time.microseconds, data.from, data.to,
      data.how.rawValue, origin?.incarnation.description, origin.map { Int64($0.sequence) },
    ])
    if let kind = Self.kind(ofField: data.field) { try node(kind, data.to, at: envelope.time) }
  }

  /// What a field of the context names.
  static func kind(ofField field: String) -> String? {
    if field.hasPrefix(Stamp.materialPrefix) { return "lot" }
    return ["unit", "lot", "operator"].contains(field) ? field : nil
  }

  private mutating func scan(_ data: ScanData, _ key: EventKey, _ envelope: Envelope) throws {
    for role in data.roles where role.name == "command" {
      guard let unit = data.stamp?["unit"] else { continue }
      try node("unit", unit, at: envelope.time)
      try db.cachedStatement(
        sql: "INSERT INTO marks(unit, incarnation, sequence, mark, time) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
      ).execute(arguments: [unit, key.incarnation, key.sequence, role.value, envelope.time.microseconds])
      touch(unit)
    }
  }
}
