import Events

/// What to do next for a cycle, after each look at its trigger.
///
/// `last` is the trigger of the last cycle that is on disk. A counter that shows something else announces a
/// cycle; one that shows the same is acknowledged again if the PLC does not have our word yet, and nothing is
/// recorded twice. A bit goes through four steps: it rises, the cycle is recorded and acknowledged with 1, it
/// falls, the acknowledge falls. Each of our two writes follows a commit, so that after a crash the disk tells
/// whether a bit that is set was recorded. Pure: no clock, no connection.
struct CycleTrigger: Sendable, Hashable {
  let isBit: Bool
  let wraps: UInt64
  let acknowledges: Bool
  /// What is on disk of the last cycle.
  ///
  /// A counter's value; of a bit with acknowledge 1 from the cycle until its rest, then 0. Nil where nothing is known,
  /// always so for a bit without acknowledge.
  private(set) var last: UInt64?
  /// The last poll of this connection that showed the old trigger.
  private var shownOld: Timestamp?
  /// The same in whatever connection: before it, nothing is missing.
  private var counted: Timestamp?
  /// What the acknowledge shows, once it was read or written in this connection.
  private(set) var acknowledged: UInt64?
  /// Cycles that the PLC showed again although they are on disk: acknowledged again, and not recorded.
  private(set) var repeated: UInt64 = 0
  /// Whether the PLC's word is still to be written since the record: no repetition as long as it is.
  private var isOwed = false
  /// Rises of a bit without acknowledge that are not recorded yet.
  private var rises: UInt64 = 0
  private var previousBit: UInt64?

  enum Step: Sendable, Hashable {
    case nothing
    /// The acknowledge must be known first: read it, then look again with what it shows.
    case readAcknowledge
    case acknowledge(UInt64)
    /// The bit of a recorded cycle fell: commit that, and then let the acknowledge fall.
    case rest
    /// Read the block and record the cycle.
    case record(trigger: UInt64, after: Timestamp?, jump: CycleReading.Jump)
    /// The counter fell without a cycle to show for it: the PLC was started again, after the poll at `since`.
    ///
    /// Nil where this start of the daemon has not seen the old count.
    case restarted(from: UInt64, to: UInt64, since: Timestamp?)

    /// What the PLC waits for its acknowledge to show; nil where it waits for nothing.
    var word: UInt64? {
      switch self {
      case .acknowledge(let value), .record(let value, _, _): value
      case .rest: 0
      case .nothing, .readAcknowledge, .restarted: nil
      }
    }
  }

  init(_ trigger: ModbusTrigger, last: UInt64?) {
    isBit = trigger.isBit
    wraps = trigger.wraps
    acknowledges = trigger.acknowledge != nil
    // A bit is never above 1: such a number is of a counter that the map had before.
    self.last = trigger.isBit ? last.flatMap { acknowledges && $0 <= 1 ? $0 : nil } : last
  }

  /// A poll showed `value` at `time`; `acknowledge` is what the acknowledge shows, where it was read for this.
  mutating func saw(_ value: UInt64, at time: Timestamp, acknowledge: UInt64? = nil) -> Step {
    if let acknowledge { acknowledged = acknowledge }
    if isBit { return acknowledges ? sawHandshake(value, at: time) : sawPulse(value, at: time) }
    guard let last else { return sawFirst(value, at: time) }
    if value == last {
      shownOld = time
      counted = time
      guard acknowledges else { return .nothing }
      guard let acknowledged else { return .readAcknowledge }
      return acknowledged == value ? .nothing : again(value)
    }
    let jump = jump(from: last, to: value)
    // A count below the last is a wrap, or that of a PLC that was started again.
    guard jump == .restarted || (acknowledges && value < last) else {
      return .record(trigger: value, after: shownOld, jump: jump)
    }
    // After a restart of the PLC only its acknowledge, read anew, tells whether a cycle waits; without one, 0 is none.
    if acknowledges, acknowledge == nil { return .readAcknowledge }
    guard acknowledges ? acknowledge == value : value == 0 else {
      return .record(trigger: value, after: shownOld, jump: jump)
    }
    defer {
      self.last = value
      shownOld = time
      counted = time
      isOwed = false
    }
    return .restarted(from: last, to: value, since: counted)
  }

  /// Nothing of this group was ever recorded: with an acknowledge that differs a cycle waits, otherwise this is
  /// where counting begins.
  private mutating func sawFirst(_ value: UInt64, at time: Timestamp) -> Step {
    if acknowledges {
      guard let acknowledged else { return .readAcknowledge }
      if acknowledged != value { return .record(trigger: value, after: nil, jump: .none) }
    }
    last = value
    shownOld = time
    counted = time
    return .nothing
  }

  private mutating func sawHandshake(_ value: UInt64, at time: Timestamp) -> Step {
    guard let acknowledged else { return .readAcknowledge }
    if value == 0 {
      shownOld = time
      // An acknowledge that stands without a cycle on disk is of a queue that is gone: it falls in the same way.
      if last == 1 || (last == nil && acknowledged != 0) { return .rest }
      return acknowledged == 0 ? .nothing : .acknowledge(0)
    }
    switch last {
    case 1: return acknowledged == 0 ? again(1) : .nothing
    case nil where acknowledged != 0: return .nothing
    default: return .record(trigger: 1, after: shownOld, jump: .none)
    }
  }

  /// A cycle that is on disk waits for its word: for the first time after its record, or because the PLC lost it.
  private mutating func again(_ value: UInt64) -> Step {
    if !isOwed { repeated += 1 }
    isOwed = true
    return .acknowledge(value)
  }

  private mutating func sawPulse(_ value: UInt64, at time: Timestamp) -> Step {
    if value == 1, previousBit == 0 { rises += 1 }
    if rises == 0, value == 0 { shownOld = time }
    previousBit = value
    guard rises > 0 else { return .nothing }
    return .record(trigger: 1, after: shownOld, jump: rises > 1 ? .missed(rises - 1) : .none)
  }

  /// The cycle with `trigger`, whose block was read at `time`, is on disk.
  mutating func committed(_ trigger: UInt64, at time: Timestamp) {
    isOwed = acknowledges
    guard isBit else {
      last = trigger
      shownOld = time
      counted = time
      return
    }
    if acknowledges { last = trigger }
    rises = 0
    if previousBit == 0 { shownOld = time }
  }

  /// That the bit fell is on disk.
  mutating func rested() { last = 0 }

  /// The acknowledge was written.
  mutating func wrote(acknowledge value: UInt64) {
    acknowledged = value
    isOwed = false
  }

  /// The connection is gone: what was seen and read in it says nothing about the next one.
  mutating func disconnected() {
    shownOld = nil
    acknowledged = nil
    previousBit = nil
  }

  /// What lies between two counts; up to half of the range is forward, more is a fall.
  func jump(from last: UInt64, to value: UInt64) -> CycleReading.Jump {
    guard value < wraps, last < wraps else { return .restarted }
    let distance = (value + wraps - last) % wraps
    if distance == 1 { return .none }
    return distance <= wraps / 2 ? .missed(distance - 1) : .restarted
  }
}
