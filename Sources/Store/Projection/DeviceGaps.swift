import Events
import GRDB

/// The gaps that the edge tells of, made again in the order of its events.
///
/// Whether a device's `offline` begins a gap, and which one a later event ends, depends on the events before it. Where
/// events come out of their order (an older incarnation is finished after a newer one began, a line that was held or
/// lost comes late), the gaps of that source are made again, so that they are what a rebuild would make of them.
enum DeviceGaps {
  private static let types: [EventType] = [.gap, .finding, .device, .config, .started]

  /// Whether these events, newly stored out of their order, change what events that are stored already mean.
  static func areStale(after envelopes: some Sequence<Envelope?>) -> Bool {
    envelopes.contains { envelope in
      envelope.map { EventType(rawValue: $0.type).map(types.contains) ?? false } ?? false
    }
  }

  /// Whether a later life of the source's queue has events already.
  static func hasNewer(than incarnation: Int64, _ source: Int64, in db: Database) throws -> Bool {
    try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT EXISTS(SELECT 1 FROM incarnations WHERE source = ? AND id > ? AND through > 0)"),
      arguments: [source, incarnation]) ?? false
  }

  /// Makes them again from what is stored.
  static func project(_ source: Int64, in db: Database) throws {
    try db.execute(
      sql: """
        DELETE FROM gaps WHERE source = ? AND kind NOT IN ('sequence-hole', 'held', 'conflict', 'missing-station')
        """, arguments: [source])
    let lives = try Row.fetchAll(
      db, sql: "SELECT id, name FROM incarnations WHERE source = ? ORDER BY id", arguments: [source])
    for life in lives {
      guard let incarnation = Incarnation(life["name"]) else { continue }
      var projector = try Projector(db: db, source: source, incarnation: incarnation)
      let events = try Row.fetchCursor(
        db,
        sql: StoredEvents.ofTypes(4),
        arguments: StatementArguments([EventType.gap, .finding, .device, .started].map(\.rawValue))
          + EventKey.all(of: life["id"]))
      while let event = try events.next() {
        let line = event.bytes("line")
        guard let envelope = try? Envelope(line: line) else { continue }
        try projector.project(EventKey(packed: event["key"]), ReadEvent(envelope, line))
      }
    }
  }
}
