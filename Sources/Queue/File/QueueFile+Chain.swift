internal import Events
internal import GRDBSQLite

/// Where the chains of a file stand, read from its rows.
extension QueueFile {
  /// The incarnations that a file names, oldest first, as they were when they ended.
  static func lives(in connection: Connection) throws(SQLiteFailure) -> [Life] {
    let statement = try connection.statement(
      "SELECT ordinal, id, why, through, head, removed FROM incarnations ORDER BY ordinal")
    defer { statement.reset() }
    var found: [Life] = []
    while try statement.step() {
      guard let incarnation = Incarnation(statement.text(1) ?? "") else {
        throw damage("an incarnation has no id", in: connection)
      }
      found.append(
        Life(
          ordinal: statement.int(0), incarnation: incarnation, why: statement.text(2) ?? "",
          last: UInt64(clamping: statement.int(3)), head: ChainHash(statement.bytes(4)) ?? .zero,
          removed: UInt64(clamping: statement.int(5))))
    }
    return found
  }

  func readLives() throws(SQLiteFailure) {
    var found = try Self.lives(in: connection)
    guard let last = found.indices.last else { throw damage("it names no incarnation") }
    if let tail = try lastRow(of: found[last]) {
      guard let hash = tail.hash else {
        throw damage("event \(tail.key.sequence), the last one, is not as it was written")
      }
      found[last].last = tail.key.sequence
      found[last].head = hash
    }
    for index in found.indices { found[index].first = try firstSequence(of: found[index]) }
    lives = found
  }

  private func lastRow(of life: Life) throws(SQLiteFailure) -> Row? {
    let statement = try connection.statement(
      "SELECT \(Row.columns) FROM events WHERE key BETWEEN ?1 AND ?2 ORDER BY key DESC LIMIT 1")
    statement.bind(1, life.key(0).packed)
    statement.bind(2, life.key(RowKey.lastSequence).packed)
    defer { statement.reset() }
    return try statement.step() ? Row(statement) : nil
  }

  /// The oldest row of an incarnation, of those from a number on.
  func firstSequence(of life: Life, from number: UInt64 = 0) throws(SQLiteFailure) -> UInt64? {
    let statement = try connection.statement("SELECT min(key) FROM events WHERE key BETWEEN ?1 AND ?2")
    statement.bind(1, life.key(number).packed)
    statement.bind(2, life.key(RowKey.lastSequence).packed)
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0) else { return nil }
    return RowKey(packed: statement.int(0)).sequence
  }

  /// One row, whatever its content proves.
  func row(_ key: RowKey) throws(SQLiteFailure) -> Row? {
    let statement = try connection.statement("SELECT \(Row.columns) FROM events WHERE key = ?1")
    statement.bind(1, key.packed)
    defer { statement.reset() }
    return try statement.step() ? Row(statement) : nil
  }

  /// Follows the chain over the last `count` rows, which is where a crash could have left its marks.
  func checkTail(count: Int) throws(SQLiteFailure) {
    let life = current
    let from = life.last > UInt64(count) ? life.last - UInt64(count) + 1 : 1
    let statement = try connection.statement(
      "SELECT \(Row.columns) FROM events WHERE key BETWEEN ?1 AND ?2 ORDER BY key")
    statement.bind(1, life.key(from).packed)
    statement.bind(2, life.lastKey.packed)
    defer { statement.reset() }
    var before: (sequence: UInt64, hash: ChainHash)?
    while try statement.step() {
      let row = Row(statement)
      guard let hash = row.hash else { throw damage("event \(row.key.sequence) is not as it was written") }
      if let before, before.sequence + 1 == row.key.sequence, before.hash != row.previous {
        throw damage("event \(row.key.sequence) does not continue the one before it")
      }
      before = (row.key.sequence, hash)
    }
  }

  /// What SQLite would not call damage, but we do.
  func damage(_ what: String) -> SQLiteFailure { Self.damage(what, in: connection) }

  private static func damage(_ what: String, in connection: Connection) -> SQLiteFailure {
    SQLiteFailure(doing: "reading \(connection.path)", code: SQLITE_CORRUPT, message: what)
  }
}
