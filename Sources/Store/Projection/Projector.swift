import Events
import GRDB

/// Turns events into rows; each row follows from one event, or from a set of them whatever their order.
struct Projector {
  let db: Database
  let source: Int64
  let incarnation: Incarnation
  let rows: ProjectionRows
  let clocks: Clocks
  /// The events that told something new of a clock.
  private(set) var stated: [EventKey] = []
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
    clocks = Clocks(db, source: source)
  }

  /// Projects one event; `isNew` is false for one that is projected again since its time is known better.
  mutating func project(_ key: EventKey, _ read: ReadEvent, isNew: Bool = true) throws {
    let (envelope, content) = (read.envelope, read.content)
    if let said = content.statement,
      try clocks.note(key, envelope, boot: said.boot, isSynchronised: said.isSynchronised)
    {
      stated.append(key)
    }
    let event = Occurrence(key: key, envelope: envelope, clock: try clocks.clock(at: key))
    if event.time != envelope.time { try Corrections.note(event, in: db) }
    if newest.map({ isNew && $0.key < key || $0.key == key }) ?? isNew { newest = (key, event.time) }
    for name in read.names { try node(name, at: event.time) }
    switch content {
    case .cycle(let data): try cycle(data, event)
    case .context(let data): try change(data, event)
    case .command(let data): try scan(data, event)
    case .gap(let data): try gap(data, event)
    case .finding(let data): try finding(data, event)
    case .device(let data): try device(data, event)
    case .config(let data): try config(data, key)
    case .started: try endFindings(event)
    case .clock, .nothing: break
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

  /// What was seen of these names by now is not to be noted.
  mutating func forget(_ names: some Sequence<NodeName>) {
    for name in names { seen[name] = nil }
  }

  mutating func serves(_ station: String) throws {
    guard stations.insert(station).inserted else { return }
    try db.cachedStatement(sql: "INSERT INTO stations(station, source) VALUES (?, ?) ON CONFLICT DO NOTHING")
      .execute(arguments: [station, source])
  }

  mutating func touch(_ unit: String) { touched.insert(unit) }

  /// Something with a name was seen.
  private mutating func node(_ name: NodeName, at time: Timestamp) throws {
    guard !name.id.isEmpty else { return }
    if let known = seen[name], known >= time { return }
    seen[name] = time
    if seen.count >= 10_000 { try noteSeen() }
  }

  private mutating func change(_ data: ContextData, _ event: Occurrence) throws {
    try serves(data.station)
    let origin: EventID? =
      switch data.by {
      case .sequence(let number): EventID(incarnation: incarnation, sequence: number)
      case .event(let id): id
      case nil: nil
      }
    try rows.change(event.key, data, event.time, origin: origin)
  }

  /// What a field of the context names.
  static func kind(ofField field: String) -> String? {
    if field.hasPrefix(Stamp.materialPrefix) { return "lot" }
    return ["unit", "lot", "operator"].contains(field) ? field : nil
  }

  private mutating func scan(_ data: ScanData, _ event: Occurrence) throws {
    for role in data.roles where role.name == "command" {
      guard let unit = data.stamp?["unit"] else { continue }
      try db.cachedStatement(
        sql: """
          INSERT INTO marks(unit, incarnation, sequence, mark, time) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT(unit, incarnation, sequence) DO UPDATE SET time = excluded.time
          """
      ).execute(arguments: [unit, event.key.incarnation, event.key.sequence, role.value, event.time.microseconds])
      touch(unit)
    }
  }
}
