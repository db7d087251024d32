public import Events
import GRDB
public import Logging
import Machine

/// The central history: takes each event once, and answers from what follows from the events.
///
/// One connection commits and checkpoints. All others only read, never checkpoint, and are closed first: an SQLite
/// before 3.51.3 can damage a database where one connection checkpoints while another commits.
public final class TraceStore: Sendable {
  let pool: DatabasePool
  let rules: TraceRules
  let logger: Logger
  /// From here on a source that was never heard is missed.
  let opened: Timestamp
  let backupWork = BackupWork()
  let waiting = Waiting()
  private let lock: StoreLock

  private init(pool: DatabasePool, lock: StoreLock, rules: TraceRules, logger: Logger) {
    self.pool = pool
    self.lock = lock
    self.rules = rules
    self.logger = logger
    opened = rules.now()
  }

  /// Opens or makes the store at `path`; throws a `StoreError` where it is newer, damaged or not to be written.
  public static func open(path: String, rules: TraceRules, logger: Logger) async throws -> TraceStore {
    let pool: DatabasePool
    let lock = try StoreLock(path)
    do {
      let replacement = Replacement(path)
      if replacement.isBegun {
        let kept = try replacement.finish()
        logger.warning("the restored store is now \(path); the one before it is \(kept ?? "nowhere: there was none")")
      }
      pool = try DatabasePool(path: path, configuration: configuration)
    } catch {
      throw StoreError("cannot open the store \(path): \(error)")
    }
    let store = TraceStore(pool: pool, lock: lock, rules: rules, logger: logger)
    do {
      // The pool sets `synchronous` to NORMAL after its hooks ran; only this, outside of a transaction, lasts.
      // A checkpoint each 32 MB of log: a page that many batches write to is copied into the database once.
      try await pool.writeWithoutTransaction { db in
        let pages = try 32_000_000 / pageBytes(of: db)
        try db.execute(sql: "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = \(pages)")
      }
      let level = try await store.synchronousInForce()
      guard level == 2 else {
        throw StoreError("the store \(path) refuses synchronous=FULL (in force: \(level)): no receipt would be safe")
      }
      try await pool.write { db in
        let former = try Schema.migrate(db)
        try Absence.note(until: store.opened, in: db)
        for source in rules.sources { _ = try Identities.source(source, in: db) }
        if (1..<Schema.withClocks).contains(former) { try Retiming.adopt(db, rules: rules) }
        try Expectations.settle(db, rules: rules)
      }
      // A flush of the journal may have failed in an earlier life: what the system still shows of it must not be what
      // further commits stand on. So it is written into the database, and that is flushed.
      try await pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
      // SQLite does not look whether flushing the folder went well, and without the journal's name a power cut takes it.
      try flushFolder(of: path)
    } catch {
      try? pool.close()
      throw error as? StoreError ?? StoreError("cannot open the store \(path): \(error)")
    }
    return store
  }

  private static var configuration: Configuration {
    var configuration = Configuration()
    configuration.label = "store"
    configuration.maximumReaderCount = 4
    configuration.busyMode = .timeout(5)
    configuration.prepareDatabase { db in
      // Of a new store: of lines of half a kilobyte a page of 4 kB has few, and each page costs its share of a commit.
      try db.execute(sql: "PRAGMA page_size = 8192; PRAGMA cache_size = -16000")
      guard db.configuration.readonly else { return }
      try db.execute(sql: "PRAGMA query_only = 1; PRAGMA wal_autocheckpoint = 0")
    }
    return configuration
  }

  /// `PRAGMA synchronous` of the connection that commits: 2 is FULL.
  public func synchronousInForce() async throws -> Int {
    try await pool.writeWithoutTransaction { try Int.fetchOne($0, sql: "PRAGMA synchronous") ?? -1 }
  }

  /// Notes until when it was open, and closes the readers, then the writer.
  public func close() throws {
    // Where this fails, the last sign of life stands: the central counts as down a few seconds longer.
    try? pool.write { try Absence.sign(at: rules.now(), in: $0) }
    try pool.close()
    lock.release()
  }

  /// Whether a transaction can be committed now.
  public func isWritable() async -> Bool {
    do {
      try await pool.write { [rules] in try Absence.sign(at: rules.now(), in: $0) }
      return true
    } catch {
      return false
    }
  }

  /// Reads in one snapshot.
  func read<Value: Sendable>(_ body: @escaping @Sendable (Database) throws -> Value) async throws -> Value {
    try await pool.read(body)
  }
}

/// The bytes of a page of a database; stores that were made earlier have smaller ones.
func pageBytes(of db: Database) throws -> Int { try Int.fetchOne(db, sql: "PRAGMA page_size") ?? 4096 }

/// What each source said last of the events that it has and the store has not; forgotten with the process.
actor Waiting {
  private(set) var bySource: [SourceName: UInt64] = [:]

  func note(_ count: UInt64, of source: SourceName) { bySource[source] = count }
}

extension TraceStore {
  /// The time by the clock that the rules give.
  public var now: Timestamp { rules.now() }
}
