import Events

/// What comes after the central's answer to a batch, or after none.
extension DeliveryState {
  mutating func answered(_ answer: DeliveryAnswer) -> Action {
    guard let batch = inFlight else { return .list }
    inFlight = nil
    failures = 0
    if let resending { return answered(answer, toResent: resending) }
    switch answer {
    case .receipt(let receipt):
      if isBranch { return sentOfBranch(batch) }
      guard receipt.receivedThrough != through else {
        return failed(
          .foreign("the central's receipt says that it took nothing of events \(batch.first)…\(batch.last)"))
      }
      if receipt.receivedThrough > through {
        holes = 0
        took(through: receipt.receivedThrough)
      }
      pending = receipt
      return .record(receipt)
    case .hole where isBranch && batch.lines.isEmpty:
      // The central went back meanwhile: it is asked again in its turn, as if there had been no branch. But once only.
      if let incarnation, askedAgain.insert(incarnation).inserted { isBranch = false }
      return finish()
    case .hole(let position):
      holes += 1
      guard holes <= 3, let incarnation else {
        return failed(.foreign("the central asks again and again for event \(position)"))
      }
      // Of a branch the central keeps what it can place; the rest stays here.
      if isBranch, holes > 1 { return finish() }
      // Or it was put back from a copy, and has no longer another history: then nothing of this is a branch.
      isBranch = false
      return .ask(incarnation)
    case .conflict(let position):
      if isBranch { return sentOfBranch(batch) }
      return branch(after: batch.last, why: "the central has another event under the number \(position)")
    }
  }

  /// A batch without lines was the last: it said where the branch ends.
  private mutating func sentOfBranch(_ batch: Batch) -> Action {
    guard !batch.lines.isEmpty else { return finish() }
    took(through: batch.last)
    through = batch.last
    return readOn()
  }

  /// The central took what was sent up to here; batches grow again.
  private mutating func took(through number: UInt64) {
    settleTrial(through: number)
    search.taken(through: number)
    guard !search.isActive else { return }
    lines = min(limits.lines, lines * 2)
    bytes = min(limits.bytes, bytes * 2)
  }

  mutating func failed(_ fault: RouteFault) -> Action {
    if let resending { return failed(fault, toResend: resending) }
    let tellsEnd = isBranch && inFlight?.lines.isEmpty == true && inFlight?.lost == nil
    switch fault {
    // Where a branch ends is good to know, but nothing that a refusal of it may hold up.
    case .unacceptable where tellsEnd, .tooLarge where tellsEnd, .refused where tellsEnd: return finish()
    case .failing where tellsEnd && failures >= PoisonSearch.patience: return finish()
    case .foreign where tellsEnd && failures >= PoisonSearch.patience: return finish()
    case .tooLarge:
      guard halve() else { return refused(fault) }
      inFlight = nil
      return readOn()
    case .unacceptable, .failing: return refused(fault)
    case .unknownIncarnation where !isCurrent: return finish()
    case .unknownIncarnation:
      // The line PC has another queue than a moment ago: it says which incarnations that has.
      incarnation = nil
      return wait(fault)
    case .refused(let why): return refuse(why)
    case .away(_, let retryAfter):
      if !halve(), isReading { lines = max(1, lines / 2) }
      return wait(fault, retryAfter)
    case .foreign, .local: return wait(fault)
    }
  }

  /// Makes the next batch half as large as the one on its way; false where that cannot be.
  @discardableResult
  private mutating func halve() -> Bool {
    guard let batch = inFlight, batch.lines.count > 1 else { return false }
    lines = max(1, batch.lines.count / 2)
    bytes = max(4096, min(bytes, batch.body.count) / 2)
    return true
  }

  /// What a person must set right is tried again at an even pace.
  mutating func refuse(_ why: String) -> Action {
    standing = .refused(why)
    return .pause(limits.longestPause, exact: true)
  }

  /// What time helps is tried again after a pause that grows, or that the other end names.
  mutating func wait(_ fault: RouteFault, _ retryAfter: Duration? = nil) -> Action {
    failures += 1
    wasAway = true
    standing = .away(fault.description)
    guard let retryAfter else { return .pause(pause, exact: false) }
    return .pause(max(pause, min(retryAfter, .seconds(600))), exact: true)
  }

  /// Doubles from the least to the longest.
  private var pause: Duration {
    min(limits.longestPause, limits.leastPause * (1 << min(max(failures - 1, 0), 10)))
  }
}
