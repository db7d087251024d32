import Events
import GRDB
import GRDBSQLite

/// Puts event rows in with bare binds: the one statement that runs for every event.
struct EventInsert {
  private let statement: Statement
  private let db: Database

  init(_ db: Database) throws {
    self.db = db
    statement = try db.cachedStatement(
      sql: """
        INSERT INTO events(incarnation, sequence, type, subject, time, previous, line) VALUES (?, ?, ?, ?, ?, ?, ?)
        """)
  }

  /// A line with its envelope, or (`envelope` nil) the digest that stands for one.
  func insert(_ key: EventKey, envelope: Envelope?, previous: ChainHash, line: [UInt8]) throws {
    let raw = statement.sqliteStatement
    sqlite3_reset(raw)
    sqlite3_bind_int64(raw, 1, key.incarnation)
    sqlite3_bind_int64(raw, 2, key.sequence)
    bind(envelope?.type.storable ?? "", at: 3, of: raw)
    bind(envelope?.subject.storable ?? "", at: 4, of: raw)
    if let envelope { sqlite3_bind_int64(raw, 5, envelope.time.microseconds) } else { sqlite3_bind_null(raw, 5) }
    let result = previous.bytes.withUnsafeBytes { hash in
      line.withUnsafeBytes { bytes in
        sqlite3_bind_blob(raw, 6, hash.baseAddress, Int32(hash.count), nil)
        sqlite3_bind_blob(raw, 7, bytes.baseAddress, Int32(bytes.count), nil)
        let result = sqlite3_step(raw)
        sqlite3_reset(raw)
        sqlite3_clear_bindings(raw)
        return result
      }
    }
    guard result == SQLITE_DONE else {
      throw DatabaseError(
        resultCode: ResultCode(rawValue: result), message: String(cString: sqlite3_errmsg(db.sqliteConnection)))
    }
  }

  private func bind(_ text: String, at index: Int32, of raw: OpaquePointer) {
    var text = text
    // SQLite copies the text at once (SQLITE_TRANSIENT), so that the pointer need not outlive the call.
    text.withUTF8 { bytes in
      bytes.withMemoryRebound(to: CChar.self) {
        _ = sqlite3_bind_text(
          raw, index, $0.baseAddress, Int32($0.count), unsafeBitCast(-1, to: sqlite3_destructor_type.self))
      }
    }
  }
}
