import Events
import GRDB

/// Puts the times of events right that are projected already, where a later event tells what their clock was worth.
struct Retiming {
  private let db: Database
  private let source: Int64
  /// The incarnations whose events were looked at.
  private(set) var incarnations: Set<Int64> = []
  /// What was named by events that turned out to be earlier, with the newest of their times in truth.
  private var lowered: [NodeName: Timestamp] = [:]

  private init(_ db: Database, source: Int64) {
    self.db = db
    self.source = source
  }

  /// After a batch: looks again at the events that what it said of the clock may concern.
  ///
  /// - Parameter isOutOfOrder: that there are events behind it already: then whole boots are looked at.
  /// - Returns: the incarnations whose times may be others now.
  static func run(_ projector: inout Projector, isOutOfOrder: Bool) throws -> Set<Int64> {
    guard !projector.stated.isEmpty else { return [] }
    var retiming = Retiming(projector.db, source: projector.source)
    for key in projector.stated {
      if isOutOfOrder { try retiming.around(key, &projector) } else { try retiming.before(key, &projector) }
    }
    try retiming.lower(&projector)
    return retiming.incarnations
  }

  /// For a store of a time when clocks were not looked at: notes what was said of them, and puts right what follows.
  static func adopt(_ db: Database, rules: TraceRules) throws {
    try Clocks.fill(db)
    for source in try Int64.fetchAll(db, sql: "SELECT id FROM sources ORDER BY id") {
      let boots = try String.fetchAll(
        db, sql: "SELECT DISTINCT boot FROM clocks WHERE source = ? AND boot <> ''", arguments: [source])
      let clocks = Clocks(db, source: source)
      guard try boots.contains(where: { try !BootClock(clocks.statements(of: $0).map(\.statement)).isPlain }),
        let life = try Row.fetchOne(db, sql: "SELECT id, name FROM incarnations WHERE source = ?", arguments: [source]),
        let incarnation = Incarnation(life["name"])
      else { continue }
      var projector = try Projector(db: db, source: source, incarnation: incarnation)
      var retiming = Retiming(db, source: source)
      try retiming.all(&projector)
      try retiming.lower(&projector)
      for incarnation in retiming.incarnations {
        try Integrity.project(incarnation: incarnation, source: source, in: db)
      }
      try DeviceGaps.project(source, in: db)
      try projector.finish(rules)
    }
  }

  private mutating func all(_ projector: inout Projector) throws {
    for life in try Int64.fetchAll(db, sql: "SELECT id FROM incarnations WHERE source = ?", arguments: [source]) {
      let keys = EventKey(incarnation: life, sequence: 0)...EventKey(incarnation: life, sequence: EventKey.sequenceMask)
      try look(at: keys, notBefore: .min, &projector)
    }
  }

  /// All events of the boot of a statement that came late, and where it is a start of the boot that its events were
  /// counted to before.
  private mutating func around(_ key: EventKey, _ projector: inout Projector) throws {
    guard let own = try projector.clocks.life(at: key) else { return }
    var lives = own.boot.isEmpty ? [own] : try projector.clocks.lives(of: own.boot)
    if own.first == key.sequence, own.first > 1 {
      let former = try projector.clocks.life(at: EventKey(incarnation: key.incarnation, sequence: own.first - 1))
      lives += try projector.clocks.lives(of: former?.boot ?? "")
    }
    for life in lives {
      // Where nothing is put right and nothing was, there is nothing to look for.
      let isPlain = try projector.clocks.clock(at: life.range.lowerBound)?.isPlain ?? true
      guard try !isPlain || Corrections.areAny(in: life.range, db) else { continue }
      try look(at: life.range, notBefore: .min, &projector)
    }
  }

  /// The events before a new statement that it may put right: where it is a step, those that were stamped after the
  /// step and before it was noticed; where it is the first to vouch for the clock, those since the first other distance.
  private mutating func before(_ key: EventKey, _ projector: inout Projector) throws {
    guard let boot = try projector.clocks.life(at: key)?.boot else { return }
    let stated = try projector.clocks.statements(of: boot)
    guard let at = stated.firstIndex(where: { $0.key == key }) else { return }
    // Two queues may have the same boot, a clone's for one.
    guard stated[at...].allSatisfy({ projector.stated.contains($0.key) }) else { return try around(key, &projector) }
    guard at > 0 else { return }
    let statements = stated.map(\.statement)
    var from: Int64?
    if BootClock.isStep(statements[at].distance, statements[at - 1].distance) { from = statements[at].boottime }
    if statements.firstIndex(where: \.isSynchronised) == at,
      let first = BootClock(statements).truths[..<at].firstIndex(where: { $0 != nil })
    {
      from = statements[first].boottime
    }
    guard let from else { return }
    // Numbers and moments are nearly in the same order: twice the time is looked at.
    let earliest = from - 2 * BootClock.notice
    for life in try projector.clocks.lives(of: boot).reversed() where life.range.lowerBound < key {
      let keys = life.range.lowerBound...min(life.range.upperBound, key)
      // Not only the first: two queues may have been at work in one boot.
      try look(at: keys, notBefore: earliest, &projector)
    }
  }

  /// From the last event to the first, or to one before `earliest`, in microseconds of boot time.
  private mutating func look(at keys: ClosedRange<EventKey>, notBefore earliest: Int64, _ projector: inout Projector)
    throws
  {
    incarnations.insert(keys.lowerBound.incarnation)
    let rows = try Row.fetchCursor(
      db, sql: "SELECT key, line FROM events WHERE key BETWEEN ? AND ? AND type <> '' ORDER BY key DESC",
      arguments: [keys.lowerBound.packed, keys.upperBound.packed])
    while let row = try rows.next() {
      let line = row.bytes("line")
      guard let envelope = try? Envelope(line: line) else { continue }
      guard envelope.moment.boottimeMicroseconds >= earliest else { return }
      try settle(EventKey(packed: row["key"]), envelope, line, &projector)
    }
  }

  private mutating func settle(
    _ key: EventKey, _ envelope: Envelope, _ line: [UInt8], _ projector: inout Projector
  ) throws {
    let known = try Corrections.time(of: key, in: db) ?? envelope.time
    let event = Occurrence(key: key, envelope: envelope, clock: try projector.clocks.clock(at: key))
    guard event.time != known else { return }
    if event.time == envelope.time { try Corrections.remove(key, in: db) }
    let read = ReadEvent(envelope, line)
    switch read.content {
    case .cycle, .context, .command: try projector.project(key, read, isNew: false)
    default: if event.time != envelope.time { try Corrections.note(event, in: db) }
    }
    try db.cachedStatement(
      sql: "UPDATE horizons SET latest = ? WHERE source = ? AND incarnation = ? AND sequence = ?"
    ).execute(arguments: [event.time.microseconds, source, key.incarnation, key.sequence])
    guard event.time < known else { return }
    for name in read.names { lowered[name] = max(lowered[name] ?? event.time, event.time) }
  }

  /// When something was seen last can become earlier only by looking at all that named it since.
  private mutating func lower(_ projector: inout Projector) throws {
    guard let earliest = lowered.values.min() else { return }
    projector.forget(lowered.keys)
    for (name, time) in lowered {
      try db.cachedStatement(sql: "UPDATE nodes SET latest = ? WHERE kind = ? AND id = ?")
        .execute(arguments: [time.microseconds, name.kind, name.id])
      try projector.rows.node(name, seen: time)
    }
    let later = ["cycles", "changes", "marks"].map { "SELECT incarnation, sequence, time FROM \($0) WHERE time > ?1" }
    let rows = try Row.fetchCursor(db, sql: later.joined(separator: " UNION "), arguments: [earliest.microseconds])
    while let row = try rows.next() {
      let line = try Row.fetchOne(
        db.cachedStatement(sql: "SELECT line FROM events WHERE key = ?"), arguments: [EventKey(row).packed])
      guard let line = line?.bytes("line"), let envelope = try? Envelope(line: line) else { continue }
      let time = Timestamp(microseconds: row["time"])
      for name in EventContent(envelope, line).names where lowered[name].map({ $0 < time }) ?? false {
        try projector.rows.node(name, seen: time)
      }
    }
    lowered = [:]
  }
}
