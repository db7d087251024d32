import Events

/// Decides what comes next on the way of a queue's events to the central; does nothing itself.
///
/// Every happening gives exactly one action, whose outcome is the next happening:
/// ask the central where it stands → let the queue compare its hash there → read → deliver → record the
/// receipt → read on. Incarnations are finished in the order of their beginning. Where the central has another
/// history under the same numbers, the queue begins a new incarnation, and the rest of the old one is
/// still delivered: the central keeps it beside its own as evidence. A last batch without lines says where it ended, for
/// the central may have lines of two queues as one history (`Endings` of the store). An event that the central refuses
/// for what it says is found (`PoisonSearch`), held while its digest goes in its place, and sent again later
/// (`HeldRetries`).
struct DeliveryState: Sendable {
  enum Action: Sendable, Hashable {
    case list
    case ask(Incarnation)
    case record(Receipt)
    case read(ReadRequest)
    case deliver(Batch)
    case renew(Incarnation, why: String)
    case change(HoldChange)
    /// `exact`: not to be shortened at random, because the other end, or a person's pace, says so.
    case pause(Duration, exact: Bool)
  }

  enum Happening: Sendable, Hashable {
    case listed([QueueLife], held: [EventID] = [])
    case position(Receipt)
    case recorded(Agreement)
    case read(ReadAnswer)
    case answered(DeliveryAnswer)
    case renewed
    case changed
    case failed(RouteFault)
    case paused
  }

  /// What people are told.
  enum Standing: Sendable, Hashable {
    case starting
    case sending
    case idle
    case away(String)
    case refused(String)
  }

  /// What people are told once.
  enum News: Sendable, Hashable {
    case held(EventID, why: String)
    /// The central has an event now that was held.
    case taken(EventID)
    /// An event that is held has no row any more.
    case gone(EventID)
  }

  struct Limits: Sendable, Hashable {
    var lines = 2000
    var bytes = 1 << 20
    /// Of the first batch.
    ///
    /// One that comes through doubles the next, one that is broken off halves it: so ends that live for moments, and
    /// links that break all the time, make way too.
    var firstLines = 128
    var idleWait = Duration.seconds(30)
    var leastPause = Duration.milliseconds(500)
    var longestPause = Duration.seconds(60)
    /// Before an event that was refused alone has another chance.
    var chancePause = Duration.seconds(5)
    var leastHeldPause = Duration.seconds(60)
    var longestHeldPause = Duration.seconds(3600)
  }

  let limits: Limits
  var standing = Standing.starting
  /// Of the last happening.
  var news: News?
  /// The incarnation at work.
  var incarnation: Incarnation?
  var through: UInt64 = 0
  /// The hash at `through`; nil while the central's history differs from the queue's.
  private var head: ChainHash? = .zero
  private var lives: [QueueLife] = []
  private var finished: Set<Incarnation> = []
  /// Of these, those that the central has another history of: all of the queue's was sent, and is not sent again.
  private var branches: Set<Incarnation> = []
  /// Branches whose end the central could not place, and that it is not asked about a third time.
  var askedAgain: Set<Incarnation> = []
  /// Where the central went back to in an incarnation, until the queue has noted it.
  private var rewound: [Incarnation: UInt64] = [:]
  /// Incarnations before the current one that were asked about since the start, or since the central was away or went
  /// back.
  private var seen: Set<Incarnation> = []
  /// Which of them is looked at next.
  private var turn = 0
  /// The central was not reached, and may be another one now.
  var wasAway = false
  /// What the queue was told last of the incarnation at work.
  private var recorded: Receipt?
  /// The central has another history of this incarnation.
  var isBranch = false
  var pending: Receipt?
  var inFlight: Batch?
  /// A batch was asked for, which where the central pulls comes over the network.
  private(set) var isReading = false
  var failures = 0
  var holes = 0
  /// Nothing came while it waited: the central is asked again, so that it hears this line PC and is seen to be there.
  private var hasWaited = false
  var lines: Int
  var bytes: Int
  var search = PoisonSearch()
  /// The event that is to be held, until that is on disk, and why.
  var proposal: (id: EventID, why: String)?
  /// The event whose digest is tried in its place.
  var trial: (id: EventID, why: String)?
  var retries: HeldRetries
  /// The held event that is being sent again.
  var resending: EventID?
  /// What comes after a change of what is held; nil: sending goes on.
  var afterChange: Action?
  private(set) var now = ContinuousClock.now

  init(limits: Limits = Limits()) {
    self.limits = limits
    retries = HeldRetries(leastPause: limits.leastHeldPause, longestPause: limits.longestHeldPause)
    lines = min(limits.lines, limits.firstLines)
    bytes = limits.bytes
  }

  static let first = Action.list

  mutating func next(_ happening: Happening, at now: ContinuousClock.Instant = .now) -> Action {
    self.now = now
    news = nil
    let action = answer(to: happening)
    if case .read = action { isReading = true } else { isReading = false }
    return action
  }

  private mutating func answer(to happening: Happening) -> Action {
    switch happening {
    case .listed(let lives, let held): listed(lives, held: held)
    case .position(let receipt): position(receipt)
    case .recorded(.agreed): agreed()
    case .recorded(.disputed(let why)): dispute(why)
    case .read(.batch(let batch)): read(batch)
    case .read(.beyondEnd): beyondEnd()
    case .answered(let answer): answered(answer)
    case .renewed: readOn()
    case .changed: changed()
    case .failed(let fault): failed(fault)
    case .paused: paused()
    }
  }

  var isCurrent: Bool { lives.last?.incarnation == incarnation }

  func readOn(wait: Duration = .zero) -> Action {
    guard let incarnation else { return .list }
    let lines = search.lines(after: through).map { min($0, self.lines) } ?? lines
    return .read(ReadRequest(incarnation: incarnation, after: through, lines: lines, bytes: bytes, wait: wait))
  }

  /// Reads on, or sends a held event again whose turn it is.
  mutating func goOn(wait: Duration = .zero) -> Action {
    if let again = resend() { return again }
    return readOn(wait: min(wait, retries.untilNext(at: now) ?? wait))
  }

  private mutating func listed(_ lives: [QueueLife], held: [EventID]) -> Action {
    self.lives = lives
    retries.begin(held)
    let current = lives.last?.incarnation
    let next = lives.first { life in
      !finished.contains(life.incarnation) && (life.incarnation == current || !life.isSent)
    }
    guard let next else {
      standing = .refused(
        "the central has another history of this incarnation, and the queue has not begun a new one")
      incarnation = nil
      finished.removeAll()
      return .pause(limits.longestPause, exact: true)
    }
    if next.incarnation == incarnation {
      guard isCurrent else { return readOn() }
      if standing == .idle, let unseen = lookBack(atUnseen: true) { return unseen }
      hasWaited.toggle()
      return hasWaited ? goOn(wait: limits.idleWait) : lookBack() ?? .ask(next.incarnation)
    }
    return begin(next.incarnation)
  }

  private mutating func begin(_ next: Incarnation) -> Action {
    incarnation = next
    (through, head, isBranch, holes, recorded) = (0, .zero, false, 0, nil)
    return .ask(next)
  }

  /// Asks for one of the incarnations before the current one: the central may have more of it in a backup by now, or
  /// less at all.
  ///
  /// Also where no row of it is here any more: only this end knows then what a central that went back lacks, and that
  /// nobody has it.
  private mutating func lookBack(atUnseen: Bool = false) -> Action? {
    let others = lives.dropLast().map(\.incarnation).filter {
      !branches.contains($0) && !(atUnseen && seen.contains($0))
    }
    guard !others.isEmpty else { return nil }
    turn += 1
    let other = others[turn % others.count]
    seen.insert(other)
    finished.remove(other)
    return begin(other)
  }

  private mutating func position(_ receipt: Receipt) -> Action {
    failures = 0
    if standing != .idle { standing = .sending }
    // What was listed may be older than what the queue was told since.
    let listed = lives.first { $0.incarnation == incarnation }?.agreedThrough ?? 0
    let agreed = max(listed, recorded?.receivedThrough ?? 0)
    if receipt.receivedThrough < agreed, rewound[receipt.incarnation] != receipt.receivedThrough {
      // Once for each: where the queue disputes it the same is found whenever it is asked.
      rewound[receipt.incarnation] = receipt.receivedThrough
      (finished, branches, seen, askedAgain) = ([], [], [], [])
    } else if wasAway {
      seen = []
    }
    wasAway = false
    if standing == .idle, isCurrent, receipt == recorded {
      hasWaited = true
      return goOn(wait: limits.idleWait)
    }
    pending = receipt
    guard receipt.receivedThrough > 0 || agreed > 0 else { return self.agreed() }
    return .record(receipt)
  }

  private mutating func agreed() -> Action {
    guard let receipt = pending else { return .list }
    rewound[receipt.incarnation] = nil
    (through, head, recorded) = (receipt.receivedThrough, receipt.head, receipt)
    return goOn()
  }

  /// Begins again with the first row that is here: what differs may be nowhere else.
  ///
  /// Not where both agreed last: the queue may be another file since, and the central another copy.
  private mutating func dispute(_ why: String) -> Action { branch(after: 0, why: why) }

  mutating func branch(after number: UInt64, why: String) -> Action {
    guard let incarnation, !isBranch else { return finish() }
    (isBranch, through, head) = (true, number, nil)
    return isCurrent ? .renew(incarnation, why: why) : readOn()
  }

  mutating func finish() -> Action {
    if let incarnation {
      finished.insert(incarnation)
      if isBranch { branches.insert(incarnation) }
    }
    return .list
  }

  private mutating func beyondEnd() -> Action {
    dispute("the central has event \(through), which this queue does not have: its file is older than that")
  }

  private mutating func read(_ batch: Batch) -> Action {
    if let resending { return read(batch, toResend: resending) }
    let follows = batch.first == through + 1 && batch.lost == nil
    if follows, let head, batch.previous != head {
      return dispute("the central's hash after event \(through) is \(head), this queue's is \(batch.previous)")
    }
    guard !batch.lines.isEmpty || batch.lost != nil else {
      if isBranch, batch.first > 1 { return deliver(batch) }
      if isBranch || !isCurrent { return finish() }
      standing = .idle
      return .list
    }
    guard follows || (batch.lost.map { $0.lowerBound <= through + 1 } ?? false) || isBranch else {
      return failed(.local("the queue gave events from \(batch.first) on where those after \(through) were asked for"))
    }
    return deliver(batch)
  }

  private mutating func deliver(_ batch: Batch) -> Action {
    standing = .sending
    inFlight = batch
    return .deliver(batch)
  }

  private mutating func paused() -> Action {
    (inFlight, resending, proposal, afterChange) = (nil, nil, nil, nil)
    guard let incarnation, !lives.isEmpty else { return .list }
    return isBranch ? readOn() : .ask(incarnation)
  }
}
