public import Events
internal import Logging

extension EventQueue {
  /// Lines of the current incarnation after number `after`; see the other `batch`.
  public func batch(after: UInt64, limit: Int, maxBytes: Int) throws(QueueFault) -> Batch {
    try batch(of: try reading().current, after: after, limit: limit, maxBytes: maxBytes)
  }

  /// Lines of any incarnation after number `after`, at most `limit` and `maxBytes` (but at least one).
  ///
  /// A batch ends before a hole; the next one declares the numbers that are gone. Every line was checked
  /// against the chain on its way out: one that was altered on the disk counts as gone.
  ///
  /// It is read in slices, so that a machine's commit waits for one of them at most.
  ///
  /// - Parameter veilsHeld: whether `#` and its digest stand for an event that is held.
  public nonisolated func batch(
    incarnation: Incarnation, after: UInt64, limit: Int, maxBytes: Int, veilsHeld: Bool = false
  ) async throws(QueueFault) -> Batch {
    func slice(after: UInt64, lines: Int, bytes: Int) async throws(QueueFault) -> Batch {
      try await self.slice(
        of: incarnation, after: after, limit: min(lines, Slice.lines), maxBytes: min(bytes, Slice.bytes),
        veilsHeld: veilsHeld)
    }
    var batch = try await slice(after: after, lines: limit, bytes: maxBytes)
    var bytes = batch.lines.reduce(0) { $0 + $1.count }
    while !batch.lines.isEmpty, batch.waiting != 0, batch.lines.count < limit, bytes < maxBytes {
      let next = try await slice(after: batch.last, lines: limit - batch.lines.count, bytes: maxBytes - bytes)
      let size = next.lines.reduce(0) { $0 + $1.count }
      // A slice has one line at least, however long that is.
      guard bytes + size <= maxBytes, let joined = batch.joined(with: next) else { break }
      (batch, bytes) = (joined, bytes + size)
    }
    return batch
  }

  /// What is read at once: a machine that waits for its commit waits a millisecond or two for it.
  private enum Slice {
    static let lines = 256
    static let bytes = 128 << 10
  }

  private func slice(of incarnation: Incarnation, after: UInt64, limit: Int, maxBytes: Int, veilsHeld: Bool)
    throws(QueueFault) -> Batch
  {
    guard let life = try reading().life(of: incarnation) else { throw .unknownIncarnation(incarnation) }
    let batch = try batch(of: life, after: after, limit: limit, maxBytes: maxBytes)
    return veilsHeld ? held.veiled(batch) : batch
  }

  /// The last `limit` lines of the current incarnation, from the last hole on.
  public func newest(limit: Int) throws(QueueFault) -> Batch {
    let life = try reading().current
    var after = life.last - min(life.last, UInt64(max(limit, 1)))
    if let first = life.first { after = max(after, first - 1) }
    var batch = try batch(of: life, after: after, limit: limit, maxBytes: .max)
    while batch.last < life.last { batch = try self.batch(of: life, after: batch.last, limit: limit, maxBytes: .max) }
    return batch
  }

  private func batch(of life: Life, after: UInt64, limit: Int, maxBytes: Int) throws(QueueFault) -> Batch {
    guard after <= life.last else { throw .beyondEnd(head: life.last) }
    let file = try reading()
    let found: QueueFile.Reading
    do { found = try file.batch(of: life, after: after, limit: max(limit, 1), maxBytes: maxBytes) } catch {
      throw failed(reading: error)
    }
    note(damaged: found.damaged, of: life)
    var batch = found.batch
    batch.waiting = waiting(behind: batch.last, of: life, file)
    return batch
  }

  /// Events behind a number of an incarnation: what the central lacks once it has everything up to there.
  private func waiting(behind number: UInt64, of life: Life, _ file: QueueFile) -> UInt64 {
    file.lives.filter { $0.ordinal > life.ordinal }.reduce(life.last - min(number, life.last)) { sum, later in
      let received = positions.filter { $0.frees && $0.ordinal == later.ordinal }.map(\.received).max() ?? 0
      return sum + later.last - min(received, later.last)
    }
  }

  private func note(damaged numbers: [UInt64], of life: Life) {
    let ids = numbers.map { EventID(incarnation: life.incarnation, sequence: $0) }
    let known = board.status.damaged
    for id in ids where !known.contains(id) {
      logger.error("event \(id) in \(settings.path) is not as it was written: it is not sent, and counts as lost")
      board.update { $0.damaged.append(id) }
    }
  }

  /// Notes how far `consumer` has the events; with `frees`, those that are safe may go, a few thousand at a time.
  public nonisolated func record(_ receipt: Receipt, from consumer: String, frees: Bool) async throws(QueueFault) {
    try await note(receipt, from: consumer, frees: frees)
    // Step by step, so that a machine's commit waits for one of them at most.
    for _ in 0..<(frees ? Self.stepsOfRelief : 0) {
      guard try await goOnRelieving() else { return }
    }
  }

  /// One step; false where there was nothing to let go.
  private func goOnRelieving() throws(QueueFault) -> Bool {
    let file = try reading()
    guard readable == nil else { return false }
    var gone = false
    do {
      // Even letting rows go needs some room; what is received stays until there is.
      try unlessFull { () throws(SQLiteFailure) in gone = try relieve(file, steps: 1) }
    } catch { throw failed(reading: error) }
    return gone
  }

  private func note(_ receipt: Receipt, from consumer: String, frees: Bool) throws(QueueFault) {
    let file = try reading()
    guard receipt.source == source else { throw .wrongSource(receipt.source) }
    guard let life = file.life(of: receipt.incarnation) else { throw .unknownIncarnation(receipt.incarnation) }
    guard receipt.receivedThrough <= life.last else { throw .beyondEnd(head: life.last) }
    guard receipt.safeThrough <= receipt.receivedThrough else {
      throw .unordered(received: receipt.receivedThrough, safe: receipt.safeThrough)
    }
    do {
      if let hash = try file.hash(after: receipt.receivedThrough, of: life), hash != receipt.head {
        throw QueueFault.wrongHash(at: receipt.receivedThrough, expected: hash, found: receipt.head)
      }
      let position = QueueFile.Position(
        consumer: consumer, ordinal: life.ordinal, received: receipt.receivedThrough, safe: receipt.safeThrough,
        frees: frees)
      if !positions.contains(position) {
        // It was checked, and the central will say it again after a restart: sending goes on without it on disk.
        if readable == nil {
          try unlessFull { () throws(SQLiteFailure) in try note(position, of: life, file) }
        }
        positions.removeAll { $0.consumer == consumer && $0.ordinal == life.ordinal }
        positions.append(position)
        publish()
      }
      guard frees, readable == nil else { return }
      try unlessFull { () throws(SQLiteFailure) in try letGoTaken(file) }
    } catch let fault as QueueFault {
      throw fault
    } catch let failure as SQLiteFailure {
      throw failed(reading: failure)
    } catch {
      throw .failing("\(error)")
    }
  }

  /// Makes a step that is not needed for what comes after it; a disk without room for it is noted.
  private func unlessFull(_ step: () throws(SQLiteFailure) -> Void) throws(SQLiteFailure) {
    do throws(SQLiteFailure) { try step() } catch {
      guard error.isFull else { throw error }
      _ = fail(error)
    }
  }
}
