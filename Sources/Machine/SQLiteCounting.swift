private import CMachine

/// SQLite's books on its own memory.
public enum SQLiteCounting {
  /// Ends them: each piece of memory that SQLite takes or gives back is counted under one lock of the process, which
  /// costs a tenth of an insertion and which nobody reads here.
  ///
  /// False where a database was opened before: then they go on, and nothing is lost but the speed.
  @discardableResult public static func stop() -> Bool { lotline_stop_sqlite_counting() == 0 }
}
