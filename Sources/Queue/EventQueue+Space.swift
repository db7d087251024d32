internal import Events
internal import Logging

/// What decides whether there is room: pure, so that its borders can be tested.
struct Space: Hashable {
  /// Why the disk has no room; nil while it has.
  var diskIsFull: String?
  /// Whether the disk has no room beside the file, so that the journal must stay small.
  var isTight = false
  /// The journal that was found at the start had no room to be written into the file: nothing may stand on it yet.
  var isUnsecured = false
  var lastLook: ContinuousClock.Instant?
  /// Rows that went before they were safe, and that no event tells of yet.
  var released: Released?
  var toldReleased: ContinuousClock.Instant?

  /// Why `entry` is not taken while `used` bytes of `limit` are in use; nil where it is.
  func refusal(of entry: Entry, used: Int, limit: Int) -> Refusal? {
    // State replaces what was there: a full queue still takes it, as it takes the signs of life.
    if entry.events.isEmpty, diskIsFull == nil { return nil }
    if let refusal = refusal(used: used, limit: limit) { return refusal }
    guard entry.isPeriodic, used >= limit / 100 * Limit.periodicPercent else { return nil }
    return .full(
      "\(used) of \(limit) bytes are in use, and from \(Limit.periodicPercent) % on readings at a rate are left out")
  }

  /// Why nothing is taken; nil where something is.
  func refusal(used: Int, limit: Int) -> Refusal? {
    if let diskIsFull { return .full(diskIsFull) }
    guard used >= limit else { return nil }
    return .full(
      "\(used) of \(limit) bytes are in use and the central has confirmed too few events to let any go: "
        + "bring back the connection to the central, or raise queue.limit")
  }

  /// Whether rows that are received go although they are not safe: otherwise something would have to be refused.
  func isDire(used: Int, limit: Int) -> Bool {
    diskIsFull != nil && !isUnsecured || used >= limit / 100 * Limit.releasePercent
  }

  /// Whether rows that are safe go before their time.
  func isPressing(used: Int, limit: Int) -> Bool {
    diskIsFull != nil || used >= limit / 100 * Limit.pressurePercent
  }
}

extension EventQueue {
  var fullDisk: String { "the disk under \(settings.path) is full: free space there" }

  /// Looks at the disk, at most once a second.
  func checkDisk(_ file: QueueFile) throws(SQLiteFailure) {
    if let last = space.lastLook, last + .seconds(1) > .now { return }
    space.lastLook = .now
    let (needed, free) = (disk.neededBytes, disk.free)
    let wasFull = space.diskIsFull != nil
    space.isTight = disk.reserveBytes > 0 && free.map { $0 < needed } ?? false
    if space.isUnsecured { try secure(file) }
    // Without numbers: what repeats must read the same.
    space.diskIsFull = space.isUnsecured || space.isTight && file.freeBytes < disk.floor ? fullDisk : nil
    if let why = space.diskIsFull, !wasFull {
      logger.error(
        """
        \(why) (\((free ?? 0) / 1000) kB are free, \(needed / 1000) kB are needed). Until then nothing is taken; \
        what is here is sent on, and goes once the central has it
        """)
    } else if wasFull, space.diskIsFull == nil {
      logger.notice("the disk under \(settings.path) has room again: events are taken")
    }
  }

  static let stepsOfRelief = 8

  /// Lets rows go that are safe and old, or safe and in the way: a bounded amount, so that intake goes on.
  ///
  /// Returns whether some went.
  @discardableResult
  func relieve(_ file: QueueFile, steps: Int = stepsOfRelief) throws(SQLiteFailure) -> Bool {
    let isPressing = space.isPressing(used: file.usedBytes, limit: settings.limitBytes)
    // a full disk has room for small transactions only, each of which must give its journal back
    let step: UInt64 = space.diskIsFull == nil ? 500 : 50
    var gone = 0
    for _ in 0..<steps {
      let count = try removeSafe(file, atMost: step, isPressing: isPressing)
      gone += count
      if count == 0 { break }
      if space.diskIsFull != nil { try file.connection.checkpoint(truncating: true) }
    }
    if space.isDire(used: file.usedBytes, limit: settings.limitBytes) { gone += try release(file, atMost: step) }
    if isPressing || space.isTight { try checkDisk(file) }
    if isPressing, file.connection.journalFrames > 0, file.usedBytes >= settings.limitBytes {
      try file.connection.checkpoint(truncating: true)
      try file.countPages()
    }
    guard gone > 0 || isPressing else { return false }
    publish()
    let refusing = space.refusal(used: file.usedBytes, limit: settings.limitBytes)
    board.update { status in
      status.counts.removed += UInt64(gone)
      status.refusing = refusing
    }
    return gone > 0
  }

  private func removeSafe(_ file: QueueFile, atMost count: UInt64, isPressing: Bool) throws(SQLiteFailure) -> Int {
    for life in file.lives {
      guard let rows = try rows(of: life, through: \.safe, file) else { continue }
      var through = min(rows.lowerBound + count - 1, rows.upperBound)
      if !isPressing {
        while try !isOld(file, life.key(through)) {
          guard through > rows.lowerBound else { break }
          through = rows.lowerBound + (through - rows.lowerBound) / 2
        }
        guard try isOld(file, life.key(through)) else { continue }
      }
      return try remove(life, rows.lowerBound...through, file)
    }
    return 0
  }

  /// The rows of an incarnation that are there, not held, and no further than the central has them.
  private func rows(
    of life: Life, through far: (QueueFile.Position) -> UInt64, _ file: QueueFile
  ) throws(SQLiteFailure) -> ClosedRange<UInt64>? {
    guard let first = try firstFree(of: life, file) else { return nil }
    let through = positions.filter { $0.frees && $0.ordinal == life.ordinal }.map(far).max() ?? 0
    // the last row of the current incarnation stays: the chain goes on from it
    let upper = life.ordinal == file.current.ordinal ? min(through, life.last - 1) : min(through, life.last)
    return first <= upper ? first...upper : nil
  }

  private func remove(
    _ life: Life, _ rows: ClosedRange<UInt64>, _ file: QueueFile, also: () throws(SQLiteFailure) -> Void = {}
  ) throws(SQLiteFailure) -> Int {
    let held = held.numbers(of: life.incarnation).filter { rows.contains($0) }
    return try file.remove(life, rows, except: held, also: also)
  }

  /// Lets rows go that are received and not safe, the oldest first, so that nothing has to be refused.
  ///
  /// What went is kept in the same commit, until an event tells of it.
  private func release(_ file: QueueFile, atMost count: UInt64) throws(SQLiteFailure) -> Int {
    guard try oldestReceived(file) != nil else { return 0 }
    // The journal counts as well, and is given back more cheaply.
    if file.connection.journalFrames > 0 {
      try file.connection.checkpoint(truncating: true)
      try file.countPages()
    }
    var gone = 0
    for _ in 0..<8 where space.isDire(used: file.usedBytes, limit: settings.limitBytes) {
      guard let (life, rows) = try oldestReceived(file) else { break }
      let some = rows.lowerBound...min(rows.upperBound, rows.lowerBound + count - 1)
      let new = Released(
        incarnation: life.incarnation, numbers: some, from: try time(file, life.key(some.lowerBound)),
        to: try time(file, life.key(some.upperBound)))
      if let known = space.released, known.joined(with: new) == nil { try tell(known, file) }
      let all = space.released?.joined(with: new) ?? new
      gone += try remove(life, some, file) { () throws(SQLiteFailure) in try file.set(.released, all.text) }
      space.released = all
      board.update { $0.counts.released += UInt64(some.count) }
      if space.diskIsFull != nil { try file.connection.checkpoint(truncating: true) }
    }
    return gone
  }

  private func oldestReceived(_ file: QueueFile) throws(SQLiteFailure) -> (Life, ClosedRange<UInt64>)? {
    for life in file.lives {
      if let rows = try rows(of: life, through: \.received, file) { return (life, rows) }
    }
    return nil
  }

  /// Tells of rows that went before they were safe, at most once a minute.
  func tellReleased(_ file: QueueFile, isLast: Bool = false) throws(SQLiteFailure) {
    guard let released = space.released, !space.isUnsecured else { return }
    if let told = space.toldReleased, told + .seconds(60) > .now, !isLast { return }
    try tell(released, file)
  }

  private func tell(_ released: Released, _ file: QueueFile) throws(SQLiteFailure) {
    let gap = released.gap
    try append(own: gap, file) { () throws(SQLiteFailure) in try file.clear(.released) }
    logger.warning("\(gap.reason ?? "")")
    space.released = nil
    space.toldReleased = .now
  }

  private func time(_ file: QueueFile, _ key: RowKey) throws(SQLiteFailure) -> Timestamp? {
    try file.row(key).flatMap { try? Envelope(line: $0.line) }?.time
  }

  private func isOld(_ file: QueueFile, _ key: RowKey) throws(SQLiteFailure) -> Bool {
    guard let row = try file.row(key) else { return false }
    guard let envelope = try? Envelope(line: row.line) else { return true }
    return Moment.now().time.since(envelope.time) > settings.keep
  }
}
