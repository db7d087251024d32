import Events

// What becomes of an event that the central refuses for what it says.
extension DeliveryState {
  // MARK: Found and held

  /// The batch in flight is refused, or the central failed over it.
  mutating func refused(_ fault: RouteFault) -> Action {
    let why = fault.description
    var (isError, retryAfter): (Bool, Duration?) = (false, nil)
    if case .failing(_, let delay) = fault { (isError, retryAfter) = (true, delay) }
    guard let batch = inFlight, !batch.lines.isEmpty else {
      // A question failed: an error of the central is an outage then.
      search.outage()
      return isError ? wait(fault, retryAfter) : refuse(why)
    }
    let id = EventID(incarnation: batch.incarnation, sequence: batch.first)
    if batch.lines.count == 1, ChainHash.heldDigest(batch.lines[0]) != nil {
      (trial, inFlight) = (nil, nil)
      search.trialFailed()
      retries.ended(id, isTaken: false)
      afterChange = isError ? wait(fault, retryAfter) : refuse("\(why). It refuses the digest alone as well")
      return .change(.end(id, isTaken: false))
    }
    switch search.refused(batch, isError: isError) {
    case .trial:
      (proposal, inFlight) = ((id, why), nil)
      return .change(.hold(id, why: why))
    // An error may pass by itself: it is given its time with each part.
    case .tooEarly,
      .smaller where isError, .another where isError:
      return wait(fault, retryAfter)
    case .smaller:
      inFlight = nil
      return goOn()
    case .another:
      return search.isOfEverything ? refuse(why) : .pause(limits.chancePause, exact: true)
    }
  }

  /// The digest is at the central if the trial was about a number up to here.
  mutating func settleTrial(through number: UInt64) {
    guard let held = trial, held.id.incarnation == incarnation, held.id.sequence <= number else { return }
    trial = nil
    news = .held(held.id, why: held.why)
    retries.add(held.id, at: now)
  }

  mutating func changed() -> Action {
    if let proposal { trial = proposal }
    defer { (proposal, afterChange) = (nil, nil) }
    return afterChange ?? goOn()
  }

  // MARK: Sent again

  /// Begins to send the held event whose turn it is, unless an event is being searched.
  mutating func resend() -> Action? {
    guard !search.isActive,
      let id = retries.next(at: now, isSent: { $0.incarnation != incarnation || $0.sequence <= through })
    else { return nil }
    resending = id
    return .read(
      ReadRequest(
        incarnation: id.incarnation, after: id.sequence - 1, lines: 1, bytes: limits.bytes, wait: .zero, isResend: true)
    )
  }

  mutating func read(_ batch: Batch, toResend id: EventID) -> Action {
    guard batch.first == id.sequence, batch.lines.count == 1 else { return gone(id) }
    inFlight = batch
    return .deliver(batch)
  }

  private mutating func gone(_ id: EventID) -> Action {
    resending = nil
    news = .gone(id)
    retries.ended(id, isTaken: false)
    return .change(.end(id, isTaken: false))
  }

  mutating func answered(_ answer: DeliveryAnswer, toResent id: EventID) -> Action {
    switch answer {
    case .receipt(let receipt) where receipt.receivedThrough >= id.sequence && receipt.incarnation == id.incarnation:
      resending = nil
      news = .taken(id)
      retries.ended(id, isTaken: true)
      return .change(.end(id, isTaken: true))
    case .receipt: return refused(again: id, "its receipt says that it does not have the event")
    case .hole(let position): return refused(again: id, "it asks for event \(position) first")
    case .conflict(let position): return refused(again: id, "it has another event under the number \(position)")
    }
  }

  mutating func failed(_ fault: RouteFault, toResend id: EventID) -> Action {
    inFlight = nil
    switch fault {
    case .unknownIncarnation: return gone(id)
    case .unacceptable(let why), .tooLarge(let why), .failing(let why, _): return refused(again: id, why)
    case .away, .foreign, .refused, .local:
      // Whatever it is, it must not stand in the way of the events behind.
      retries.refused(id, at: now)
      resending = nil
      return failed(fault)
    }
  }

  private mutating func refused(again id: EventID, _ why: String) -> Action {
    resending = nil
    retries.refused(id, at: now)
    return .change(.hold(id, why: why))
  }
}
