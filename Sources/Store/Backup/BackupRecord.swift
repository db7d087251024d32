public import Events
import GRDB

/// A copy of the store that was verified: what is in it is safe.
public struct BackupRecord: Sendable, Hashable {
  public let taken: Timestamp
  /// Where it was put; it may have been moved since.
  public let file: String
  public let bytes: Int64
  /// Of the whole file, in hex.
  public let sha256: String
  /// Events whose chain was followed in it.
  public let events: Int64

  init(taken: Timestamp, file: String, bytes: Int64, sha256: String, events: Int64) {
    (self.taken, self.file, self.bytes, self.sha256, self.events) = (taken, file, bytes, sha256, events)
  }

  /// Reads what `write` wrote.
  public init?(_ json: JSON) {
    guard let taken = json["taken"]?.time, let file = json["file"]?.text, let bytes = json["bytes"]?.whole,
      let sha256 = json["sha256"]?.text, let events = json["events"]?.whole
    else { return nil }
    self.init(taken: taken, file: file, bytes: bytes, sha256: sha256, events: events)
  }

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("taken", taken)
      writer.field("file", file)
      writer.field("bytes", bytes)
      writer.field("sha256", sha256)
      writer.field("events", events)
    }
  }
}

extension TraceStore {
  /// The backups that were taken, the newest first.
  public func backups(limit: Int = 20) async throws -> [BackupRecord] {
    try await read { db in
      try Row.fetchAll(
        db, sql: "SELECT taken, file, bytes, sha256, events FROM backups ORDER BY id DESC LIMIT ?", arguments: [limit]
      ).map {
        BackupRecord(
          taken: Timestamp(microseconds: $0["taken"]), file: $0["file"], bytes: $0["bytes"], sha256: $0["sha256"],
          events: $0["events"])
      }
    }
  }

  /// When the store was put back from a backup, the last time; nil where it never was.
  public func restored() async throws -> Timestamp? {
    try await read { db in
      try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'restored'").flatMap { Timestamp($0) }
    }
  }

  /// Notes a verified copy: from now on sources are told that what it holds is safe.
  func note(_ backup: BackupRecord, _ chains: [StoreChain]) async throws {
    try await pool.write { db in
      try db.execute(
        sql: "INSERT INTO backups(taken, file, bytes, sha256, events) VALUES (?, ?, ?, ?, ?)",
        arguments: [backup.taken.microseconds, backup.file, backup.bytes, backup.sha256, backup.events])
      for chain in chains {
        let id = try Int64.fetchOne(
          db,
          sql: """
            SELECT i.id FROM incarnations i JOIN sources s ON s.id = i.source WHERE s.name = ? AND i.name = ?
            """, arguments: [chain.source, chain.incarnation])
        guard let id else { continue }
        try db.execute(
          sql: "UPDATE incarnations SET safe = ? WHERE id = ?",
          arguments: [try Self.safe(chain, id, in: db), id])
      }
    }
  }

  /// How far all lines that are here are in the copy too: one that came meanwhile, in the place of a digest or a
  /// hole of the copy, is not.
  private static func safe(_ chain: StoreChain, _ id: Int64, in db: Database) throws -> Int64 {
    for range in chain.absent {
      let came = try Int64.fetchOne(
        db, sql: "SELECT MIN(key) FROM events WHERE key BETWEEN ? AND ? AND type <> ''",
        arguments: [
          EventKey(incarnation: id, sequence: range.lowerBound).packed,
          EventKey(incarnation: id, sequence: range.upperBound).packed,
        ])
      if let came { return EventKey(packed: came).sequence - 1 }
    }
    return chain.through
  }
}
