internal import Events
internal import Glibc

/// Takes over what a damaged file still holds, in steps, so that the line can go on meanwhile.
///
/// Rows go into the new file under the incarnation that they were made in, so that they are still sent.
/// A step's progress is committed with its rows: after a crash the next one goes on where it ended.
final class Salvage {
  let evidence: String
  private let scan: PageScan
  private let marker: Marker?
  private var index: Int
  private(set) var salvaged: UInt64 = 0
  /// The ordinal in the new file of each incarnation met.
  private var ordinals: [Incarnation: Int64] = [:]

  private static let rowsPerCommit = 2000

  /// Begins with page `index` of the file set aside at `evidence`; `marker` tells how far it should go.
  init(evidence: String, from index: Int = 0, marker: Marker?) {
    self.evidence = evidence
    self.marker = marker
    self.index = index
    scan = PageScan(path: evidence)
  }

  /// Takes over rows until `deadline`; true when nothing is left to take.
  func step(into file: QueueFile, until deadline: ContinuousClock.Instant) throws(SQLiteFailure) -> Bool {
    for life in file.lives.dropLast() { ordinals[life.incarnation] = life.ordinal }
    while index < scan.count {
      guard ContinuousClock.now < deadline else { return false }
      var rows: [Row] = []
      while index < scan.count, rows.count < Self.rowsPerCommit, ContinuousClock.now < deadline {
        rows.append(contentsOf: scan.rows(at: index))
        index += 1
      }
      try file.transaction { () throws(SQLiteFailure) in
        for row in rows { try take(row, into: file) }
        try file.set(.salvagedPages, Int64(index))
      }
    }
    return true
  }

  private func take(_ row: Row, into file: QueueFile) throws(SQLiteFailure) {
    guard let envelope = try? Envelope(line: row.line), envelope.source == file.source,
      envelope.id.sequence == row.key.sequence, envelope.id.incarnation != file.current.incarnation
    else { return }
    let ordinal = try ordinal(of: envelope.id.incarnation, near: row.key.ordinal, in: file)
    salvaged += try file.adopt(row, as: RowKey(ordinal: ordinal, sequence: row.key.sequence)) ? 1 : 0
  }

  private func ordinal(of incarnation: Incarnation, near wanted: Int64, in file: QueueFile)
    throws(SQLiteFailure) -> Int64
  {
    if let known = ordinals[incarnation] { return known }
    var ordinal = min(wanted, file.current.ordinal - 1)
    while ordinals.values.contains(ordinal), ordinal > 1 { ordinal -= 1 }
    try file.addLife(ordinal: ordinal, incarnation: incarnation, why: "salvaged from \(evidence)")
    ordinals[incarnation] = ordinal
    return ordinal
  }

  /// Closes the account: how far each salvaged incarnation went, and the numbers that nobody has any more.
  func finish(_ file: QueueFile) throws(SQLiteFailure) -> [LostNumbers] {
    var lost: [LostNumbers] = []
    let held = HeldEvents(state: try file.state(prefix: HeldEvent.prefix))
    try file.transaction { () throws(SQLiteFailure) in
      if let marker, ordinals[marker.incarnation] == nil {
        _ = try ordinal(of: marker.incarnation, near: marker.ordinal, in: file)
      }
      for (incarnation, ordinal) in ordinals {
        let mark = marker.flatMap { $0.incarnation == incarnation ? $0 : nil }
        let holes = try file.settle(ordinal, mark: mark, held: held.numbers(of: incarnation))
        lost.append(contentsOf: holes.map { LostNumbers(incarnation: incarnation, numbers: $0) })
      }
      try file.clear(.salvage)
      try file.clear(.salvagedPages)
      try file.clear(.stateTaken)
    }
    try file.readLives()
    try file.countPages()
    return lost.sorted {
      ($0.incarnation.description, $0.numbers.lowerBound) < ($1.incarnation.description, $1.numbers.lowerBound)
    }
  }
}

extension QueueFile {
  /// Puts a row of an earlier incarnation in its place; false if it is there already.
  func adopt(_ row: Row, as key: RowKey) throws(SQLiteFailure) -> Bool {
    let statement = try connection.statement("INSERT OR IGNORE INTO events(\(Row.columns)) VALUES(?1, ?2, ?3, ?4)")
    statement.bind(1, key.packed)
    statement.bind(2, row.previous.bytes)
    statement.bind(3, row.proof)
    statement.bind(4, row.line)
    try statement.run()
    return connection.changes > 0
  }

  /// Notes how far an earlier incarnation went, which its rows and its marker tell, and gives the holes in it.
  fileprivate func settle(_ ordinal: Int64, mark: Marker?, held: [UInt64])
    throws(SQLiteFailure) -> [ClosedRange<UInt64>]
  {
    let from = RowKey(ordinal: ordinal, sequence: 0)
    let to = RowKey(ordinal: ordinal, sequence: RowKey.lastSequence)
    let keys = try connection.statement("SELECT key FROM events WHERE key BETWEEN ?1 AND ?2 ORDER BY key")
    keys.bind(1, from.packed)
    keys.bind(2, to.packed)
    var holes: [ClosedRange<UInt64>] = []
    var last: UInt64 = 0
    var count: UInt64 = 0
    var isBehindRemoved = false
    while try keys.step() {
      let sequence = RowKey(packed: keys.int(0)).sequence
      // what is missing before the first was most likely removed because it was safe; what is held stayed behind
      if isBehindRemoved, sequence > last + 1 { holes.append((last + 1)...(sequence - 1)) }
      if !held.contains(sequence) { isBehindRemoved = true }
      last = sequence
      count += 1
    }
    keys.reset()
    var head = try row(RowKey(ordinal: ordinal, sequence: last))?.hash ?? .zero
    if let mark, mark.sequence > last {
      holes.append((last + 1)...mark.sequence)
      last = mark.sequence
      head = mark.hash
    }
    let known = try recorded(ordinal)
    if let known, known.through > last {
      holes.append((last + 1)...known.through)
      last = known.through
      head = known.head
    }
    let update = try connection.statement(
      "UPDATE incarnations SET through = ?1, head = ?2, removed = ?3 WHERE ordinal = ?4")
    update.bind(1, Int64(last))
    update.bind(2, head.bytes)
    update.bind(3, Int64(last - count))
    update.bind(4, ordinal)
    try update.run()
    return holes
  }

  private func recorded(_ ordinal: Int64) throws(SQLiteFailure) -> (through: UInt64, head: ChainHash)? {
    let statement = try connection.statement("SELECT through, head FROM incarnations WHERE ordinal = ?1")
    statement.bind(1, ordinal)
    defer { statement.reset() }
    guard try statement.step(), !statement.isNull(0), let head = ChainHash(statement.bytes(1)) else { return nil }
    return (UInt64(clamping: statement.int(0)), head)
  }
}
