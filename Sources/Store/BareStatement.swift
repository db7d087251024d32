import GRDB
import GRDBSQLite

/// A prepared statement that is bound and stepped without detours: for those that run for every event.
struct BareStatement {
  /// GRDB's, which keeps it for the life of the connection.
  private let statement: Statement
  private let db: Database

  init(_ db: Database, _ sql: String) throws {
    self.db = db
    statement = try db.cachedStatement(sql: sql)
  }

  /// Runs it once with the values that `fill` adds, in the order of its parameters.
  func run(_ fill: (inout Values) -> Void) throws {
    try rows(fill) { _ in }
  }

  /// Runs it and visits each row; a row is valid only during the visit.
  func rows(_ fill: (inout Values) -> Void, _ visit: (BareRow) throws -> Void) throws {
    let raw = statement.sqliteStatement
    var values = Values(raw)
    fill(&values)
    defer {
      sqlite3_reset(raw)
      // Only what would point to memory that is gone: each run binds all the rest anew.
      values.forgetLasting()
    }
    while true {
      switch sqlite3_step(raw) {
      case SQLITE_ROW: try visit(BareRow(raw))
      case SQLITE_DONE: return
      case let code:
        throw DatabaseError(
          resultCode: ResultCode(rawValue: code), message: String(cString: sqlite3_errmsg(db.sqliteConnection)),
          sql: statement.sql)
      }
    }
  }

  /// Whether it finds a row.
  func isAny(_ fill: (inout Values) -> Void) throws -> Bool {
    var isFound = false
    try rows(fill) { _ in isFound = true }
    return isFound
  }

  /// The values of one run, added from the first parameter on.
  struct Values {
    private let raw: OpaquePointer
    private var index: Int32 = 0
    private var lasting: Int32 = 0

    fileprivate init(_ raw: OpaquePointer) { self.raw = raw }

    mutating func add(_ number: Int64?) {
      index += 1
      if let number { sqlite3_bind_int64(raw, index, number) } else { sqlite3_bind_null(raw, index) }
    }

    mutating func add(_ flag: Bool) { add(flag ? 1 : 0 as Int64) }

    mutating func add(_ text: String?) {
      index += 1
      guard var text else {
        sqlite3_bind_null(raw, index)
        return
      }
      text.withUTF8 { bytes in
        bytes.withMemoryRebound(to: CChar.self) {
          _ = sqlite3_bind_text(raw, index, $0.baseAddress, Int32($0.count), Self.copied)
        }
      }
    }

    mutating func add(_ bytes: [UInt8]) {
      index += 1
      _ = bytes.withUnsafeBytes { sqlite3_bind_blob(raw, index, $0.baseAddress, Int32($0.count), Self.copied) }
    }

    /// Bytes that stay where they are until the run has ended: SQLite reads them there.
    ///
    /// Once in a run.
    mutating func add(lasting bytes: UnsafeRawBufferPointer) {
      index += 1
      lasting = index
      sqlite3_bind_blob(raw, index, bytes.baseAddress, Int32(bytes.count), nil)
    }

    fileprivate func forgetLasting() { if lasting > 0 { sqlite3_bind_null(raw, lasting) } }

    /// SQLITE_TRANSIENT: SQLite copies at once, so that no pointer need outlive the call.
    private static let copied = unsafeBitCast(-1, to: sqlite3_destructor_type.self)
  }
}

/// The row that a statement stands on.
struct BareRow {
  private let raw: OpaquePointer

  fileprivate init(_ raw: OpaquePointer) { self.raw = raw }

  func number(_ column: Int32) -> Int64? {
    sqlite3_column_type(raw, column) == SQLITE_NULL ? nil : sqlite3_column_int64(raw, column)
  }

  func text(_ column: Int32) -> String? {
    guard let bytes = sqlite3_column_text(raw, column) else { return nil }
    let count = Int(sqlite3_column_bytes(raw, column))
    return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }
}
