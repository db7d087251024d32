internal import GRDBSQLite
private import Glibc
internal import Machine

/// A copy of a database file that is made a few pages at a time, while its connection goes on committing.
///
/// What is committed between two steps is in the copy as well: SQLite brings pages that were copied already up to date.
/// Belongs to whoever owns the connection, and is used on its thread.
final class PageCopy {
  private let path: String
  private let target: OpaquePointer
  private var backup: OpaquePointer?

  /// Begins with an empty file at `path`, which is made.
  init(from source: OpaquePointer, to path: String) throws(SQLiteFailure) {
    self.path = path
    // SQLite makes files that everybody may read, so the file is made here.
    let made = Glibc.open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard made >= 0 else {
      let failure = SystemFailure.making(path)
      throw SQLiteFailure(doing: failure.doing, code: SQLITE_CANTOPEN, message: failure.reason)
    }
    Glibc.close(made)
    var opened: OpaquePointer?
    let code = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened else {
      let message = String(cString: sqlite3_errmsg(opened))
      sqlite3_close_v2(opened)
      throw SQLiteFailure(doing: "opening \(path)", code: code, message: message)
    }
    target = opened
    // A copy that is cut off is thrown away; one that is whole is flushed at its end.
    sqlite3_exec(target, "PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF", nil, nil, nil)
    backup = sqlite3_backup_init(target, "main", source, "main")
    guard backup != nil else { throw failure(sqlite3_errcode(target)) }
  }

  deinit {
    finish()
    sqlite3_close_v2(target)
  }

  /// Copies so many pages more; true when nothing is left.
  func step(pages: Int32) throws(SQLiteFailure) -> Bool {
    guard let backup else {
      throw SQLiteFailure(doing: "copying to \(path)", code: SQLITE_ABORT, message: "the queue was closed meanwhile")
    }
    switch sqlite3_backup_step(backup, pages) {
    case SQLITE_OK: return false
    case SQLITE_BUSY, SQLITE_LOCKED: return false
    case SQLITE_DONE:
      finish()
      // One file, that any tool of SQLite reads without leaving others beside it.
      let code = sqlite3_exec(target, "PRAGMA journal_mode=DELETE", nil, nil, nil)
      guard code == SQLITE_OK else { throw failure(code) }
      return true
    case let code: throw failure(code)
    }
  }

  /// Ends it, whole or not; the source may be closed then.
  func finish() {
    if let backup { sqlite3_backup_finish(backup) }
    backup = nil
  }

  private func failure(_ code: Int32) -> SQLiteFailure {
    SQLiteFailure(doing: "copying to \(path)", code: code, message: String(cString: sqlite3_errmsg(target)))
  }
}
