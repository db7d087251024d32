import Events
import GRDB

/// Puts event rows in.
struct EventRows {
  private let statement: BareStatement

  init(_ db: Database) throws {
    statement = try BareStatement(
      db, "INSERT INTO events(key, type, subject, time, late, previous, line) VALUES (?, ?, ?, ?, ?, ?, ?)")
  }

  /// A line with what was read of it, or (`event` nil) the digest that stands for one.
  ///
  /// `late` is the arrival in which a line came where a digest or a hole was.
  func insert(_ key: EventKey, _ event: ReadEvent?, previous: ChainHash, line: [UInt8], late: Int64? = nil) throws {
    try line.withUnsafeBytes { line in
      try statement.run { row in
        row.add(key.packed)
        row.add(event?.type ?? "")
        row.add(event?.subject ?? "")
        row.add(event?.envelope.time.microseconds)
        row.add(late)
        row.add(previous.bytes)
        row.add(lasting: line)
      }
    }
  }
}
