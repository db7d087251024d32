public import Events
public import Logging
internal import Machine

/// The line PC's queue: numbers, chains and commits events, and keeps them until the central has them safely.
///
/// One SQLite file with one connection, owned by this actor on a thread of its own, or that of a device which waits
/// for the commit. An append returns after its commit has been flushed to the disk. The queue opens after any crash; what
/// it found is in `opening`.
public actor EventQueue {
  let thread: OwnThread
  public nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  let settings: QueueSettings
  let source: SourceName
  let logger: Logger
  nonisolated let mailbox = Mailbox()
  nonisolated let board: Board
  let disk: DiskSpace

  /// Nil after a failure until the file is open again, and after closing.
  var file: QueueFile?
  /// What can still be read where nothing can be written; never beside `file`.
  var readable: QueueFile?
  var isClosed = false
  var salvage: Salvage?
  /// What is known to be on disk, for when the file has to be opened again.
  var known: Marker?
  /// The commit at which the file failed, whose producers were refused.
  var refused: RefusedCommit?
  /// Why the file is not open.
  var trouble = ""
  /// What showed that the file cannot be used any more; nil once it is set aside.
  var damage: SQLiteFailure?
  var nextAttempt = ContinuousClock.now
  /// The marker could not be written, which the log says once.
  private var isMarkerMissed = false
  var written: (marker: Marker, at: ContinuousClock.Instant)?
  var positions: [QueueFile.Position] = []
  var held = HeldEvents()
  var space = Space()
  /// When a rewind was told of last, by the incarnation's ordinal.
  var toldRewinds: [Int64: ContinuousClock.Instant] = [:]
  /// A disk that fails again and again is told a few times.
  var outages = OutageLog()
  private var lock: FileLock?

  /// Opens the queue, making it where there is none; errors are one line for people.
  ///
  /// A damaged file is set aside and a new incarnation begun; see `opening`.
  public static func open(_ settings: QueueSettings, source: SourceName, logger: Logger) async throws -> EventQueue {
    let queue = EventQueue(settings, source: source, logger: logger)
    try await queue.start()
    return queue
  }

  private init(_ settings: QueueSettings, source: SourceName, logger: Logger) {
    self.settings = settings
    self.source = source
    self.logger = logger
    thread = OwnThread(name: "queue", borrowing: true)
    disk = DiskSpace(
      path: settings.path, ballast: settings.ballastPath,
      reserveBytes: min(settings.reserveBytes, settings.limitBytes / 16))
    // never seen: nobody has the queue before it has started
    board = Board(
      status: QueueStatus(incarnation: .random(), limitBytes: settings.limitBytes), opening: Opening())
  }

  private func start() throws {
    let lock: FileLock
    do {
      lock = try FileLock(path: settings.lockPath, of: "the queue \(settings.path)", setting: "queue.path")
    } catch { throw OpeningFailure(error.description, isInUse: error.isInUse) }
    do {
      disk.hold()
      let marker = Marker(path: settings.markerPath)
      let opener = Opener(settings: settings, source: source, logger: logger)
      var opened: Opener.Opened
      do { opened = try opener.open(marker: marker) } catch let failure as SQLiteFailure where failure.isFull {
        disk.release()
        opened = try opener.open(marker: marker)
      }
      if opened.salvage != nil, !opened.opening.isSalvaging {
        try Opener.salvage(&opened, until: .now + min(.milliseconds(200), settings.salvageTime))
      }
      try secure(opened.file)
      try adopt(opened)
      writeMarker(force: true)
    } catch let failure as OpeningFailure {
      throw failure
    } catch {
      throw OpeningFailure("the queue \(settings.path) cannot be opened: \(error)")
    }
    self.lock = consume lock
  }

  /// Writes the journal into the file afresh and flushes that, before anything follows on it.
  ///
  /// A flush of the journal may have failed in an earlier life: then the system still shows its commits, and a power cut
  /// would take them with all that was committed behind them. On a full disk it waits for room, and so do all events.
  func secure(_ file: QueueFile) throws(SQLiteFailure) {
    do throws(SQLiteFailure) {
      try file.connection.checkpoint(truncating: true)
      space.isUnsecured = false
    } catch {
      guard error.isFull else { throw error }
      if !space.isUnsecured {
        logger.error(
          "\(fullDisk). Nothing is taken before the journal of the last run is in the file; what is here is sent on")
      }
      space.isUnsecured = true
      space.diskIsFull = fullDisk
      disk.release()
    }
  }

  /// Makes an open file the one that is used, and what it holds known.
  func adopt(_ opened: Opener.Opened) throws(SQLiteFailure) {
    positions = try opened.file.positions()
    held = HeldEvents(state: try opened.file.state(prefix: HeldEvent.prefix))
    space.released = try opened.file.metaText(.released).flatMap { Released(text: $0) }
    file = opened.file
    salvage = opened.salvage
    board.updateOpening { $0 = opened.opening }
    publish()
  }

  /// How the queue stands.
  public nonisolated var status: QueueStatus { board.status }
  /// What opening found; after a failure at run time, what opening again found.
  public nonisolated var opening: Opening { board.opening }

  /// Waits until an event above `sequence` is on disk, at most for `atMost`; returns at once on cancellation.
  public nonisolated func waitForMore(than sequence: UInt64, atMost: Duration) async {
    guard board.status.last <= sequence else { return }
    await withTaskGroup(of: Void.self) { group in
      group.addTask { await self.board.wait(beyond: sequence) }
      group.addTask { try? await Task.sleep(for: atMost) }
      await group.next()
      group.cancelAll()
    }
  }

  /// Commits that the daemon is alive at this time; also lets old rows go and holds the disk reserve.
  public func beat(at time: Timestamp) throws(Refusal) {
    let file = try writing()
    do {
      try file.transaction { () throws(SQLiteFailure) in try file.set(.alive, time.microseconds) }
      try goOnSalvaging()
      try relieve(file)
      try tellReleased(file)
      // Each sign of life would make the journal a little longer.
      if space.isTight { try file.connection.checkpoint(truncating: true) }
    } catch {
      throw fail(error)
    }
    disk.hold()
    let isHeld = disk.isHeld
    board.update { $0.isReserveHeld = isHeld }
    writeMarker()
  }

  /// Ends the current incarnation and begins a new one in the same file; the old rows stay and are still sent.
  public func beginIncarnation(why: String) throws(Refusal) -> StartedData.Previous {
    let file = try writing()
    let old = file.current
    do { try file.beginLife(why: why) } catch { throw fail(error) }
    logger.warning("the queue goes on as incarnation \(file.current.incarnation): \(why)")
    publish()
    board.wakeAll()
    writeMarker(force: true)
    return StartedData.Previous(incarnation: old.incarnation, through: old.last, head: old.head, why: why)
  }

  /// The values of state kept under names that begin with `prefix`.
  public func state(prefix: String) throws(QueueFault) -> [String: [UInt8]] {
    let file = try reading()
    do { return try file.state(prefix: prefix) } catch { throw failed(reading: error) }
  }

  /// Ends in order: all that was committed goes into the file proper, and later appends are refused.
  public func close() {
    guard !isClosed else { return }
    isClosed = true
    if let file {
      do {
        try tellReleased(file, isLast: true)
        try file.transaction { () throws(SQLiteFailure) in try file.set(.stopped, 1) }
        try file.connection.checkpoint(truncating: true)
      } catch {
        logger.warning("closing the queue: \(error)")
      }
      writeMarker(force: true)
      file.connection.close()
    }
    readable?.connection.close()
    readable = nil
    file = nil
    lock = nil
    board.update { $0.refusing = .closed }
    board.wakeAll()
  }

  /// Makes known what changes seldom; commits make known the rest.
  func publish() {
    guard let file = file ?? readable else { return }
    // How far an earlier incarnation went, of which rows are still being taken over, is not known before the end: until
    // then nobody is told of it, for it would look as if the central had more.
    let known = file.lives.filter { salvage == nil || $0.ordinal == file.current.ordinal || $0.last > 0 }
    let lives = known.map { life in
      IncarnationStatus(
        incarnation: life.incarnation, first: life.first, last: life.last, head: life.head, why: life.why,
        received: Dictionary(
          positions.filter { $0.ordinal == life.ordinal }.map { ($0.consumer, $0.received) },
          uniquingKeysWith: { $1 }),
        safe: Dictionary(
          positions.filter { $0.ordinal == life.ordinal }.map { ($0.consumer, $0.safe) }, uniquingKeysWith: { $1 }))
    }
    var consumers: [String: ConsumerStatus] = [:]
    for position in positions.sorted(by: { $0.ordinal < $1.ordinal }) {
      guard let life = file.lives.first(where: { $0.ordinal == position.ordinal }) else { continue }
      consumers[position.consumer] = ConsumerStatus(
        incarnation: life.incarnation, receivedThrough: position.received, safeThrough: position.safe,
        frees: position.frees)
    }
    let (rows, bytes, current) = (file.rowCount, file.usedBytes, file.current)
    let held = held.list
    let refusing =
      readable == nil ? space.refusal(used: bytes, limit: settings.limitBytes) : Refusal.failing(trouble)
    board.update { status in
      status.incarnation = current.incarnation
      status.last = current.last
      status.head = current.head
      status.rows = rows
      status.bytes = bytes
      status.incarnations = lives
      status.consumers = consumers
      status.held = held
      status.refusing = refusing
    }
  }

  /// Writes the marker where it moved and the last one is a second old.
  func writeMarker(force: Bool = false) {
    guard let file else { return }
    let marker = Marker(file.current)
    if let written, !force, written.marker == marker || written.at + .seconds(1) > .now { return }
    do {
      try marker.write(to: settings.markerPath)
      written = (marker, .now)
      isMarkerMissed = false
    } catch {
      // On a full disk that is one thing more that has no room.
      if !space.isTight, !isMarkerMissed { logger.warning("the queue's marker is not written: \(error)") }
      isMarkerMissed = true
    }
  }
}
