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
  /// Held ones are left out, unless the filter wants them: they are of no type, station or time.
  public func events(_ filter: EventFilter, after cursor: String? = nil, limit: Int = 100) async throws -> Page<[UInt8]>
  {
    let start = try Cursor.read(cursor, of: .events)
    return try await read { db in
      let list = EventList(db: db, filter: filter)
      let after = start.map { EventList.Place(arrival: $0.number, key: Int64($0.text) ?? 0) }
      let found = try list.events(after: after, limit: limit + 1)
      let next = found.count > limit ? found[limit - 1].place : nil
      return Page(
        items: found.prefix(limit).map(\.line),
        next: next.map { Cursor(.events, number: $0.arrival, text: "\($0.key)").description })
    }
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
    asked.add("c.until >= ?", filter.from?.microseconds)
    asked.add("c.since < ?", filter.to?.microseconds)
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
    asked.add("time >= ?", filter.from?.microseconds)
    asked.add("time < ?", filter.to?.microseconds)
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
    guard let value else { return }
    texts.append(text)
    arguments += [value]
  }
}
