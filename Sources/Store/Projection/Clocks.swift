import Events
import GRDB

/// The clocks of one source as its events tell of them: which boot an event is of, and what was stated in it.
final class Clocks {
  private let db: Database
  private let source: Int64
  /// The daemon's life that was asked for last.
  private var life: Life?
  /// Events of an incarnation before the first start that is here, asked for last.
  private var startless: ClosedRange<EventKey>?
  private var boots: [String: BootClock] = [:]

  /// One run of the daemon: the events from its start to before the next one.
  struct Life {
    let incarnation: Int64
    let first: Int64
    let last: Int64
    /// Empty where the start did not know it.
    let boot: String

    var range: ClosedRange<EventKey> {
      EventKey(incarnation: incarnation, sequence: first)...EventKey(incarnation: incarnation, sequence: last)
    }
  }

  init(_ db: Database, source: Int64) {
    self.db = db
    self.source = source
  }

  /// Keeps what an event says of the clock; whether it was not known before.
  func note(_ key: EventKey, _ envelope: Envelope, boot: String?, isSynchronised: Bool) throws -> Bool {
    try db.cachedStatement(
      sql: """
        INSERT INTO clocks(incarnation, sequence, source, boot, time, boottime, synchronised)
        VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [
      key.incarnation, key.sequence, source, boot.map { $0 == "unknown" ? "" : $0 }, envelope.time.microseconds,
      envelope.moment.boottimeMicroseconds, isSynchronised,
    ])
    guard db.changesCount > 0 else { return false }
    life = nil
    startless = nil
    boots = [:]
    return true
  }

  /// The clock of the boot that an event is of; nil where its start is not here, or did not know its boot.
  func clock(at key: EventKey) throws -> BootClock? {
    try life(at: key).flatMap { try clock(of: $0.boot) }
  }

  /// The clock of the boot before the one that an event is of.
  func clock(before key: EventKey) throws -> BootClock? {
    guard let life = try life(at: key), life.first > 1 else { return nil }
    let former = try self.life(at: EventKey(incarnation: key.incarnation, sequence: life.first - 1))
    return try former.flatMap { $0.boot == life.boot ? nil : try clock(of: $0.boot) }
  }

  private func clock(of boot: String) throws -> BootClock? {
    guard !boot.isEmpty else { return nil }
    if let known = boots[boot] { return known }
    let made = BootClock(try statements(of: boot).map(\.statement))
    boots[boot] = made
    return made
  }

  /// The run of the daemon that an event is of.
  func life(at key: EventKey) throws -> Life? {
    if let life, life.range.contains(key) { return life }
    if let startless, startless.contains(key) { return nil }
    let start = try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT sequence, boot FROM clocks WHERE incarnation = ? AND sequence <= ? AND boot IS NOT NULL
          ORDER BY sequence DESC LIMIT 1
          """), arguments: [key.incarnation, key.sequence])
    guard let start else {
      startless = try life(from: key.incarnation, 0, boot: "").range
      return nil
    }
    let found = try life(from: key.incarnation, start["sequence"], boot: start["boot"])
    life = found
    return found
  }

  private func life(from incarnation: Int64, _ first: Int64, boot: String) throws -> Life {
    let next = try Int64.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT sequence FROM clocks WHERE incarnation = ? AND sequence > ? AND boot IS NOT NULL
          ORDER BY sequence LIMIT 1
          """), arguments: [incarnation, first])
    return Life(
      incarnation: incarnation, first: first, last: next.map { $0 - 1 } ?? EventKey.sequenceMask, boot: boot)
  }

  /// The runs of the daemon in one boot, in the order of their events.
  func lives(of boot: String) throws -> [Life] {
    guard !boot.isEmpty else { return [] }
    return try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT incarnation, sequence FROM clocks WHERE source = ? AND boot = ? ORDER BY incarnation, sequence
          """), arguments: [source, boot]
    ).map { try life(from: $0["incarnation"], $0["sequence"], boot: boot) }
  }

  /// What was said of the clock in one boot, with the events that said it, in the order of boot time.
  func statements(of boot: String) throws -> [(key: EventKey, statement: BootClock.Statement)] {
    try lives(of: boot).flatMap { life in
      try Row.fetchAll(
        db.cachedStatement(
          sql: """
            SELECT incarnation, sequence, time, boottime, synchronised FROM clocks
            WHERE incarnation = ? AND sequence BETWEEN ? AND ? ORDER BY sequence
            """), arguments: [life.incarnation, life.first, life.last]
      ).map { row in
        let boottime: Int64 = row["boottime"]
        let moment = Moment(
          time: Timestamp(microseconds: row["time"]), boottimeNanoseconds: UInt64(clamping: boottime) * 1000)
        return (EventKey(row), BootClock.Statement(moment, isSynchronised: row["synchronised"]))
      }
    }.sorted { ($0.statement.boottime, $0.key) < ($1.statement.boottime, $1.key) }
  }
}

extension Clocks {
  /// What a source said last of its clock.
  static func latest(of source: Int64, in db: Database) throws -> Bool? {
    try Bool.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT synchronised FROM clocks WHERE incarnation IN (SELECT id FROM incarnations WHERE source = ?)
          ORDER BY incarnation DESC, sequence DESC LIMIT 1
          """), arguments: [source])
  }

  /// Notes what all events that are stored say of their clocks, before any of them is projected.
  static func fill(_ db: Database) throws {
    let lives = try Row.fetchAll(db, sql: "SELECT id, source FROM incarnations ORDER BY id")
    for life in lives {
      let clocks = Clocks(db, source: life["source"])
      let events = try Row.fetchCursor(
        db, sql: StoredEvents.ofTypes(2),
        arguments: StatementArguments([EventType.started, .clock].map(\.rawValue)) + EventKey.all(of: life["id"]))
      while let event = try events.next() {
        let line = event.bytes("line")
        guard let envelope = try? Envelope(line: line),
          let stated = EventContent(envelope, line).statement
        else { continue }
        _ = try clocks.note(
          EventKey(packed: event["key"]), envelope, boot: stated.boot, isSynchronised: stated.isSynchronised)
      }
    }
  }
}

/// How events of some types are found by what the arrivals have.
enum StoredEvents {
  /// Takes so many types, then the first and the last key.
  static func ofTypes(_ count: Int) -> String {
    """
    SELECT DISTINCT e.key, e.line FROM contents c JOIN arrivals a ON a.arrival = c.arrival
    JOIN events e ON e.key BETWEEN a.first AND a.last AND e.type = c.type
    WHERE c.type IN (\(Array(repeating: "?", count: count).joined(separator: ", "))) AND a.first BETWEEN ? AND ?
    ORDER BY e.key
    """
  }
}
