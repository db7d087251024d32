public import Events
import GRDB

/// Something that is missing, as the ledger knows it.
public struct GapRecord: Sendable, Hashable {
  /// From what it is about.
  public var id: String
  public var kind: String
  public var source: String?
  public var station: String?
  /// The stations of a step of which any one would do.
  public var anyOf: [String]
  public var device: String?
  public var unit: String?
  public var from: Timestamp?
  /// Nil: it goes on.
  public var to: Timestamp?
  /// What the line PC's clock said at its begin and its end, where that was put right.
  public var stampedFrom: Timestamp?
  public var stampedTo: Timestamp?
  /// The line PC's clock was not synchronised in the boot whose event tells of it.
  public var isUnsynchronised = false
  public var count: Int64?
  public var reason: String?
  /// `open`, or `pending` where it is not known yet whether something is missing.
  public var state: String
  public var event: EventReference?
  /// The incarnation of which a conflict has left lines beside the record; nil for any other gap.
  ///
  /// What only follows from where a queue ended has a mark at the end of its identifier, and no lines.
  public var disputed: Incarnation? {
    let parts = id.split(separator: ":")
    return kind == "conflict" && parts.count == 3 ? Incarnation(String(parts[1])) : nil
  }
  /// Something looks wrong, and nothing is known to be missing.
  public var isFinding: Bool { FindingData.Kind(rawValue: kind) != nil }

  /// The shape of section 6.
  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("id", id)
      writer.field("kind", kind)
      writer.field("source", source)
      writer.field("station", station)
      if anyOf.count > 1 {
        writer.key("any")
        writer.array { inner in for name in anyOf { inner.value(name) } }
      }
      writer.field("device", device)
      writer.field("unit", unit)
      writer.field("from", from)
      writer.field("to", to)
      if stampedFrom != nil || stampedTo != nil {
        writer.field("clock", "corrected")
        writer.key("original")
        writer.object { inner in
          inner.field("from", stampedFrom)
          inner.field("to", stampedTo)
        }
      } else if isUnsynchronised {
        writer.field("clock", "unsynchronised")
      }
      writer.field("count", count)
      writer.field("state", state)
      if isFinding {
        writer.key("finding")
        writer.value(true)
      }
      writer.field("reason", reason)
      if let event {
        writer.key("event")
        event.write(to: &writer)
      }
    }
  }
}

/// Which gaps are asked for; nil: all.
public struct GapFilter: Sendable, Hashable {
  public var state: String?
  public var station: String?
  public var kind: String?
  public var source: String?

  public init(state: String? = nil, station: String? = nil, kind: String? = nil, source: String? = nil) {
    self.state = state
    self.station = station?.storable
    self.kind = kind
    self.source = source
  }

  /// What a gap's state can be.
  public static let states = ["open", "pending"]
  /// The kinds of gaps that are known here: those of the edge, and the central's own.
  public static let kinds =
    GapData.Kind.allCases.map(\.rawValue)
    + FindingData.Kind.allCases.map(\.rawValue) + [
      "missing-station", "sequence-hole", "held", "conflict", "source-silent",
    ]

  func check() throws(ListFault) {
    if let state, !Self.states.contains(state) {
      throw ListFault("state=\(state.prefix(40)) is no state of a gap: \(Self.states.joined(separator: ", "))")
    }
    if let kind, !Self.kinds.contains(kind) {
      throw ListFault("kind=\(kind.prefix(40)) is no kind of gap: \(Self.kinds.joined(separator: ", "))")
    }
  }

  func takes(_ gap: GapRecord) -> Bool {
    (state == nil || gap.state == state)
      && (station == nil || gap.station == station || gap.anyOf.contains(station ?? ""))
      && (kind == nil || gap.kind == kind) && (source == nil || gap.source == source)
  }
}

/// Reads the ledger: rows with the state that they have now.
struct GapLedger {
  private let db: Database
  private let grader: Grader
  private var sources: [Int64: String] = [:]
  /// How far each station was received: the least of its sources.
  private var horizons: [String: Timestamp] = [:]

  init(_ db: Database, _ grader: Grader) throws {
    self.db = db
    self.grader = grader
    for row in try Row.fetchAll(db, sql: "SELECT id, name FROM sources") { sources[row["id"]] = row["name"] }
    let received = try Horizons.all(in: db)
    for row in try Row.fetchAll(db, sql: "SELECT station, source FROM stations") {
      guard let horizon = received[row["source"]] else { continue }
      let station: String = row["station"]
      horizons[station] = min(horizons[station] ?? horizon, horizon)
    }
  }

  func record(_ row: Row) throws -> GapRecord {
    let stations = (row["station"] as String?)?.split(separator: "|").map(String.init) ?? []
    var state = "open"
    if let due = row.time("due") {
      let known = stations.compactMap { horizons[$0] }
      state = known.count == stations.count && known.allSatisfy { $0 > due } ? "open" : "pending"
    }
    let key = (row["incarnation"] as Int64?).flatMap { incarnation in
      (row["sequence"] as Int64?).map { EventKey(incarnation: incarnation, sequence: $0) }
    }
    return GapRecord(
      id: row["id"], kind: row["kind"], source: (row["source"] as Int64?).flatMap { sources[$0] },
      station: stations.first, anyOf: stations, device: row["device"], unit: row["unit"], from: row.time("began"),
      to: row.time("ended"), stampedFrom: row.time("began_stamped"), stampedTo: row.time("ended_stamped"),
      isUnsynchronised: try key.flatMap { try grader.clock(at: $0) }.map { !$0.isKnown } ?? false,
      count: row["count"], reason: row["reason"], state: state,
      event: try key.flatMap { try grader.reference($0) })
  }

  /// The gaps of a station that overlap a span; findings hide nothing.
  func at(_ station: String, from: Timestamp, to: Timestamp) throws -> [GapRecord] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT * FROM gaps WHERE (station = ?1 OR (station IS NULL
            AND source IN (SELECT source FROM stations WHERE station = ?1)))
          AND kind <> 'missing-station' AND sorted <= ?3 AND (ended IS NULL OR ended >= ?2) ORDER BY sorted, id
          """), arguments: [station, from.microseconds, to.microseconds]
    ).map { try record($0) }.filter { !$0.isFinding }
  }

  /// The gaps that name this unit.
  func of(unit: String) throws -> [GapRecord] {
    try Row.fetchAll(
      db.cachedStatement(sql: "SELECT * FROM gaps WHERE unit = ? ORDER BY sorted, id"), arguments: [unit]
    ).map { try record($0) }
  }
}

extension TraceStore {
  /// The ledger, the newest first.
  public func gaps(_ filter: GapFilter = GapFilter(), after cursor: String? = nil, limit: Int = 100) async throws
    -> Page<GapRecord>
  {
    try filter.check()
    let start = try Cursor.read(cursor, of: .gaps)
    let silent = start == nil ? try await silences().filter(filter.takes) : []
    let listed = try await read { db in
      let ledger = try GapLedger(db, Grader(db))
      var place = start ?? Cursor(.gaps, number: .max)
      var items: [GapRecord] = []
      while true {
        let rows = try Row.fetchAll(
          db.cachedStatement(
            sql: "SELECT * FROM gaps WHERE (sorted, id) < (?, ?) ORDER BY sorted DESC, id DESC LIMIT 500"),
          arguments: [place.number, place.text])
        for row in rows {
          place = Cursor(.gaps, number: row["sorted"], text: row["id"])
          let gap = try ledger.record(row)
          guard filter.takes(gap) else { continue }
          items.append(gap)
          if items.count == limit { return Page(items: items, next: place.description) }
        }
        if rows.count < 500 { return Page(items: items, next: nil) }
      }
    }
    return Page(items: silent + listed.items, next: listed.next)
  }

  /// The silences of sources, those that go on first.
  func silences() async throws -> [GapRecord] {
    let now = rules.now()
    return try await read { [rules, opened] db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT s.name, s.heard AS began, NULL AS ended FROM sources s UNION ALL
          SELECT s.name, q.began, q.ended FROM silences q JOIN sources s ON s.id = q.source ORDER BY 3 DESC, 2 DESC
          """)
      return try rows.compactMap { row -> GapRecord? in
        let ended = row.time("ended")
        let since = row.time("began") ?? opened
        let silence = try Silence(from: since, to: ended, now: now, in: db)
        guard ended != nil || silence.heardNothing > rules.sourceSilentAfter else { return nil }
        let name: String = row["name"]
        return GapRecord(
          id: "source-silent:\(name):\(since.microseconds)", kind: "source-silent", source: name, station: nil,
          anyOf: [],
          device: nil, unit: nil, from: since, to: ended, count: nil,
          reason: silence.reason(name), state: "open", event: nil)
      }
    }
  }
}
