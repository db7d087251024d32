public import Events
import GRDB

/// Which events are asked for; nil: all.
public struct EventFilter: Sendable, Hashable {
  public var type: String?
  public var source: String?
  /// The subject of the event.
  public var station: String?
  public var from: Timestamp?
  public var to: Timestamp?
  /// Those that arrived last come first.
  public var isNewestFirst: Bool
  /// Also `#` with the digest where a line is held back.
  public var isHeldIncluded = false

  public init(
    type: String? = nil, source: String? = nil, station: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil,
    isNewestFirst: Bool = false
  ) {
    self.type = type?.storable
    self.source = source?.storable
    self.station = station?.storable
    self.from = from
    self.to = to
    self.isNewestFirst = isNewestFirst
  }
}

extension TraceStore {
  /// The lines as they are, in the order of their arrival.
  ///
  /// Held ones are left out, unless the filter wants them: they are of no type, station or time. `from` and `to` are of
  /// the times in truth, where a clock was put right.
  public func events(_ filter: EventFilter, after cursor: String? = nil, limit: Int = 100) async throws -> Page<[UInt8]>
  {
    try await timedEvents(filter, after: cursor, limit: limit).page
  }

  /// The lines as they are, and the times of those among them whose clock was not synchronised.
  public func timedEvents(_ filter: EventFilter, after cursor: String? = nil, limit: Int = 100) async throws
    -> (page: Page<[UInt8]>, times: [EventTime])
  {
    let start = try Cursor.read(cursor, of: .events)
    return try await read { db in
      let list = EventList(db: db, filter: filter)
      let after = start.map { EventList.Place(arrival: $0.number, key: Int64($0.text) ?? 0) }
      let found = try list.events(after: after, limit: limit + 1)
      let next = found.count > limit ? found[limit - 1].place : nil
      let page = Page(
        items: found.prefix(limit).map(\.line),
        next: next.map { Cursor(.events, number: $0.arrival, text: "\($0.key)").description })
      let grader = Grader(db)
      return (
        page, try found.prefix(limit).compactMap { try grader.time(of: $0.line, at: EventKey(packed: $0.place.key)) }
      )
    }
  }
}

extension Grader {
  /// The time of an event where there is something to be said of it.
  fileprivate func time(of line: [UInt8], at key: EventKey) throws -> EventTime? {
    guard let doubt = try doubt(of: key), let envelope = try? Envelope(line: line) else { return nil }
    return EventTime(
      id: envelope.id.description, time: try Corrections.time(of: key, in: db) ?? envelope.time, doubt: doubt)
  }
}

/// Walks the arrivals that may have what is asked for, and reads only these.
private struct EventList {
  let db: Database
  let filter: EventFilter

  struct Place {
    let arrival: Int64
    let key: Int64
  }

  /// Microseconds since 1970; nil where no time is asked for.
  private var span: (from: Int64, to: Int64)? {
    guard filter.from != nil || filter.to != nil else { return nil }
    return (filter.from?.microseconds ?? .min, filter.to?.microseconds ?? .max)
  }
  private var beyond: String { filter.isNewestFirst ? "<" : ">" }
  private var order: String { filter.isNewestFirst ? "DESC" : "ASC" }

  func events(after place: Place?, limit: Int) throws -> [(place: Place, line: [UInt8])] {
    var found: [(place: Place, line: [UInt8])] = []
    var place = place ?? (filter.isNewestFirst ? Place(arrival: .max, key: .max) : Place(arrival: 0, key: 0))
    while found.count < limit, let arrival = try arrival(from: place.arrival) {
      let number: Int64 = arrival["arrival"]
      let start = number == place.arrival ? place.key : filter.isNewestFirst ? .max : 0
      found += try lines(of: arrival, after: start, limit: limit - found.count)
      place = filter.isNewestFirst ? Place(arrival: number - 1, key: .max) : Place(arrival: number + 1, key: 0)
    }
    return found
  }

  /// The next arrival, `number` included, that has something of what is asked for.
  private func arrival(from number: Int64) throws -> Row? {
    var asked = Conditions()
    asked.add("c.type = ?", filter.type)
    asked.add("c.subject = ?", filter.station)
    asked.add(
      """
      (c.until >= ? AND c.since < ? OR EXISTS(SELECT 1 FROM corrected k
        WHERE k.incarnation = a.first >> \(EventKey.sequenceBits) AND k.sequence BETWEEN
        a.first & \(EventKey.sequenceMask) AND a.last & \(EventKey.sequenceMask) AND k.time >= ? AND k.time < ?))
      """, span.map { [$0.from, $0.to, $0.from, $0.to] })
    let (table, row) =
      asked.isEmpty ? ("arrivals a", "a") : ("contents c CROSS JOIN arrivals a ON a.arrival = c.arrival", "c")
    asked.add("\(row).arrival \(beyond)= ?", number)
    asked.add(
      """
      a.first >> \(EventKey.sequenceBits) IN (
        SELECT i.id FROM incarnations i JOIN sources s ON s.id = i.source WHERE s.name = ?)
      """, filter.source)
    return try Row.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT a.arrival, a.first, a.last FROM \(table) WHERE \(asked.sql) ORDER BY \(row).arrival \(order) LIMIT 1
          """), arguments: asked.arguments)
  }

  private func lines(of arrival: Row, after key: Int64, limit: Int) throws -> [(place: Place, line: [UInt8])] {
    let number: Int64 = arrival["arrival"]
    var asked = Conditions()
    asked.add("key >= ?", arrival["first"] as Int64)
    asked.add("key <= ?", arrival["last"] as Int64)
    asked.add("key \(beyond) ?", key)
    // A line that came later where a digest or a hole was belongs to the arrival in which it came.
    asked.add("(late IS NULL OR late = ?)", number)
    asked.add("type <> ?", filter.isHeldIncluded ? nil : "")
    asked.add("type = ?", filter.type)
    asked.add("subject = ?", filter.station)
    asked.add("\(Corrections.time(of: "events")) BETWEEN ? AND ? - 1", span.map { [$0.from, $0.to] })
    return try Row.fetchAll(
      db.cachedStatement(
        sql: "SELECT key, line FROM events WHERE \(asked.sql) ORDER BY key \(order) LIMIT ?"),
      arguments: asked.arguments + [limit]
    ).map { (Place(arrival: number, key: $0["key"]), $0.bytes("line")) }
  }
}

/// What rows must meet, each with its one value.
private struct Conditions {
  private var texts: [String] = []
  private(set) var arguments = StatementArguments()

  var isEmpty: Bool { texts.isEmpty }
  var sql: String { texts.joined(separator: " AND ") }

  /// Adds a condition where its value is asked for.
  mutating func add(_ text: String, _ value: (any DatabaseValueConvertible)?) {
    add(text, value.map { [$0] })
  }

  /// Adds a condition with several values where they are asked for.
  mutating func add(_ text: String, _ values: [any DatabaseValueConvertible]?) {
    guard let values else { return }
    texts.append(text)
    for value in values { arguments += [value] }
  }
}
