internal import Events
internal import Logging
internal import Machine

extension EventQueue {
  /// The file to write to; opens it again where a failure closed it, at most once a second.
  func writing() throws(Refusal) -> QueueFile {
    if let file { return file }
    if isClosed { throw .closed }
    if ContinuousClock.now >= nextAttempt { reopen() }
    guard let file else { throw .failing(trouble) }
    return file
  }

  func reading() throws(QueueFault) -> QueueFile {
    do { return try writing() } catch {
      guard let readable else { throw .failing("\(error)") }
      return readable
    }
  }

  /// A reading failed: opens the file again where it is damaged, and gives what to say.
  func failed(reading failure: SQLiteFailure) -> QueueFault {
    _ = fail(failure)
    return .failing("\(failure)")
  }

  /// After a failed call: stops, closes, opens again, and looks how far the chain really is.
  ///
  /// A flush that failed is never tried again as such (the kernel may answer well although the data is
  /// gone): the journal is written into the file afresh instead, and flushed there.
  func fail(_ failure: SQLiteFailure) -> Refusal {
    if failure.isFull, let file { return full(file) }
    if let also = outages.tellsOutage(isFirst: file != nil) { logger.error("the queue: \(failure)\(also)") }
    board.update { $0.counts.failures += 1 }
    if let file {
      file.rollback()
      known = Marker(file.current)
      if failure.isDamage { Opener(settings: settings, source: source, logger: logger).holdJournal() }
      // at once: a second connection would be kept out by the first
      file.connection.close()
    }
    file = nil
    salvage = nil
    trouble = "\(failure)"
    damage = failure.isDamage ? failure : damage
    reopen()
    return .failing("\(failure)")
  }

  /// The disk has no room for what was to be written: nothing of it is there, and the file is as good as before.
  ///
  /// The reserve goes to sending what is here and letting it go; events are taken again once there is room.
  private func full(_ file: QueueFile) -> Refusal {
    file.rollback()
    board.update { $0.counts.failures += 1 }
    disk.release()
    space.lastLook = nil
    do { try checkDisk(file) } catch { return fail(error) }
    let refusal = Refusal.full(space.diskIsFull ?? "the disk under \(settings.path) was full a moment ago")
    if space.diskIsFull != nil { board.update { $0.refusing = refusal } }
    return refusal
  }

  private func reopen() {
    nextAttempt = .now + .seconds(1)
    let before = known?.incarnation
    // at once, like the one that failed
    readable?.connection.close()
    readable = nil
    do {
      let opener = Opener(settings: settings, source: source, logger: logger)
      let opened = try opener.open(marker: known ?? Marker(path: settings.markerPath), damage: damage)
      damage = nil
      try opened.file.connection.checkpoint(truncating: true)
      if let refused { try opened.file.takeBack(refused) }
      refused = nil
      let previous = board.opening
      try adopt(opened)
      if opened.file.current.incarnation == before {
        board.updateOpening { $0 = previous }
      } else {
        board.wakeAll()
      }
      if outages.tellsReturn { logger.notice("the queue is open again at event \(opened.file.current.last)") }
      trouble = ""
    } catch {
      file = nil
      if trouble != "\(error)" { logger.error("the queue cannot be opened again: \(error)") }
      trouble = "\(error)"
      let refusal = Refusal.failing(trouble)
      board.update { $0.refusing = refusal }
      // What is on a disk that takes nothing more is still to be sent.
      if damage == nil, let known { readable = try? QueueFile(lastResort: settings, source: source, through: known) }
    }
  }

  /// Takes over some more from a damaged file.
  func goOnSalvaging() throws(SQLiteFailure) {
    guard let salvage, let file else { return }
    var opened = Opener.Opened(file: file, opening: board.opening, salvage: salvage)
    try Opener.salvage(&opened, until: .now + .milliseconds(200))
    self.salvage = opened.salvage
    let opening = opened.opening
    board.updateOpening { $0 = opening }
    publish()
  }
}
