public import Events

extension EventQueue {
  /// How many events may be held: each keeps its row for as long as it is.
  ///
  /// Who refuses so many refuses for another reason than their content.
  public static let mostHeld = 1000

  /// Holds an event, or notes that one which is held was refused once more; returns when that is on disk.
  ///
  /// Only then may a digest be sent in its place: a receipt for the digest would otherwise let the row go.
  public func hold(_ id: EventID, why: String) throws(QueueFault) {
    let file = try reading()
    guard let life = file.life(of: id.incarnation) else { throw .unknownIncarnation(id.incarnation) }
    guard id.sequence <= life.last else { throw .beyondEnd(head: life.last) }
    if var known = held[id] {
      // A central that was put back refuses it anew.
      known.takenAt = nil
      known.why = why
      known.resent += 1
      try keep(known.keeping, isNeeded: false)
      held[id] = known
    } else {
      guard held.count < Self.mostHeld else { throw .tooManyHeld(held.count) }
      let event = HeldEvent(id: id, why: why, since: Moment.now().time)
      try keep(event.keeping, isNeeded: true)
      held[id] = event
    }
    publish()
  }

  /// Holds an event no longer: the central took it, or (`isTaken` false) refused its digest as well.
  ///
  /// The row of one that was taken stays until what the central took later is safe there too.
  public func endHold(_ id: EventID, isTaken: Bool) throws(QueueFault) {
    guard var known = held[id] else { return }
    let position = positions.filter(\.frees).max { $0.ordinal < $1.ordinal }
    let life = position.flatMap { position in try? reading().lives.first { $0.ordinal == position.ordinal } }
    if isTaken, let position, let life, position.received > 0 {
      known.takenAt = EventID(incarnation: life.incarnation, sequence: position.received)
      try keep(known.keeping, isNeeded: false)
      held[id] = known
    } else {
      // What is not noted for want of room is sent once more after the next start, and known there.
      try keep(known.ending, isNeeded: false)
      held[id] = nil
    }
    publish()
  }

  /// Lets those go whose taking is in what the central calls safe.
  func letGoTaken(_ file: QueueFile) throws(SQLiteFailure) {
    for event in held.taken where isSafe(event, file) {
      try file.transaction { () throws(SQLiteFailure) in try file.apply(event.ending) }
      held[event.id] = nil
    }
  }

  private func isSafe(_ event: HeldEvent, _ file: QueueFile) -> Bool {
    guard let last = event.takenAt, let life = file.life(of: last.incarnation) else { return true }
    return positions.contains { position in
      position.frees
        && (position.ordinal > life.ordinal
          ? position.safe > 0 : position.ordinal == life.ordinal && position.safe > last.sequence)
    }
  }

  private func keep(_ change: StateChange, isNeeded: Bool) throws(QueueFault) {
    let file = try reading()
    do throws(SQLiteFailure) {
      try file.transaction { () throws(SQLiteFailure) in try file.apply(change) }
    } catch {
      let fault = failed(reading: error)
      if isNeeded || !error.isFull { throw fault }
    }
  }

  /// The oldest row of an incarnation that is not held; nil where all that are left are.
  func firstFree(of life: Life, _ file: QueueFile) throws(SQLiteFailure) -> UInt64? {
    guard var first = life.first else { return nil }
    for number in held.numbers(of: life.incarnation) where number == first {
      guard let next = try file.firstSequence(of: life, from: number + 1) else { return nil }
      first = next
    }
    return first
  }
}
