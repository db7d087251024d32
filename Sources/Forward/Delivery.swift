import Events
import Logging
import NIOConcurrencyHelpers

/// The loop around `DeliveryState`: takes each action along a route and brings back its outcome.
struct Delivery<Route: DeliveryRoute>: Sendable {
  let route: Route
  let status: NIOLockedValueBox<ForwardStatus>
  let logger: Logger
  var limits = DeliveryState.Limits()

  /// Delivers until the task is cancelled; with `untilIdle`, until the central has everything or is not reached.
  func run(untilIdle: Bool = false) async {
    var state = DeliveryState(limits: limits)
    var hasToldHeld = false
    var log = DeliveryLog()
    var action = DeliveryState.first
    var ahead = ReadAhead()
    while !Task.isCancelled {
      let happening: DeliveryState.Happening
      do throws(RouteFault) { happening = try await take(action, resends: !untilIdle, &ahead) } catch {
        if Task.isCancelled { return }
        status.withLockedValue { $0.faults[error.kind, default: 0] += 1 }
        happening = .failed(error)
      }
      if case .listed(_, let held) = happening, !hasToldHeld {
        hasToldHeld = true
        tell(heldSince: held)
      }
      action = state.next(happening)
      note(state, happening, action, &log)
      if untilIdle, state.standing != .starting, state.standing != .sending { return }
    }
  }

  /// The last act of a service that stops does not send again what was refused.
  private func take(_ action: DeliveryState.Action, resends: Bool, _ ahead: inout ReadAhead) async throws(RouteFault)
    -> DeliveryState.Happening
  {
    switch action {
    case .list: return .listed(try await route.lives(), held: resends ? await route.held() : [])
    case .ask(let incarnation): return .position(try await route.position(of: incarnation))
    case .record(let receipt): return .recorded(try await route.record(receipt))
    case .read(let request):
      if let answer = ahead.answer(to: request) { return .read(answer) }
      return .read(try await route.read(request))
    case .deliver(let batch):
      let answer = try await deliver(batch, &ahead)
      status.withLockedValue { status in
        status.batches += 1
        status.events += UInt64(batch.lines.count)
        status.bytes += batch.lines.reduce(0) { $0 + UInt64($1.count) + 1 }
      }
      return .answered(answer)
    case .renew(let incarnation, let why):
      ahead.forget()
      try await route.renew(incarnation, why: why)
      return .renewed
    case .change(let change):
      ahead.forget()
      try await route.change(change)
      return .changed
    case .pause(let duration, let exact):
      // Many line PCs lose the central at the same moment; they must not come back at the same moment.
      let part = exact ? Double.random(in: 1...1.1) : Double.random(in: 0.5...1)
      await pause(duration * part)
      return .paused
    }
  }

  /// Delivers a batch, and reads the next of a backlog meanwhile: so both ends are at work all the time.
  private func deliver(_ batch: Batch, _ ahead: inout ReadAhead) async throws(RouteFault) -> DeliveryAnswer {
    guard let request = ahead.request(behind: batch) else { return try await route.deliver(batch) }
    let route = route
    async let next = try? route.read(request)
    let answer: DeliveryAnswer
    do { answer = try await route.deliver(batch) } catch {
      _ = await next
      throw error
    }
    if let found = await next { ahead.keep(found, for: request) }
    return answer
  }

  /// Waits, with a beat each half minute: who waits for a central does not hang.
  private func pause(_ duration: Duration) async {
    let end = ContinuousClock.now + duration
    while case let left = end - ContinuousClock.now, left > .zero, !Task.isCancelled {
      status.withLockedValue { $0.beats += 1 }
      try? await Task.sleep(for: min(left, .seconds(30)))
    }
  }

  /// Makes known where the delivery stands.
  private func note(
    _ state: DeliveryState, _ happening: DeliveryState.Happening, _ action: DeliveryState.Action,
    _ log: inout DeliveryLog
  ) {
    let now = Moment.now().time
    let (before, after) = status.withLockedValue { status in
      let before = status
      status.beats += 1
      status.incarnation = state.incarnation
      status.show(state.standing, at: now)
      status.count(happening, at: now)
      if case .renew(_, let why) = action {
        status.conflicts += 1
        status.conflict = why
      }
      return (before, status)
    }
    if case .renew(let incarnation, let why) = action {
      logger.critical("\(why). Both are kept; a new incarnation begins after \(incarnation).")
    }
    if let news = state.news { tell(news, after) }
    if let line = log.line(from: before, to: after, at: .now, now) { logger.log(level: line.level, "\(line.text)") }
  }

  /// Says at the start what is held from before; what the log said then may be long gone.
  private func tell(heldSince held: [EventID]) {
    guard let first = held.first else { return }
    logger.error("\(held.count) events are held back, the first is \(first): each is now sent again")
  }

  private func tell(_ news: DeliveryState.News, _ status: ForwardStatus) {
    switch news {
    case .held(let id, let why):
      logger.critical(
        """
        \(status.other) at \(status.url) does not take event \(id): \(why.withoutStop). Its digest stands for it \
        there, it is kept here and sent again later: see what its data says, and the log of the central
        """)
    case .taken(let id): logger.notice("\(status.other) has event \(id) now, which was held back")
    case .gone(let id): logger.error("event \(id), which was held back, is not here any more: it cannot be sent again")
    }
  }
}

extension ForwardStatus {
  mutating func show(_ standing: DeliveryState.Standing, at now: Timestamp) {
    // Begun again: what is known of the other end holds until something else is.
    if standing == .starting { return }
    let (state, reason): (State, String?) =
      switch standing {
      case .starting: (.starting, nil)
      case .sending: (.sending, nil)
      case .idle: (.idle, nil)
      case .away(let why): (.away, why)
      case .refused(let why): (.refused, why)
      }
    if state != self.state { since = now }
    (self.state, self.reason) = (state, reason)
  }

  fileprivate mutating func count(_ happening: DeliveryState.Happening, at now: Timestamp) {
    switch happening {
    case .position(let receipt), .answered(.receipt(let receipt)):
      lastContact = now
      receivedThrough = receipt.receivedThrough
      safeThrough = receipt.safeThrough
    case .answered: lastContact = now
    default: break
    }
  }
}
