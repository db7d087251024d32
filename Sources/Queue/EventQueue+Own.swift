internal import Events
internal import Logging

extension EventQueue {
  /// Commits an event that the queue itself has to tell, with what else `also` writes, whether or not it is full.
  func append(
    own data: some EventData, _ file: QueueFile, also: () throws(SQLiteFailure) -> Void
  ) throws(SQLiteFailure) {
    var tip = file.tip
    let line = Event(data, at: .now(), subject: source.description)
      .line(source: source, incarnation: file.current.incarnation, sequence: tip.last + 1)
    try file.transaction { () throws(SQLiteFailure) in
      try file.insert(line, after: &tip)
      try also()
    }
    file.advance(to: tip)
    let bytes = file.usedBytes
    board.advance(to: file.current) { status in
      status.rows += 1
      status.bytes = bytes
      status.counts.events += 1
      status.counts.commits += 1
    }
  }

  /// Notes how far a consumer is; where the primary one has less than it said before, that is told in the same commit.
  ///
  /// A central that was put back from a backup, or replaced, gets again what is still here; what is not will be a hole.
  func note(_ position: QueueFile.Position, of life: Life, _ file: QueueFile) throws(SQLiteFailure) {
    let before = positions.first { $0.consumer == position.consumer && $0.ordinal == position.ordinal }
    guard !space.isUnsecured, position.frees, let before, before.frees, position.received < before.received else {
      try file.transaction { () throws(SQLiteFailure) in try file.keep(position) }
      return
    }
    let now = Moment.now().time
    let rewind = Rewind(
      incarnation: life.incarnation, from: before.received, to: position.received, at: now,
      isHere: (life.first ?? .max) <= position.received + 1)
    board.update { status in
      status.counts.rewinds += 1
      status.rewind = rewind
    }
    // One that goes back and forth, as two centrals behind one name would, is told of once a minute.
    if let told = toldRewinds[life.ordinal], told + .seconds(60) > .now {
      try file.transaction { () throws(SQLiteFailure) in try file.keep(position) }
      return
    }
    let finding = FindingData(
      kind: .centralWentBack, about: life.incarnation.description, from: now, to: now,
      count: before.received - position.received, reason: "\(rewind)")
    try append(own: finding, file) { () throws(SQLiteFailure) in try file.keep(position) }
    toldRewinds[life.ordinal] = .now
    logger.critical("\(rewind)")
  }
}
