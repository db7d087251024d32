internal import Events
internal import GRDBSQLite
internal import Machine

/// An open queue file and where its chain stands; belongs to the queue's actor and lives on its thread.
final class QueueFile {
  let connection: Connection
  let source: SourceName
  /// All incarnations, oldest first, never none; the last is the one that is written to.
  var lives: [Life] = []
  /// Bytes of pages in use when they were last counted, and of lines since.
  var pageBytes = 0
  var bytesSince = 0
  /// Bytes of pages that are free within the file.
  var freeBytes = 0
  private let insertion: Statement
  let limitBytes: Int

  static let pageSize = 4096
  static let journalFrameSize = 4120

  /// Opens the file that is there, or makes a new one if it is not there or empty.
  ///
  /// - Parameter evidence: the damaged file that a new one takes the place of, and whose rows it is to take over.
  init(
    _ settings: QueueSettings, source: SourceName, newLife: (ordinal: Int64, why: String),
    salvaging evidence: String? = nil
  ) throws {
    connection = try Connection(path: settings.path, mode: .exclusive)
    self.source = source
    limitBytes = settings.limitBytes
    let version = try connection.pragma("user_version")
    if version == "0", try connection.pragma("schema_version") == "0" {
      try Self.create(connection, source: source, newLife, salvaging: evidence)
    } else if let foreign = try Self.foreign(connection, version: version, source: source, path: settings.path) {
      throw foreign
    }
    // a net below our own count: SQLite refuses before the disk does
    try connection.run("PRAGMA max_page_count=\((settings.limitBytes + (16 << 20)) / Self.pageSize)")
    insertion = try connection.statement("INSERT INTO events(\(Row.columns)) VALUES(?1, ?2, ?3, ?4)")
    try readLives()
    try countPages()
    // SQLite flushes the folder once a new journal is flushed, and does not look whether that went well: without the
    // journal's name, a power cut would take every commit in it.
    try flushFolder(of: settings.path)
  }

  /// Opens a file that cannot be written, to read what was known to be on disk and nothing beyond: how a commit that
  /// failed will be found is not known until the file can be written again.
  init(lastResort settings: QueueSettings, source: SourceName, through known: Marker) throws {
    connection = try Connection(path: settings.path, mode: .lastResort)
    self.source = source
    limitBytes = settings.limitBytes
    insertion = try connection.statement("INSERT INTO events(\(Row.columns)) VALUES(?1, ?2, ?3, ?4)")
    try readLives()
    guard current.incarnation == known.incarnation, current.last >= known.sequence else {
      throw damage("it does not have event \(known.sequence), which was written")
    }
    lives[lives.count - 1].last = known.sequence
    lives[lives.count - 1].head = known.hash
    try countPages()
  }

  private static func create(
    _ connection: Connection, source: SourceName, _ newLife: (ordinal: Int64, why: String), salvaging evidence: String?
  ) throws {
    try connection.run("BEGIN IMMEDIATE")
    for statement in Schema.statements { try connection.run(statement) }
    let life = try connection.statement("INSERT INTO incarnations(ordinal, id, why) VALUES(?1, ?2, ?3)")
    life.bind(1, newLife.ordinal)
    life.bind(2, Incarnation.random().description)
    life.bind(3, newLife.why)
    try life.run()
    let meta = try connection.statement("INSERT INTO meta(name, value) VALUES('source', ?1)")
    meta.bind(1, source.description)
    try meta.run()
    if let evidence {
      let salvage = try connection.statement("INSERT INTO meta(name, value) VALUES(?1, ?2)")
      salvage.bind(1, Meta.salvage.rawValue)
      salvage.bind(2, evidence)
      try salvage.run()
    }
    try connection.run("COMMIT")
  }

  /// Why a sound SQLite file is not a queue that this program may write to.
  private static func foreign(
    _ connection: Connection, version: String?, source: SourceName, path: String
  ) throws -> OpeningFailure? {
    guard try connection.pragma("application_id") == Schema.applicationID else {
      return OpeningFailure("\(path) is a database of another program; name another file in queue.path")
    }
    guard version == Schema.version else {
      return OpeningFailure(
        "\(path) was written by a newer Lotline (format \(version ?? "unknown"), this one reads \(Schema.version)): "
          + "install that version again, or name another file in queue.path")
    }
    let statement = try connection.statement("SELECT value FROM meta WHERE name = 'source'")
    defer { statement.reset() }
    let owner = try statement.step() ? statement.text(0) : nil
    guard owner == source.description else {
      return OpeningFailure(
        "\(path) holds events of source \(owner ?? "unknown"), but the settings say \(source): "
          + "set source back, or name another file in queue.path")
    }
    return nil
  }

  var current: Life { lives[lives.count - 1] }

  func life(of incarnation: Incarnation) -> Life? { lives.last { $0.incarnation == incarnation } }

  /// Rows of all incarnations, from their numbers, not by counting.
  var rowCount: UInt64 { lives.reduce(0) { $0 + $1.last - min($1.removed, $1.last) } }

  // MARK: Writing

  func begin() throws(SQLiteFailure) { try connection.statement("BEGIN IMMEDIATE").run() }
  func commit() throws(SQLiteFailure) { try connection.statement("COMMIT").run() }

  /// Takes back what was not committed; after some failures SQLite has done so by itself.
  func rollback() {
    if connection.isInTransaction { try? connection.run("ROLLBACK") }
  }

  /// Runs `body` in a transaction of its own.
  func transaction(_ body: () throws(SQLiteFailure) -> Void) throws(SQLiteFailure) {
    try begin()
    do throws(SQLiteFailure) {
      try body()
      try commit()
    } catch {
      rollback()
      throw error
    }
  }

  /// Adds a line after `tip` and moves it on; the caller keeps the tip once the commit is done.
  func insert(_ line: [UInt8], after tip: inout Tip) throws(SQLiteFailure) {
    let hash = tip.head.extended(byDigest: ChainHash.digest(of: line))
    try insert(key: current.key(tip.last + 1), previous: tip.head, hash: hash, line: line)
    tip.last += 1
    tip.head = hash
    tip.bytes += line.count + Tip.rowOverhead
  }

  private func insert(key: RowKey, previous: ChainHash, hash: ChainHash, line: [UInt8]) throws(SQLiteFailure) {
    let insertion = insertion
    let failure: SQLiteFailure? = previous.bytes.withUnsafeBytes { previousBytes in
      line.withUnsafeBytes { lineBytes in
        insertion.bind(1, key.packed)
        insertion.bind(2, borrowing: previousBytes)
        insertion.bind(3, Row.proof(of: hash))
        insertion.bind(4, borrowing: lineBytes)
        do throws(SQLiteFailure) { try insertion.run() } catch { return error }
        return nil
      }
    }
    if let failure { throw failure }
  }

  func apply(_ change: StateChange) throws(SQLiteFailure) {
    let statement: Statement
    if let value = change.value {
      statement = try connection.statement(
        "INSERT INTO state(name, value) VALUES(?1, ?2) ON CONFLICT(name) DO UPDATE SET value = excluded.value")
      statement.bind(2, value)
    } else {
      statement = try connection.statement("DELETE FROM state WHERE name = ?1")
    }
    statement.bind(1, change.key)
    try statement.run()
  }

  /// Where the next line goes: kept apart until its commit is done.
  struct Tip {
    var last: UInt64
    var head: ChainHash
    var bytes = 0
    /// What a row costs beside its line: key, hash before, proof, cell.
    static let rowOverhead = 56
  }

  var tip: Tip { Tip(last: current.last, head: current.head) }

  /// The commit of everything up to `tip` is done.
  func advance(to tip: Tip) {
    let index = lives.count - 1
    if lives[index].first == nil, tip.last > lives[index].last { lives[index].first = lives[index].last + 1 }
    lives[index].last = tip.last
    lives[index].head = tip.head
    bytesSince += tip.bytes
  }

  /// Ends the current incarnation and begins another in the same file; its rows stay.
  ///
  /// `mark` tells of numbers that were given beyond the last row here, and whose rows are gone.
  func beginLife(why: String, mark: Marker? = nil) throws(SQLiteFailure) {
    var old = current
    if let mark, mark.incarnation == old.incarnation, mark.sequence > old.last {
      old.removed += mark.sequence - old.last
      old.last = mark.sequence
      old.head = mark.hash
    }
    try transaction { () throws(SQLiteFailure) in
      let ending = try connection.statement(
        "UPDATE incarnations SET through = ?1, head = ?2, removed = ?3 WHERE ordinal = ?4")
      ending.bind(1, Int64(old.last))
      ending.bind(2, old.head.bytes)
      ending.bind(3, Int64(old.removed))
      ending.bind(4, old.ordinal)
      try ending.run()
      try addLife(ordinal: max(old.ordinal, mark?.ordinal ?? 0) + 1, incarnation: .random(), why: why)
    }
    try readLives()
  }

  func addLife(ordinal: Int64, incarnation: Incarnation, why: String) throws(SQLiteFailure) {
    let statement = try connection.statement(
      "INSERT OR IGNORE INTO incarnations(ordinal, id, why) VALUES(?1, ?2, ?3)")
    statement.bind(1, ordinal)
    statement.bind(2, incarnation.description)
    statement.bind(3, why)
    try statement.run()
  }
}
