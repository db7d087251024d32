import Events

/// A group of tags with all that is remembered between two polls of it.
struct GroupWatch: Sendable {
  let group: ModbusGroup
  /// What is asked each time it is due: the group's tags, or its trigger.
  private(set) var polls: [PlannedRequest]
  /// For each tag of each of these requests its place among the group's tags; empty for a trigger's.
  private(set) var places: [[Int]]
  /// The poll that is under way.
  var round: PollRound?
  /// What the device has of the request at a place of `polls`, while that is found out.
  var search: (place: Int, holes: HoleSearch)?
  var cadence: Cadence
  var overrun = Overrun()
  var changes: Changes
  let handed = HandedReadings()
  var cycle: CycleWatch?

  init(_ group: ModbusGroup, _ plan: RequestPlan, last: UInt64?, now: ContinuousClock.Instant) {
    self.group = group
    polls = []
    places = []
    cadence = Cadence(every: group.every, from: now)
    changes = Changes(group)
    cycle = group.trigger.map { trigger in
      CycleWatch(trigger, last: last, block: plan.requests(of: group.name, for: .block))
    }
    restored(plan)
  }

  /// Asks again what the map plans, in place of what the device was found to give.
  mutating func restored(_ plan: RequestPlan) {
    let planned = plan.requests(of: group.name, for: group.trigger == nil ? .poll : .trigger)
    guard planned != polls else { return }
    ask(planned)
  }

  /// Whether all of the poll that is under way was asked.
  var isAsked: Bool { round?.next(of: polls.count) == nil }

  /// There is no more to be had of the request whose turn it is.
  mutating func skip() { round?.done(of: polls.count) }

  /// Asks `requests` in place of the one that is refused; what was known of them stays, and they are not asked again in
  /// this poll.
  mutating func replace(_ place: Int, with requests: [PlannedRequest]) {
    round?.replaced(place, with: requests.count)
    ask(polls[..<place] + requests + polls[(place + 1)...])
  }

  /// Asks these requests from now on.
  private mutating func ask(_ requests: [PlannedRequest]) {
    polls = requests
    let byName = Dictionary(
      group.tags.indices.map { (group.tags[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
    places = polls.map { $0.tags.compactMap { byName[$0.name] } }
  }

  /// A poll of a trigger that was missed loses nothing where a counter or a handshake tells of each cycle; what
  /// a counter tells is the more exact word.
  var tellsMissedPolls: Bool {
    guard let trigger = group.trigger else { return true }
    return trigger.isBit && trigger.acknowledge == nil
  }
}

/// A poll of a group while it is under way, request by request: others may ask in between.
struct PollRound: Sendable {
  /// How often a device that is busy is asked again within a poll.
  static let mostTries = 3
  /// The first pause before that; each further one is twice as long.
  static let firstPause: Duration = .milliseconds(250)

  /// What each tag of the group shows; nil where nothing is known yet.
  var values: [TagValue?]
  let begun: Timestamp
  /// Slots that had passed before it.
  let missed: UInt64
  /// The group's next slot: there is time until then.
  let deadline: ContinuousClock.Instant
  /// When the first request was sent, and when the last answer came.
  private(set) var asked: Moment?
  private(set) var moment: Moment?
  /// Not before, since the device is busy.
  private(set) var ready: ContinuousClock.Instant
  /// The request whose turn it is.
  private var place = 0
  private var busy: [Int] = []
  private var tries = 0

  init(tags: Int, begun: Timestamp, missed: UInt64, at now: ContinuousClock.Instant, deadline: ContinuousClock.Instant)
  {
    values = Array(repeating: nil, count: tags)
    self.begun = begun
    self.missed = missed
    self.deadline = deadline
    ready = now
  }

  /// The request to ask now, of `count`; nil at the end.
  func next(of count: Int) -> Int? { place < count ? place : busy.first }

  /// The answer to the request at `next` is in `values`.
  mutating func answered(asked: Moment, moment: Moment, of count: Int) {
    answered(asked: asked, moment: moment)
    done(of: count)
  }

  /// There is no more to be had of the request at `next`.
  mutating func done(of count: Int) { if place < count { place += 1 } else { busy.removeFirst() } }

  /// In place of one request there are others now, which were asked.
  mutating func replaced(_ index: Int, with others: Int) {
    if place == index { place += others } else if place > index { place += others - 1 }
    busy = busy.compactMap { $0 == index ? nil : $0 > index ? $0 + others - 1 : $0 }
  }

  /// An answer came that is not of a planned request.
  mutating func answered(asked: Moment, moment: Moment) {
    if self.asked == nil { self.asked = asked }
    self.moment = moment
  }

  /// The device is too busy for the request at `next`; false where there is no time to ask it again.
  mutating func postpone(at now: ContinuousClock.Instant, of count: Int) -> Bool {
    guard let place = next(of: count), tries < Self.mostTries else { return false }
    let later = now + Self.firstPause * (1 << tries)
    guard later < deadline else { return false }
    done(of: count)
    busy.append(place)
    // The others have their turn first, and then all that it was too busy for after one pause.
    tries += 1
    ready = later
    return true
  }
}

/// A cycle of a group between two looks at its trigger.
struct CycleWatch: Sendable {
  var trigger: CycleTrigger
  let block: [PlannedRequest]
  /// One answer holds all of the block, and the trigger.
  let isWhole: Bool
  /// Nil where the PLC waits for nothing: then nothing is ever written.
  let permit: WritePermit?
  var alarms: CycleAlarms
  var retry = Retry()

  init(_ trigger: ModbusTrigger, last: UInt64?, block: [PlannedRequest]) {
    self.trigger = CycleTrigger(trigger, last: last)
    self.block = block
    isWhole = block.count == 1 && block[0].tags.contains(trigger.tag)
    permit = WritePermit(trigger)
    alarms = CycleAlarms(within: trigger.within)
  }
}

/// When to try again what was refused: at once, then with pauses that double from a quarter second to ten.
struct Retry: Sendable, Hashable {
  private var count = 0
  private(set) var notBefore: ContinuousClock.Instant?

  mutating func refused(at now: ContinuousClock.Instant) {
    notBefore = now + min(.milliseconds(250) * (1 << min(count, 8)), .seconds(10))
    count += 1
  }

  /// Whether it is the first refusal in a row: the one that is worth a line in the log.
  var isFirst: Bool { count == 1 }
  var attempts: Int { count }

  mutating func done() { self = Retry() }

  func mayTry(at now: ContinuousClock.Instant) -> Bool { notBefore.map { now >= $0 } ?? true }
}
