internal import Events
internal import Logging

/// What decides whether there is room: pure, so that its borders can be tested.
struct Space: Hashable {
  /// Why the disk has no room; nil while it has.
  var diskIsFull: String?
  /// Whether the disk has no room beside the file, so that the journal must stay small.
  var isTight = false
  var lastLook: ContinuousClock.Instant?

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

  /// Whether rows that are safe go before their time.
  func isPressing(used: Int, limit: Int) -> Bool {
    diskIsFull != nil || used >= limit / 100 * Limit.pressurePercent
  }
}

extension EventQueue {
  /// Looks at the disk, at most once a second.
  func checkDisk(_ file: QueueFile) {
    if let last = space.lastLook, last + .seconds(1) > .now { return }
    space.lastLook = .now
    let (needed, free) = (disk.neededBytes, disk.free)
    let wasFull = space.diskIsFull != nil
    space.isTight = disk.reserveBytes > 0 && free.map { $0 < needed } ?? false
    // Without numbers: what repeats must read the same.
    space.diskIsFull =
      space.isTight && file.freeBytes < disk.floor ? "the disk under \(settings.path) is full: free space there" : nil
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

  /// Lets rows go that are safe and old, or safe and in the way: a bounded amount, so that intake goes on.
  func relieve(_ file: QueueFile) throws(SQLiteFailure) {
    let isPressing = space.isPressing(used: file.usedBytes, limit: settings.limitBytes)
    // a full disk has room for small transactions only, each of which must give its journal back
    let step: UInt64 = space.diskIsFull == nil ? 500 : 50
    var gone = 0
    for _ in 0..<8 {
      let count = try removeSafe(file, atMost: step, isPressing: isPressing)
      gone += count
      if count == 0 { break }
      if space.diskIsFull != nil { try file.connection.checkpoint(truncating: true) }
    }
    if isPressing || space.isTight { checkDisk(file) }
    if isPressing, file.connection.journalFrames > 0, file.usedBytes >= settings.limitBytes {
      try file.connection.checkpoint(truncating: true)
      try file.countPages()
    }
    guard gone > 0 || isPressing else { return }
    publish()
    let refusing = space.refusal(used: file.usedBytes, limit: settings.limitBytes)
    board.update { status in
      status.counts.removed += UInt64(gone)
      status.refusing = refusing
    }
  }

  private func removeSafe(_ file: QueueFile, atMost count: UInt64, isPressing: Bool) throws(SQLiteFailure) -> Int {
    for life in file.lives {
      guard let first = try firstFree(of: life, file) else { continue }
      let safe = positions.filter { $0.frees && $0.ordinal == life.ordinal }.map(\.safe).max() ?? 0
      // the last row of the current incarnation stays: the chain goes on from it
      let upper = life.ordinal == file.current.ordinal ? min(safe, life.last - 1) : min(safe, life.last)
      guard first <= upper else { continue }
      var through = min(first + count - 1, upper)
      if !isPressing {
        while try !isOld(file, life.key(through)) {
          guard through > first else { break }
          through = first + (through - first) / 2
        }
        guard try isOld(file, life.key(through)) else { continue }
      }
      let held = held.numbers(of: life.incarnation).filter { first <= $0 && $0 <= through }
      return try file.remove(life, first...through, except: held)
    }
    return 0
  }

  private func isOld(_ file: QueueFile, _ key: RowKey) throws(SQLiteFailure) -> Bool {
    guard let row = try file.row(key) else { return false }
    guard let envelope = try? Envelope(line: row.line) else { return true }
    return Moment.now().time.since(envelope.time) > settings.keep
  }
}
