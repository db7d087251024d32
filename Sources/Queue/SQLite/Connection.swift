internal import GRDBSQLite
private import Glibc

/// A call to SQLite that failed: what was tried, SQLite's extended code, and its words.
struct SQLiteFailure: Error, Sendable, Hashable, CustomStringConvertible {
  let doing: String
  let code: Int32
  let message: String

  private var primaryCode: Int32 { code & 0xFF }
  /// The file is not what SQLite wrote: it is set aside, never repaired in place.
  var isDamage: Bool { primaryCode == SQLITE_CORRUPT || primaryCode == SQLITE_NOTADB }
  var isBusy: Bool { primaryCode == SQLITE_BUSY || primaryCode == SQLITE_LOCKED }
  var isFull: Bool { primaryCode == SQLITE_FULL }
  /// Only this entry's fault: nothing is wrong with the disk or the file.
  var isOfStatement: Bool {
    [SQLITE_ERROR, SQLITE_TOOBIG, SQLITE_CONSTRAINT, SQLITE_MISMATCH, SQLITE_RANGE].contains(primaryCode)
  }

  var description: String { "\(doing): \(message) (SQLite \(code))" }
}

/// The one connection to a database file; belongs to one actor, which makes every call on its own thread.
final class Connection {
  private let handle: OpaquePointer
  let path: String
  private var cache: [String: Statement] = [:]
  private var isClosed = false
  /// A copy that is being made of the file: SQLite does not close as long as it is.
  private weak var copying: PageCopy?
  private let walFrames: UnsafeMutablePointer<Int32>

  /// How a file is opened.
  enum Mode {
    /// Read and written, made if it is not there, closed to every other process.
    case exclusive
    /// Looked at without changing it.
    case reading
    /// Read where nothing can be written any more, not even a lock: whoever opens it so keeps every other out.
    case lastResort
  }

  init(path: String, mode: Mode) throws(SQLiteFailure) {
    // SQLite makes files that everybody may read, and gives the journal the file's mode: so the file is made here.
    if mode == .exclusive {
      let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
      if made >= 0 { Glibc.close(made) }
    }
    var opened: OpaquePointer?
    let flags =
      switch mode {
      case .exclusive: SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
      case .reading, .lastResort: SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
      }
    let code = sqlite3_open_v2(path, &opened, flags, mode == .lastResort ? "unix-none" : nil)
    guard code == SQLITE_OK, let opened else {
      let message = String(cString: sqlite3_errmsg(opened))
      sqlite3_close_v2(opened)
      throw SQLiteFailure(doing: "opening \(path)", code: code, message: message)
    }
    handle = opened
    self.path = path
    walFrames = .allocate(capacity: 1)
    walFrames.initialize(to: 0)
    sqlite3_extended_result_codes(handle, 1)
    switch mode {
    case .exclusive: try harden()
    // The journal's index is then kept in memory, where otherwise it would be a file beside it.
    case .lastResort: try run("PRAGMA locking_mode=EXCLUSIVE")
    case .reading: break
    }
  }

  deinit {
    close()
    walFrames.deallocate()
  }

  /// Closes at once, whoever still holds the connection; nobody may use it or its statements afterwards.
  func close() {
    guard !isClosed else { return }
    isClosed = true
    copying?.finish()
    for statement in cache.values { statement.finalize() }
    cache = [:]
    sqlite3_close_v2(handle)
  }

  // By number, as SQLite gives it back.
  #if WEAKENED_FLUSH
    private static let flushing = "1"
  #else
    /// 2 is FULL: a commit is on disk once it returned.
    private static let flushing = "2"
  #endif

  /// Sets what a commit's promise rests on and reads back that it is in force.
  private func harden() throws(SQLiteFailure) {
    try run("PRAGMA locking_mode=EXCLUSIVE")
    try run("PRAGMA page_size=4096")
    try run("PRAGMA journal_mode=WAL")
    try run("PRAGMA synchronous=\(Self.flushing)")
    try run("PRAGMA mmap_size=0")
    try run("PRAGMA temp_store=MEMORY")
    try run("PRAGMA cache_size=-2000")
    try run("PRAGMA cell_size_check=ON")
    // Debian's default, and needed: salvaging reads raw pages, and would find rows that went long ago.
    try run("PRAGMA secure_delete=ON")
    try run("PRAGMA journal_size_limit=67108864")
    sqlite3_wal_hook(
      handle,
      { frames, _, _, count in
        frames?.assumingMemoryBound(to: Int32.self).pointee = count
        return SQLITE_OK
      }, walFrames)
    let wanted = ["journal_mode": "wal", "synchronous": Self.flushing, "locking_mode": "exclusive", "mmap_size": "0"]
    for (pragma, value) in wanted {
      let found = try self.pragma(pragma)
      // Built without memory mapping, SQLite has nothing to say about it.
      guard found == value || (pragma == "mmap_size" && found == nil) else {
        throw SQLiteFailure(
          doing: "opening \(path)", code: SQLITE_MISUSE,
          message:
            "\(pragma) is \(found ?? "nothing") although \(value) was asked for, so a commit would promise too much")
      }
    }
  }

  /// Frames in the journal after the last commit.
  var journalFrames: Int { Int(walFrames.pointee) }

  /// The value of a setting as it is in force.
  func pragma(_ name: String) throws(SQLiteFailure) -> String? {
    let statement = try self.statement("PRAGMA \(name)")
    defer { statement.reset() }
    return try statement.step() ? statement.text(0) : nil
  }

  /// Runs a statement whose rows are of no interest.
  func run(_ sql: String) throws(SQLiteFailure) {
    let code = sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure("running \(sql.prefix(60))", code) }
  }

  /// Prepares `sql`, or gives the one prepared before; the caller resets it.
  func statement(_ sql: String) throws(SQLiteFailure) -> Statement {
    if let known = cache[sql] { return known }
    var prepared: OpaquePointer?
    let code = sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil)
    guard code == SQLITE_OK, let prepared else { throw failure("preparing \(sql.prefix(60))", code) }
    let statement = Statement(prepared, of: handle, sql: sql)
    cache[sql] = statement
    return statement
  }

  /// Rows that the last statement changed.
  var changes: Int { Int(sqlite3_changes(handle)) }
  /// Steps of SQLite's machine for all statements so far.
  var steps: Int { cache.values.reduce(0) { $0 + $1.steps } }
  var isInTransaction: Bool { sqlite3_get_autocommit(handle) == 0 }

  /// Begins to copy the file to a new one at `path`.
  func copy(to path: String) throws(SQLiteFailure) -> PageCopy {
    let copy = try PageCopy(from: handle, to: path)
    copying = copy
    return copy
  }

  /// Copies the journal into the file and flushes both; `truncating` gives its disk space back too.
  func checkpoint(truncating: Bool = false) throws(SQLiteFailure) {
    let mode = truncating ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE
    let code = sqlite3_wal_checkpoint_v2(handle, nil, mode, nil, nil)
    guard code == SQLITE_OK else { throw failure("copying the journal into \(path)", code) }
    walFrames.pointee = 0
  }

  private func failure(_ doing: String, _ code: Int32) -> SQLiteFailure {
    SQLiteFailure(doing: doing, code: code, message: String(cString: sqlite3_errmsg(handle)))
  }
}
