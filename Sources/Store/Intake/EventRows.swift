import Events
import GRDB

/// Puts event rows in.
struct EventRows {
  private let statement: BareStatement

  init(_ db: Database) throws {
    statement = try BareStatement(
      db,
      "INSERT INTO events(incarnation, sequence, type, subject, time, previous, line) VALUES (?, ?, ?, ?, ?, ?, ?)")
  }

  /// A line with its envelope, or (`envelope` nil) the digest that stands for one.
  func insert(_ key: EventKey, envelope: Envelope?, previous: ChainHash, line: [UInt8]) throws {
    try statement.run { row in
      row.add(key.incarnation)
      row.add(key.sequence)
      row.add(envelope?.type ?? "")
      row.add(envelope?.subject ?? "")
      row.add(envelope?.time.microseconds)
      row.add(previous.bytes)
      row.add(line)
    }
  }
}
