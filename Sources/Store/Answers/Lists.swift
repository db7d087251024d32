public import Events
import GRDB

/// A name that a search found.
public struct SearchHit: Sendable, Hashable {
  /// `unit`, `lot` or `operator`.
  public let kind: String
  public let id: String
  /// When it was last named by an event.
  public let latest: Timestamp

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("kind", kind)
      writer.field("id", id)
      writer.field("latest", latest)
    }
  }
}

/// How a source stands.
public struct SourceRecord: Sendable, Hashable {
  public var name: String
  /// When it was last heard.
  public var heard: Timestamp?
  /// How far it was received.
  public var latest: Timestamp?
  public var isSilent: Bool
  /// What it said last of its clock: that a time source has it, or none; nil where it said nothing yet.
  public var isSynchronised: Bool?
  /// Events that were still to come when the last batch came; nil where none came since the central was started.
  public var behind: UInt64?
  public var incarnations: [Receipt]

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("source", name)
      writer.field("heard", heard)
      writer.field("latest", latest)
      writer.field("silent", isSilent)
      writer.field("clock", isSynchronised.map { $0 ? "synchronised" : "unsynchronised" })
      writer.field("behind", behind)
      writer.list("incarnations", incarnations) { $0.raw($1.json) }
    }
  }
}

extension TraceStore {
  private static let named = "FROM nodes WHERE kind IN ('unit', 'lot', 'operator')"
  /// In SQL: what has a pattern, ?2, in its identifier.
  private static let hits = "SELECT kind, id, latest \(named) AND id LIKE ?2 ESCAPE '\\'"
  /// In SQL: what is ?1, or has it as its code; each by its own index.
  static let exactHits = """
    SELECT n.kind, n.id, n.latest FROM (
      SELECT kind, id \(named) AND id = ?1 UNION ALL SELECT kind, id \(named) AND code = ?1 AND code <> id) AS f
    JOIN nodes n ON n.kind = f.kind AND n.id = f.id
    """

  /// Units, lots and operators whose identifier has `text` in it, whatever the case of its ASCII letters; those that
  /// begin with it first, the identifier itself before all; with `exactly` only those that are it, or whose code it is.
  public func search(_ text: String, exactly: Bool = false, after cursor: String? = nil, limit: Int = 50) async throws
    -> Page<SearchHit>
  {
    // LIKE makes no difference between the cases of ASCII, and SQLite's LOWER knows no others.
    let text = text.storable
    let sought = text.replacing("\\", with: "\\\\").replacing("%", with: "\\%").replacing("_", with: "\\_")
    let skipped = try Cursor.read(cursor, of: .search)?.number ?? 0
    return try await read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT kind, id, latest FROM (\(exactly ? Self.exactHits : Self.hits))
          ORDER BY CASE WHEN id = ?1 THEN 0 WHEN id LIKE ?3 ESCAPE '\\' THEN 1 ELSE 2 END, latest DESC, kind, id
          LIMIT ?4 OFFSET ?5
          """, arguments: [text, "%\(sought)%", "\(sought)%", limit + 1, skipped])
      let hits = rows.prefix(limit).map {
        SearchHit(kind: $0["kind"], id: $0["id"], latest: Timestamp(microseconds: $0["latest"]))
      }
      return Page(
        items: hits, next: rows.count > limit ? Cursor(.search, number: skipped + Int64(limit)).description : nil)
    }
  }

  /// The units seen last.
  public func recentUnits(_ limit: Int = 20) async throws -> [SearchHit] {
    try await read { db in
      try Row.fetchAll(
        db, sql: "SELECT kind, id, latest FROM nodes WHERE kind = 'unit' ORDER BY latest DESC, id LIMIT ?",
        arguments: [limit]
      ).map { SearchHit(kind: $0["kind"], id: $0["id"], latest: Timestamp(microseconds: $0["latest"])) }
    }
  }

  /// How each source stands, by name.
  public func sources() async throws -> [SourceRecord] {
    let now = rules.now()
    let waiting = await waiting.bySource
    return try await read { [rules, opened] db in
      let rows = try Row.fetchAll(db, sql: "SELECT id, name, heard FROM sources ORDER BY name")
      let received = try Horizons.all(in: db)
      return try rows.compactMap { row -> SourceRecord? in
        guard let name = SourceName(row["name"]) else { return nil }
        let heard = row.time("heard")
        let receipts = try Row.fetchAll(
          db, sql: "SELECT name, id, through, head, safe FROM incarnations WHERE source = ? ORDER BY id",
          arguments: [row["id"] as Int64]
        ).compactMap { inner -> Receipt? in
          guard let incarnation = Incarnation(inner["name"]) else { return nil }
          let position = Identities.Position(
            id: inner["id"], through: inner["through"], head: ChainHash(inner.bytes("head")) ?? .zero,
            safe: inner["safe"])
          return Identities.receipt(name, incarnation, position, rules)
        }
        return SourceRecord(
          name: name.description, heard: heard, latest: received[row["id"]],
          isSilent: try Silence(from: heard ?? opened, to: nil, now: now, in: db).heardNothing
            > rules.sourceSilentAfter,
          isSynchronised: try Clocks.latest(of: row["id"], in: db), behind: waiting[name], incarnations: receipts)
      }
    }
  }

  /// How many rows there are, for `/metrics`.
  public func counts() async throws -> [(name: String, count: Int)] {
    try await read { db in
      let events = try Int.fetchOne(db, sql: "SELECT stored FROM arrivals ORDER BY arrival DESC LIMIT 1") ?? 0
      let gaps = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM gaps") ?? 0
      let units = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM nodes WHERE kind = 'unit'") ?? 0
      let conflicts = try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM conflicts") ?? 0
      return [("events", events), ("gaps", gaps), ("units", units), ("conflicts", conflicts)]
    }
  }
}
