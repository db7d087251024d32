import Events
import GRDB

/// Events that came in together, and what is among them: the index by which events are listed in their order of
/// arrival.
///
/// One row for each type and subject of a batch says what an index of the events would say with one row for each.
struct Arrival {
  let number: Int64
  /// How many events the store has with those of the arrivals before.
  private let stored: Int64
  private var contents: [(content: Content, span: Span)] = []
  /// Where each is among them.
  private var places: [Content: Int] = [:]

  private struct Content: Hashable {
    let type: String
    let subject: String
  }

  private struct Span {
    var since: Int64
    var until: Int64

    mutating func widen(to time: Int64) {
      since = min(since, time)
      until = max(until, time)
    }
  }

  /// The next arrival.
  init(_ db: Database) throws {
    let last = try Row.fetchOne(
      db.cachedStatement(sql: "SELECT arrival, stored FROM arrivals ORDER BY arrival DESC LIMIT 1"))
    number = (last?["arrival"] ?? 0) + 1
    stored = last?["stored"] ?? 0
  }

  /// Counts an event in; a digest (`event` nil) has no type, no subject and no time.
  mutating func take(_ event: ReadEvent?) {
    let content = Content(type: event?.type ?? "", subject: event?.subject ?? "")
    let time = event?.envelope.time.microseconds ?? 0
    // A batch has few: to look through them is less than to hash two texts for each of its lines.
    if let place = contents.prefix(8).firstIndex(where: { $0.content == content }) ?? places[content] {
      contents[place].span.widen(to: time)
      return
    }
    places[content] = contents.count
    contents.append((content, Span(since: time, until: time)))
  }

  /// Notes all that was taken, which has these keys; `new` of them were not stored before in any form.
  func save(_ first: EventKey, through last: EventKey, new: Int64, in db: Database) throws {
    try db.cachedStatement(sql: "INSERT INTO arrivals(arrival, first, last, stored) VALUES (?, ?, ?, ?)")
      .execute(arguments: [number, first.packed, last.packed, stored + new])
    let insert = try BareStatement(
      db, "INSERT INTO contents(arrival, type, subject, since, until) VALUES (?, ?, ?, ?, ?)")
    for (content, span) in contents {
      try insert.run { row in
        row.add(number)
        row.add(content.type)
        row.add(content.subject)
        row.add(span.since)
        row.add(span.until)
      }
    }
  }
}
