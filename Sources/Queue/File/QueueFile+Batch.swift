internal import Events

extension QueueFile {
  /// What follows `after` in an incarnation, and the numbers met on the way whose bytes are not what was stored.
  struct Reading {
    let batch: Batch
    let damaged: [UInt64]
  }

  /// Reads on from `after` (at most `life.last`) to the first hole, `limit` lines or `maxBytes` of them.
  ///
  /// A row that does not prove itself, or does not continue the one before it, is never given: it counts
  /// as lost, and the batch goes on behind it.
  func batch(of life: Life, after: UInt64, limit: Int, maxBytes: Int) throws(SQLiteFailure) -> Reading {
    let statement = try connection.statement(
      "SELECT \(Row.columns) FROM events WHERE key BETWEEN ?1 AND ?2 ORDER BY key")
    statement.bind(1, life.key(after).packed)
    statement.bind(2, life.lastKey.packed)
    defer { statement.reset() }
    var walk = Walk(after: after)
    while walk.lines.count < limit, try statement.step(), walk.take(Row(statement), maxBytes: maxBytes) {}
    let batch: Batch
    if let first = walk.first {
      batch = Batch(
        incarnation: life.incarnation, first: first, previous: walk.previous, head: walk.hash ?? walk.previous,
        lost: first > after + 1 ? (after + 1)...(first - 1) : nil, lines: walk.lines)
    } else {
      // nothing follows: all is given, or what would follow is gone and only its hash is known
      batch = Batch(
        incarnation: life.incarnation, first: life.last + 1, previous: life.head, head: life.head,
        lost: after < life.last ? (after + 1)...life.last : nil, lines: [])
    }
    return Reading(batch: batch, damaged: walk.damaged)
  }

  /// The lines of one batch as they are met.
  private struct Walk {
    let after: UInt64
    var first: UInt64?
    var previous = ChainHash.zero
    var lines: [[UInt8]] = []
    var bytes = 0
    var damaged: [UInt64] = []
    /// The hash after the row met last, and its number.
    var hash: ChainHash?
    var number: UInt64 = 0

    /// False where the batch ends before `row`.
    mutating func take(_ row: Row, maxBytes: Int) -> Bool {
      let sequence = row.key.sequence
      let found = row.hash
      if sequence <= after {
        hash = found
        number = sequence
        return true
      }
      let continues = hash == nil || number + 1 != sequence || hash == row.previous
      guard let found, continues else {
        if first != nil { return false }
        damaged.append(sequence)
        hash = nil
        return true
      }
      if first == nil {
        first = sequence
        previous = row.previous
      } else if number + 1 != sequence || bytes + row.line.count > maxBytes {
        return false
      }
      lines.append(row.line)
      bytes += row.line.count
      hash = found
      number = sequence
      return true
    }
  }
}
