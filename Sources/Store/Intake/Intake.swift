import Events
import Foundation
import GRDB

/// Decides about one verified batch inside the transaction that stores it.
struct Intake {
  let db: Database
  let rules: TraceRules
  let source: Int64
  let verified: VerifiedBatch
  /// One for each line; nil where a digest stands for it.
  let events: [ReadEvent?]
  let now: Timestamp

  private var batch: Batch { verified.batch }
  private var first: Int64 { Int64(batch.first) }
  private var last: Int64 { first + Int64(batch.lines.count) - 1 }

  func run() throws -> IngestAnswer {
    let known = try Identities.position(of: source, batch.incarnation, in: db)
    let through = known?.through ?? 0
    let head = known?.head ?? .zero
    if batch.lines.isEmpty, let known, try Endings.note(batch, known, in: db) {
      try Integrity.project(incarnation: known.id, source: source, in: db)
    }
    if let fork = try forkOfBranch(known) { return try conflict(at: fork, known) }
    if first > through + 1 {
      guard let lost = batch.lost, Int64(lost.lowerBound) <= through + 1 else {
        return .hole(position: UInt64(through) + 1, receipt(known))
      }
    } else if first == through + 1, batch.previous != head {
      return try conflict(at: max(through, 1), known)
    }
    guard !batch.lines.isEmpty || first > through + 1 else { return .receipt(receipt(known)) }
    var position = try known ?? Identities.insert(batch.incarnation, of: source, in: db)
    var projector = try Projector(db: db, source: source, incarnation: batch.incarnation)
    var isPatched = false
    var isLate = false
    if first <= through {
      switch try compare(position) {
      case .differs(let place): return try conflict(at: place, position)
      case .same(let missing, let unproved):
        for number in missing { try fill(number, &position, &projector) }
        for number in unproved { try keep(number, position) }
        isLate = !missing.isEmpty
        isPatched = isLate || !unproved.isEmpty
      }
    } else if first > through + 1 {
      try db.execute(
        sql: "INSERT INTO holes(incarnation, first, last, before) VALUES (?, ?, ?, ?)",
        arguments: [position.id, through + 1, first - 1, Data(head.bytes)])
      position.through = first - 1
      position.head = batch.previous
      isPatched = true
    }
    let isHeld = try append(&position, &projector)
    try Identities.save(position, in: db)
    let isOutOfOrder = try isLate || DeviceGaps.hasNewer(than: position.id, source, in: db)
    let retimed = try Retiming.run(&projector, isOutOfOrder: isOutOfOrder)
    for other in retimed where other != position.id {
      try Integrity.project(incarnation: other, source: source, in: db)
    }
    if try isPatched || isHeld || retimed.contains(position.id) || Integrity.isUnfinished(position.id, in: db) {
      try Integrity.project(incarnation: position.id, source: source, in: db)
    }
    if !retimed.isEmpty || isOutOfOrder && DeviceGaps.areStale(after: verified.envelopes) {
      try DeviceGaps.project(source, in: db)
    }
    try projector.finish(rules)
    return .receipt(receipt(position))
  }

  /// Stores the lines beyond what is known; true if digests were among them.
  private func append(_ position: inout Identities.Position, _ projector: inout Projector) throws -> Bool {
    guard last > position.through else { return false }
    let rows = try EventRows(db)
    var arrival = try Arrival(db)
    var isHeld = false
    let from = position.through + 1
    for index in Int(from - first)..<batch.lines.count {
      let key = EventKey(incarnation: position.id, sequence: first + Int64(index))
      let event = events[index]
      try rows.insert(key, event, previous: before(index), line: batch.lines[index])
      arrival.take(event)
      if let event { try projector.project(key, event) } else { isHeld = true }
    }
    try arrival.save(
      EventKey(incarnation: position.id, sequence: from), through: EventKey(incarnation: position.id, sequence: last),
      new: last - from + 1, in: db)
    position.through = last
    position.head = verified.hashes[verified.hashes.count - 1]
    return isHeld
  }

  private func before(_ index: Int) -> ChainHash { index == 0 ? batch.previous : verified.hashes[index - 1] }

  private enum Comparison {
    /// All that is stored agrees; these numbers have no line yet (held, or declared lost). What came for the others that
    /// have none may be another history.
    case same(missing: [Int64], unproved: [Int64])
    case differs(at: Int64)
  }

  #if WEAKENED_COMPARISON
    private static let comparesLines = false
  #else
    private static let comparesLines = true
  #endif

  /// Compares the lines that are known with those that are stored: their bytes, and the chain before them.
  private func compare(_ position: Identities.Position) throws -> Comparison {
    guard Self.comparesLines else { return .same(missing: [], unproved: []) }
    let end = min(last, position.through)
    var stored: [Int64: Row] = [:]
    for row in try Row.fetchAll(
      db, sql: "SELECT key, previous, line FROM events WHERE key BETWEEN ? AND ?",
      arguments: [
        EventKey(incarnation: position.id, sequence: first).packed,
        EventKey(incarnation: position.id, sequence: end).packed,
      ])
    {
      stored[EventKey(packed: row["key"]).sequence] = row
    }
    // A line in a hole is proved by a stored row behind it, or by our head: without, it is not taken as ours.
    let proved = end == position.through ? end : stored.keys.max() ?? 0
    var (missing, unproved): ([Int64], [Int64]) = ([], [])
    for number in first..<(end + 1) {
      let index = Int(number - first)
      let line = batch.lines[index]
      guard let row = stored[number] else {
        guard verified.envelopes[index] != nil else { continue }
        if number <= proved { missing.append(number) } else { unproved.append(number) }
        continue
      }
      let kept = row.bytes("line")
      let held = ChainHash.heldDigest(kept)
      let isSame =
        row.bytes("previous") == before(index).bytes
        && (kept == line
          || (held ?? ChainHash.digest(of: kept)) == (ChainHash.heldDigest(line) ?? ChainHash.digest(of: line)))
      guard isSame else { return .differs(at: number) }
      if held != nil, verified.envelopes[index] != nil { missing.append(number) }
    }
    if end == position.through, verified.hashes[Int(end - first)] != position.head { return .differs(at: end) }
    return .same(missing: missing, unproved: unproved)
  }

  /// Puts a line where a digest or a hole was.
  private func fill(_ number: Int64, _ position: inout Identities.Position, _ projector: inout Projector) throws {
    let index = Int(number - first)
    guard let event = events[index] else { return }
    let key = EventKey(incarnation: position.id, sequence: number)
    try db.execute(sql: "DELETE FROM events WHERE key = ?", arguments: [key.packed])
    let wasHeld = db.changesCount > 0
    // It may have come before, when nothing proved it.
    try db.execute(
      sql: "DELETE FROM conflicts WHERE incarnation = ? AND sequence = ? AND hash = ?",
      arguments: [position.id, number, Data(verified.hashes[index].bytes)])
    // What a backup has of this number is a digest or nothing: its source keeps the line until the next one.
    position.safe = min(position.safe, number - 1)
    var arrival = try Arrival(db)
    try EventRows(db).insert(key, event, previous: before(index), line: batch.lines[index], late: arrival.number)
    arrival.take(event)
    try arrival.save(key, through: key, new: wasHeld ? 0 : 1, in: db)
    try projector.project(key, event)
  }

  /// Where a branch that is kept here leaves ours, if the batch goes on with it; nil where it does not.
  private func forkOfBranch(_ known: Identities.Position?) throws -> Int64? {
    guard let known, first > known.through else { return nil }
    let isBranch = try Bool.fetchOne(
      db.cachedStatement(
        sql: "SELECT EXISTS(SELECT 1 FROM conflicts WHERE incarnation = ? AND sequence = ? AND hash = ?)"),
      arguments: [known.id, first - 1, Data(batch.previous.bytes)])
    guard try isBranch == true || mayFollowBranch(known) else { return nil }
    return try Int64.fetchOne(
      db.cachedStatement(sql: "SELECT MIN(sequence) FROM conflicts WHERE incarnation = ?"), arguments: [known.id])
  }

  /// Whether the numbers that the batch declares lost may be those of a branch which is kept here.
  ///
  /// The hash before the lost numbers is not told, so that nothing proves such a batch to be ours: it is not taken as ours.
  private func mayFollowBranch(_ known: Identities.Position) throws -> Bool {
    guard let lost = batch.lost, first > known.through + 1 else { return false }
    return try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT EXISTS(SELECT 1 FROM conflicts WHERE incarnation = ? AND sequence >= ?)"),
      arguments: [known.id, Int64(lost.lowerBound) - 1]) ?? false
  }

  /// Keeps the other branch beside ours: nothing is projected from it.
  private func conflict(at place: Int64, _ known: Identities.Position?) throws -> IngestAnswer {
    let position = try known ?? Identities.insert(batch.incarnation, of: source, in: db)
    for number in max(place, first)..<(last + 1) { try keep(number, position) }
    try Integrity.project(incarnation: position.id, source: source, in: db)
    return .conflict(position: UInt64(place), receipt(position))
  }

  /// Keeps a line beside ours, as evidence.
  private func keep(_ number: Int64, _ position: Identities.Position) throws {
    let index = Int(number - first)
    try db.execute(
      sql: """
        INSERT INTO conflicts(incarnation, sequence, hash, line, received) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """,
      arguments: [
        position.id, number, Data(verified.hashes[index].bytes), Data(batch.lines[index]), now.microseconds,
      ])
  }

  private func receipt(_ position: Identities.Position?) -> Receipt {
    Identities.receipt(verified.source, batch.incarnation, position, rules)
  }
}

extension Row {
  /// A column with bytes.
  func bytes(_ column: String) -> [UInt8] { Array((self[column] as Data?) ?? Data()) }
}
