import Events
import GRDB

/// Turns events into rows; each row follows from one event, or from a set of them whatever their order.
struct Projector {
  let db: Database
  let source: Int64
  let incarnation: Incarnation
  let rows: ProjectionRows
  private var newest: (key: EventKey, time: Timestamp)?
  private var touched: Set<String> = []
  private var stations: Set<String> = []
  /// What was named, with the newest time: the events of a batch name the same things again and again.
  private var seen: [NodeName: Timestamp] = [:]

  init(db: Database, source: Int64, incarnation: Incarnation) throws {
    self.db = db
    self.source = source
    self.incarnation = incarnation
    rows = try ProjectionRows(db)
  }

  /// Projects one event.
  mutating func project(_ key: EventKey, _ envelope: Envelope, _ content: EventContent) throws {
    if newest.map({ $0.key < key }) ?? true { newest = (key, envelope.time) }
    switch content {
    case .cycle(let data): try cycle(data, key, envelope)
    case .context(let data): try change(data, key, envelope)
    case .command(let data): try scan(data, key, envelope)
    case .gap(let data): try gap(data, key, envelope)
    case .finding(let data): try finding(data, key, envelope)
    case .device(let data): try device(data, key, envelope)
    case .config(let data): try config(data, key)
    case .started: try endFindings(envelope)
    case .nothing: break
    }
  }

  /// Ends a batch: how far the source came, and what its units still lack.
  mutating func finish(_ rules: TraceRules) throws {
    if let newest { try Horizons.note(newest.key, at: newest.time, source: source, in: db) }
    try noteSeen()
    let expectations = try Expectations(db, rules)
    for unit in touched.sorted() { try expectations.update(unit) }
    touched = []
  }

  private mutating func noteSeen() throws {
    for (name, time) in seen { try rows.node(name, seen: time) }
    seen = [:]
  }

  mutating func serves(_ station: String) throws {
    guard stations.insert(station).inserted else { return }
    try db.cachedStatement(sql: "INSERT INTO stations(station, source) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .execute(arguments: [station, source])
  }

  mutating func touch(_ unit: String) { touched.insert(unit) }

  /// Something with a name was seen.
  mutating func node(_ kind: String, _ id: String?, at time: Timestamp) throws {
    guard let id, !id.isEmpty else { return }
    let name = NodeName(kind: kind, id: id)
    if let known = seen[name], known >= time { return }
    seen[name] = time
    if seen.count >= 10_000 { try noteSeen() }
  }

  private mutating func change(_ data: ContextData, _ key: EventKey, _ envelope: Envelope) throws {
    try serves(data.station)
    let origin: EventID? =
      switch data.by {
      case .sequence(let number): EventID(incarnation: incarnation, sequence: number)
      case .event(let id): id
      case nil: nil
      }
    try rows.change(key, data, envelope.time, origin: origin)
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
