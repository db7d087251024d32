internal import Events
internal import Glibc
internal import Logging
internal import Machine

/// Opens the queue file whatever happened to it, and says what that was.
struct Opener {
  let settings: QueueSettings
  let source: SourceName
  let logger: Logger

  /// An open file, what was found, and what is still to be taken over from a damaged one.
  struct Opened {
    let file: QueueFile
    var opening: Opening
    var salvage: Salvage?
  }

  /// How many rows at the end are checked at once; all others are checked when they are read.
  private static let tailRows = 64
  /// The ordinal of a new file's incarnation where nothing tells how many there were before.
  private static let unknownOrdinal: Int64 = 4096

  /// Opens the file; `marker` is the last number and hash known to have been on disk, `damage` what is wrong with it.
  func open(marker: Marker?, damage: SQLiteFailure? = nil) throws -> Opened {
    if let damage { return try replace(why: "the queue file was damaged (\(damage.message))", marker) }
    if let begun = Replacement(path: settings.replacementPath) { return try finish(begun, marker) }
    holdJournal()
    if size(of: settings.path) ?? 0 == 0 {
      if size(of: journal) ?? 0 > 0 { return try replace(why: "the queue file is gone, its journal is not", marker) }
      return try create(marker)
    }
    do {
      let file = try QueueFile(settings, source: source, newLife: (marker.map { $0.ordinal + 1 } ?? 1, "new queue"))
      #if !WEAKENED_TAIL
        try file.checkTail(count: Self.tailRows)
      #endif
      unlink(heldJournal)
      return try goOn(file, marker)
    } catch let failure as SQLiteFailure where failure.isDamage {
      return try replace(why: "the queue file was damaged (\(failure.message))", marker)
    }
  }

  private var journal: String { settings.path + "-wal" }
  private var heldJournal: String { settings.path + "-wal.held" }

  /// Gives the journal a second name, so that SQLite cannot remove it when it closes a file it could not read.
  func holdJournal() {
    if size(of: journal) != nil {
      unlink(heldJournal)
      link(journal, heldJournal)
    } else if size(of: heldJournal) != nil {
      rename(heldJournal, journal)
    }
  }

  private func create(_ marker: Marker?) throws -> Opened {
    let why = marker == nil ? "new queue" : "the queue file is gone"
    let file = try QueueFile(settings, source: source, newLife: (marker.map { $0.ordinal + 1 } ?? 1, why))
    var opening = Opening()
    if let marker {
      opening.previous = previous(marker, why: why)
      opening.stoppedCleanly = false
      opening.keptState = false
      logger.error("\(settings.path) is gone: the queue begins anew as incarnation \(file.current.incarnation)")
    }
    return Opened(file: file, opening: opening, salvage: nil)
  }

  // MARK: A file that is sound

  private func goOn(_ file: QueueFile, _ marker: Marker?) throws -> Opened {
    var opening = Opening()
    opening.alive = try lastSign(in: file)
    opening.stoppedCleanly = try file.meta(.stopped) == 1
    try file.transaction { () throws(SQLiteFailure) in try file.set(.stopped, 0) }
    let evidence = try file.metaText(.salvage)
    let former = evidence.flatMap { Marker(path: $0 + ".marker") }
    // Until the new file's own marker is written, the one that stands there is the damaged file's.
    if let marker, marker != former, let why = try contradiction(of: file, marker) {
      let old = file.current
      try file.beginLife(why: why, mark: marker)
      let mark = marker.incarnation == old.incarnation && marker.sequence < old.last ? Marker(old) : marker
      opening.previous = previous(mark, why: why)
      if marker.incarnation == old.incarnation, marker.sequence > old.last {
        opening.lost = [LostNumbers(incarnation: old.incarnation, numbers: (old.last + 1)...marker.sequence)]
      }
      logger.error("\(settings.path): \(why); it goes on as incarnation \(file.current.incarnation)")
    }
    guard let evidence else { return Opened(file: file, opening: opening, salvage: nil) }
    opening.setAside = evidence
    if file.current.last == 0 {
      opening.stoppedCleanly = false
      opening.previous = opening.previous ?? former.map { previous($0, why: file.current.why) }
    }
    opening.keptState = try takeState(from: evidence, into: file, &opening)
    let page = Int(try file.meta(.salvagedPages) ?? 0)
    return Opened(file: file, opening: opening, salvage: Salvage(evidence: evidence, from: page, marker: former))
  }

  /// The last beat or event, whichever is later.
  private func lastSign(in file: QueueFile) throws -> Timestamp? {
    let beat = try file.meta(.alive).map { Timestamp(microseconds: $0) }
    guard file.current.last > 0, let row = try file.row(file.current.lastKey),
      let envelope = try? Envelope(line: row.line)
    else { return beat }
    return beat.map { max($0, envelope.time) } ?? envelope.time
  }

  /// What tells that the file is not the one that the marker was written for; nil where it is.
  private func contradiction(of file: QueueFile, _ marker: Marker) throws -> String? {
    let current = file.current
    guard let life = file.life(of: marker.incarnation) else {
      return "an older copy of the queue file was put back (it does not know incarnation \(marker.incarnation))"
    }
    if life.ordinal == current.ordinal, marker.sequence > life.last {
      return
        "an older copy of the queue file was put back (it ends with event \(life.last), \(marker.sequence) were written)"
    }
    if let hash = try file.hash(after: marker.sequence, of: life), hash != marker.hash {
      return "the queue file is another one than before (its event \(marker.sequence) is not the one that was written)"
    }
    return nil
  }

  private func previous(_ marker: Marker, why: String) -> StartedData.Previous {
    StartedData.Previous(incarnation: marker.incarnation, through: marker.sequence, head: marker.hash, why: why)
  }

  // MARK: A file that is not

  /// Puts the damaged file aside as evidence and goes on in a new one, taking over what can be read.
  private func replace(why: String, _ marker: Marker?) throws -> Opened {
    let replacement = Replacement(evidence: freeName(), why: why)
    try replacement.write(to: settings.replacementPath)
    return try finish(replacement, marker)
  }

  /// Takes the steps of a replacement that are not taken yet: a kill between any two leads here again.
  private func finish(_ replacement: Replacement, _ marker: Marker?) throws -> Opened {
    let evidence = replacement.evidence
    let isBegun = size(of: evidence) != nil || size(of: evidence + "-wal") != nil
    // Once the new file is there, a journal beside it is its own.
    if !isBegun || size(of: settings.path) == nil { try setAside(as: evidence) }
    let former = Marker(path: evidence + ".marker") ?? marker
    try former?.write(to: evidence + ".marker")
    let ordinal = former.map { $0.ordinal + 1 } ?? Self.unknownOrdinal
    let file = try QueueFile(settings, source: source, newLife: (ordinal, replacement.why), salvaging: evidence)
    unlink(settings.replacementPath)
    logger.error(
      """
      \(settings.path): \(replacement.why); it is kept as \(evidence), and the queue goes on as incarnation \
      \(file.current.incarnation)
      """)
    var opened = try goOn(file, former)
    try Self.salvage(&opened, until: .now + settings.salvageTime)
    return opened
  }

  /// Takes over rows until `deadline`, and closes the account when all is done.
  static func salvage(_ opened: inout Opened, until deadline: ContinuousClock.Instant) throws(SQLiteFailure) {
    guard let salvage = opened.salvage else { return }
    let isDone = try salvage.step(into: opened.file, until: deadline)
    opened.opening.salvaged = salvage.salvaged
    opened.opening.isSalvaging = !isDone
    guard isDone else { return }
    opened.opening.lost = try salvage.finish(opened.file)
    opened.salvage = nil
    if opened.opening.previous == nil, let old = opened.file.lives.dropLast().last {
      opened.opening.previous = StartedData.Previous(
        incarnation: old.incarnation, through: old.last, head: old.head, why: opened.file.current.why)
    }
  }

  private func freeName() -> String {
    let stamp = Moment.now().time.description.prefix(19).filter { $0 != "-" && $0 != ":" }
    var evidence = "\(settings.path).damaged-\(stamp)Z"
    while size(of: evidence) != nil || size(of: evidence + "-wal") != nil { evidence += "+" }
    return evidence
  }

  private func setAside(as evidence: String) throws {
    let names = [
      (settings.path, evidence), (size(of: heldJournal) == nil ? journal : heldJournal, evidence + "-wal"),
    ]
    for (from, to) in names where size(of: from) != nil {
      guard rename(from, to) == 0 else {
        throw OpeningFailure("\(SystemFailure(doing: "setting the damaged \(from) aside as \(to)"))")
      }
    }
    unlink(journal)
    try flushFolder(of: settings.path)
  }

  /// Takes over the state and the sign of life, once, if SQLite can still read them; false where it cannot.
  private func takeState(from evidence: String, into file: QueueFile, _ opening: inout Opening) throws -> Bool {
    if let outcome = try file.meta(.stateTaken) { return outcome == 1 }
    defer { unlink(evidence + "-shm") }
    do {
      let old = try Connection(path: evidence, mode: .reading)
      let state = try old.statement("SELECT name, value FROM state")
      let alive = try old.statement("SELECT value FROM meta WHERE name = 'alive'")
      defer {
        state.reset()
        alive.reset()
      }
      let lastSign = try alive.step() ? Timestamp(microseconds: alive.int(0)) : nil
      try file.transaction { () throws(SQLiteFailure) in
        while try state.step() {
          try file.apply(StateChange(key: state.text(0) ?? "", value: state.bytes(1)))
        }
        if let lastSign { try file.set(.alive, lastSign.microseconds) }
        try file.set(.stateTaken, 1)
      }
      if let lastSign { opening.alive = lastSign }
      return true
    } catch {
      logger.warning("the state in \(evidence) cannot be read, so contexts begin empty: \(error)")
      try file.transaction { () throws(SQLiteFailure) in try file.set(.stateTaken, 0) }
      return false
    }
  }
}
