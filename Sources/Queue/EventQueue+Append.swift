public import Events
internal import Machine

extension EventQueue {
  /// Appends an entry: returns after its commit, which it shares with all that wait at the same time.
  ///
  /// Cancelling the caller's task does not take an entry back: a commit that others wait for goes on.
  public nonisolated var append: Append {
    { make async throws(Refusal) in try await self.commit(with: make) }
  }

  /// Takes an entry that nobody waits for at a machine: its commit comes up to 50 ms later, so that others share it.
  ///
  /// Readings of many devices, which are asked one after the other, would otherwise wear the disk with hundreds of
  /// flushes a second, and wake each device to hear of its commit. An entry that is appended by `append` in between
  /// takes those that wait along, so that the order stays.
  public nonisolated var offer: Offer {
    { make, outcome in
      guard self.mailbox.offer(make, outcome) else { return }
      self.thread.schedule(after: Self.gathering) { self.assumeIsolated { _ = $0.drain(isLeader: false) } }
    }
  }

  private static let gathering: Duration = .milliseconds(50)

  private nonisolated func commit(with make: @escaping Mailbox.Make) async throws(Refusal) -> Committed {
    while true {
      if mailbox.lead(make) { return try await drain(isLeader: true).get() }
      let outcome = await withCheckedContinuation { waiter in
        if !mailbox.follow(make, waiter) { waiter.resume(returning: nil) }
      }
      // nil: between the two questions everything was taken, so this entry leads the next round
      if let outcome { return try outcome.get() }
    }
  }

  /// Commits all that waits; the outcome is that of the leader's entry, where its producer makes this call.
  private func drain(isLeader: Bool) -> Mailbox.Outcome {
    let items = mailbox.take(isLeader: isLeader)
    guard !items.isEmpty else { return .failure(.closed) }
    var leading = Mailbox.Outcome.failure(.closed)
    var index = 0
    while index < items.count {
      let outcomes = commit(items[index...])
      for outcome in outcomes {
        switch items[index].teller {
        case .leader: leading = outcome
        case .waiter(let waiter): waiter.resume(returning: outcome)
        case .listener(let listener): listener(outcome)
        }
        index += 1
      }
    }
    keepHouse()
    return leading
  }

  /// Entries that go into one commit, and what becomes of each.
  private struct Round {
    var tip: QueueFile.Tip
    var outcomes: [Mailbox.Outcome] = []
    var shed: UInt64 = 0
    var changesAnything = false
    /// The names of what it changes of the state.
    var changed: Set<String> = []
  }

  /// Commits the first of `items` together, as many as one commit may hold; gives the outcome of each of those.
  private func commit(_ items: ArraySlice<Mailbox.Item>) -> [Mailbox.Outcome] {
    let file: QueueFile
    do { file = try writing() } catch { return items.map { _ in .failure(error) } }
    do { try checkDisk(file) } catch {
      let refusal = fail(error)
      return items.map { _ in .failure(refusal) }
    }
    var round = Round(tip: file.tip)
    round.outcomes.reserveCapacity(min(items.count, Limit.entriesPerCommit))
    do throws(SQLiteFailure) {
      try file.begin()
      for item in items {
        if round.outcomes.count == Limit.entriesPerCommit || round.tip.bytes > Limit.bytesPerCommit { break }
        round.outcomes.append(try add(item, to: &round, file))
      }
      if round.changesAnything { try file.commit() } else { file.rollback() }
    } catch {
      return settle(error, items, round)
    }
    note(round, file)
    return round.outcomes
  }

  private func add(_ item: Mailbox.Item, to round: inout Round, _ file: QueueFile)
    throws(SQLiteFailure) -> Mailbox.Outcome
  {
    let life = file.current
    let place = Place(incarnation: life.incarnation, first: round.tip.last + 1)
    let entry = item.make(place)
    if let refusal = space.refusal(of: entry, used: file.usedBytes + round.tip.bytes, limit: settings.limitBytes) {
      if entry.isPeriodic { round.shed += 1 }
      return .failure(refusal)
    }
    var lines: [[UInt8]] = []
    lines.reserveCapacity(entry.events.count)
    for event in entry.events {
      let sequence = place.first + UInt64(lines.count)
      lines.append(event.line(source: source, incarnation: life.incarnation, sequence: sequence))
    }
    if let refusal = oversize(entry, lines) { return .failure(refusal) }
    for line in lines { try file.insert(line, after: &round.tip) }
    for change in entry.state {
      try file.apply(change)
      round.changed.insert(change.key)
    }
    if !entry.events.isEmpty || !entry.state.isEmpty { round.changesAnything = true }
    return .success(Committed(place: place, count: lines.count))
  }

  private func oversize(_ entry: Entry, _ lines: [[UInt8]]) -> Refusal? {
    if let line = lines.first(where: { $0.count > Limit.line }) {
      return .failing("an event of \(line.count) bytes is larger than the \(Limit.line) that a line may have")
    }
    if let change = entry.state.first(where: { $0.value?.count ?? 0 > Limit.line }) {
      return .failing("the state \(change.key) is larger than the \(Limit.line) bytes that a value may have")
    }
    return nil
  }

  private func note(_ round: Round, _ file: QueueFile) {
    let count = round.tip.last - file.current.last
    if round.changesAnything { file.advance(to: round.tip) }
    let (bytes, refusing) = (file.usedBytes, space.refusal(used: file.usedBytes, limit: settings.limitBytes))
    board.advance(to: file.current) { status in
      status.rows += count
      status.bytes = bytes
      status.shed += round.shed
      status.counts.events += count
      if round.changesAnything { status.counts.commits += 1 }
      status.refusing = refusing
    }
  }

  /// What becomes of the entries of a commit that failed.
  private func settle(_ failure: SQLiteFailure, _ items: ArraySlice<Mailbox.Item>, _ round: Round)
    -> [Mailbox.Outcome]
  {
    if failure.isOfStatement {
      file?.rollback()
      // the fault is in one of the entries: each gets a commit of its own
      if items.count > 1 { return items.flatMap { commit([$0]) } }
      return [.failure(.failing("\(failure)"))]
    }
    let attempted = round.tip
    let life = file?.current
    file?.rollback()
    let replaced = try? file?.replaced(by: round.changed)
    let refusal = fail(failure)
    if file == nil, let known, let replaced {
      refused = RefusedCommit(before: known, last: attempted.last, head: attempted.head, replaced: replaced)
    }
    // the flush failed, but what it should have flushed may be there: the file that was opened again tells
    let landed =
      file.map {
        $0.current.incarnation == life?.incarnation && $0.current.last == attempted.last
          && $0.current.head == attempted.head && attempted.last != life?.last
      } ?? false
    var outcomes = round.outcomes.map { outcome -> Mailbox.Outcome in
      if case .success = outcome, !landed { return .failure(refusal) }
      return outcome
    }
    if outcomes.isEmpty { outcomes = [.failure(refusal)] }
    return outcomes
  }

  /// What comes after the producers have their answer: moving the journal into the file, letting rows go.
  private func keepHouse() {
    guard let file else { return }
    do throws(SQLiteFailure) {
      try file.countPagesIfDue()
      // a small limit must not be eaten up by the journal
      let pages = min(settings.checkpointPages, settings.limitBytes / 16 / QueueFile.journalFrameSize + 1)
      let few = space.isTight ? min(pages, disk.floor / 4 / QueueFile.journalFrameSize + 1) : pages
      if file.connection.journalFrames >= few {
        try file.connection.checkpoint()
        board.update { $0.counts.checkpoints += 1 }
        writeMarker()
      }
      if space.isPressing(used: file.usedBytes, limit: settings.limitBytes) { try relieve(file, steps: 1) }
    } catch {
      _ = fail(error)
    }
  }
}
