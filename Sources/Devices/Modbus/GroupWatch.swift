import Events

/// A group of tags with all that is remembered between two polls of it.
struct GroupWatch: Sendable {
  let group: ModbusGroup
  /// What is asked each time it is due: the group's tags, or its trigger.
  let polls: [PlannedRequest]
  /// For each tag of each of these requests its place among the group's tags; empty for a trigger's.
  let places: [[Int]]
  var cadence: Cadence
  var overrun = Overrun()
  var changes: Changes
  var cycle: CycleWatch?

  init(_ group: ModbusGroup, _ plan: RequestPlan, last: UInt64?, now: ContinuousClock.Instant) {
    self.group = group
    polls = plan.requests(of: group.name, for: group.trigger == nil ? .poll : .trigger)
    let byName = Dictionary(
      group.tags.indices.map { (group.tags[$0].name, $0) }, uniquingKeysWith: { first, _ in first })
    places = polls.map { $0.tags.compactMap { byName[$0.name] } }
    cadence = Cadence(every: group.every, from: now)
    changes = Changes(group)
    cycle = group.trigger.map { trigger in
      CycleWatch(trigger, last: last, block: plan.requests(of: group.name, for: .block))
    }
  }

  /// A poll of a trigger that was missed loses nothing where a counter or a handshake tells of each cycle; what
  /// a counter tells is the more exact word.
  var tellsMissedPolls: Bool {
    guard let trigger = group.trigger else { return true }
    return trigger.isBit && trigger.acknowledge == nil
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
