internal import Events

/// A commit that failed and may be on disk all the same, while its producers were told that nothing was taken.
///
/// A machine that was refused comes again with the same piece: where the commit is found later, it is taken back before
/// anything is appended, read or told, so that nothing is there twice.
struct RefusedCommit {
  /// Where the chain stood before it.
  let before: Marker
  let last: UInt64
  let head: ChainHash
  /// What its changes of state replaced.
  let replaced: [StateChange]
}

extension QueueFile {
  /// What is kept under these names, as the changes that would bring it back.
  func replaced(by names: Set<String>) throws(SQLiteFailure) -> [StateChange] {
    let statement = try connection.statement("SELECT value FROM state WHERE name = ?1")
    defer { statement.reset() }
    var found: [StateChange] = []
    for name in names {
      statement.bind(1, name)
      found.append(StateChange(key: name, value: try statement.step() ? statement.bytes(0) : nil))
      statement.reset()
    }
    return found
  }

  /// Takes back a commit that was refused, where this file has it as its last.
  func takeBack(_ refused: RefusedCommit) throws(SQLiteFailure) {
    guard current.incarnation == refused.before.incarnation, current.last == refused.last,
      current.head == refused.head
    else { return }
    let life = current
    try transaction { () throws(SQLiteFailure) in
      let removal = try connection.statement("DELETE FROM events WHERE key BETWEEN ?1 AND ?2")
      removal.bind(1, life.key(refused.before.sequence + 1).packed)
      removal.bind(2, life.lastKey.packed)
      try removal.run()
      for change in refused.replaced { try apply(change) }
    }
    try readLives()
    try countPages()
  }
}
