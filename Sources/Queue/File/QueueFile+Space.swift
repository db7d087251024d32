internal import Events

/// What a file takes of the disk, and how rows leave it.
extension QueueFile {
  /// Bytes in use: pages that hold something, and the journal.
  var usedBytes: Int { pageBytes + bytesSince + connection.journalFrames * Self.journalFrameSize }

  /// Counts anew when enough was written since the last time.
  func countPagesIfDue() throws(SQLiteFailure) {
    if bytesSince > min(1 << 20, limitBytes / 64) { try countPages() }
  }

  func countPages() throws(SQLiteFailure) {
    let pages = Int(try connection.pragma("page_count") ?? "") ?? 0
    let free = Int(try connection.pragma("freelist_count") ?? "") ?? 0
    pageBytes = (pages - free) * Self.pageSize
    freeBytes = free * Self.pageSize
    bytesSince = 0
  }

  /// Removes the rows of `life` with these numbers, all but those of `kept`, which ascend; returns how many went.
  func remove(
    _ life: Life, _ numbers: ClosedRange<UInt64>, except kept: [UInt64] = [],
    also: () throws(SQLiteFailure) -> Void = {}
  ) throws(SQLiteFailure) -> Int {
    var gone = 0
    try transaction { () throws(SQLiteFailure) in
      let removal = try connection.statement("DELETE FROM events WHERE key BETWEEN ?1 AND ?2")
      var first = numbers.lowerBound
      for end in kept + [numbers.upperBound + 1] {
        removal.bind(1, life.key(first).packed)
        removal.bind(2, life.key(end - 1).packed)
        try removal.run()
        gone += connection.changes
        first = end + 1
      }
      let count = try connection.statement("UPDATE incarnations SET removed = removed + ?1 WHERE ordinal = ?2")
      count.bind(1, Int64(gone))
      count.bind(2, life.ordinal)
      try count.run()
      try also()
    }
    if let index = lives.firstIndex(where: { $0.ordinal == life.ordinal }) {
      lives[index].removed += UInt64(gone)
      lives[index].first = try firstSequence(of: lives[index])
    }
    try countPages()
    return gone
  }
}
