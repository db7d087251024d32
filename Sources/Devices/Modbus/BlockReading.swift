import Events

/// A cycle's values, and the trigger that they belong to.
struct CycleBlock: Sendable {
  let trigger: UInt64
  /// When the first request of the reading that gave them was sent, and when the last answer came.
  let asked: Moment
  let moment: Moment
  let values: [TagValue]
  /// What else the trigger showed while the block was read; nil: all of it is of one cycle.
  var other: UInt64?
}

/// The reading of a cycle's block, request by request, so that all of it belongs to one cycle.
///
/// Where one answer holds the block and the trigger, that answer says whose values they are. Otherwise the
/// trigger, and the tag that guards a large block, are read again behind it, and all of it again if the PLC went on.
/// A PLC that goes on each time gets a record of what is right, which names the other count too. What one answer holds is
/// of one moment whoever asks in between; whether the answers are of one cycle, trigger and guard tell. Pure: it says what
/// to ask and takes what comes.
struct BlockReading: Sendable {
  /// What the trigger announced.
  let announced: UInt64
  let after: Timestamp?
  let jump: CycleReading.Jump
  private let trigger: ModbusTrigger
  private let block: [PlannedRequest]
  private let tags: [ModbusTag]
  /// One answer holds all of the block, and the trigger.
  private let isWhole: Bool
  /// What the trigger showed before this round.
  private var before: UInt64
  private var round = Round()
  private var step = Step.part(0)
  private var rounds = 1

  enum Outcome: Sendable {
    case block(CycleBlock)
    /// The device is busy: to be tried again later.
    case busy
  }

  /// So often all of the block is read before the PLC is too fast for it.
  private static let mostRounds = 3

  private enum Step: Hashable {
    case part(Int)
    case `guard`
    case trigger
  }

  /// What one reading of all of a block's requests gave.
  private struct Round: Sendable {
    var replies: [Reply] = []
    /// The trigger, where one of the answers holds it.
    var shown: UInt64?
    /// The tags of that answer.
    var besideTrigger: [ModbusTag] = []
    /// The block's guard showed something else behind the block than in it.
    var guardMoved = false
  }

  /// Nil where there is nothing to read, which no map lets through.
  init?(
    _ cycle: CycleWatch, of group: ModbusGroup, announced: UInt64, after: Timestamp?, jump: CycleReading.Jump
  ) {
    guard let trigger = group.trigger, !cycle.block.isEmpty else { return nil }
    (self.announced, self.after, self.jump) = (announced, after, jump)
    self.trigger = trigger
    block = cycle.block
    tags = group.tags
    isWhole = cycle.isWhole
    before = announced
  }

  /// What to ask now.
  var next: PlannedRequest {
    switch step {
    case .part(let index): block[index]
    case .guard: RequestPlan.single(trigger.guardTag ?? trigger.tag)
    case .trigger: RequestPlan.single(trigger.tag)
    }
  }

  private static let notRead = TagValue.bad(reason: "not read", raw: [])

  /// Takes the answer to `next`; nil while more has to be asked.
  ///
  /// - Parameter mayWait: a device that is busy is left alone for a while; otherwise what it refuses is recorded as bad.
  mutating func take(_ reply: Reply, mayWait: Bool) -> Outcome? {
    switch step {
    case .part(let index):
      if let refusal = reply.refusal, refusal.isTransient, mayWait { return .busy }
      round.replies.append(reply)
      if reply.refusal == nil, reply.request.tags.contains(trigger.tag) {
        round.shown = trigger.tag.whole(in: reply.bytes, from: reply.request.address)
        round.besideTrigger = reply.request.tags
      }
      guard index + 1 == block.count else {
        step = .part(index + 1)
        return nil
      }
      if let tag = trigger.guardTag, tag != trigger.tag, block.count > 1 {
        step = .guard
        return nil
      }
      return roundEnded()
    case .guard:
      guard reply.refusal == nil, let tag = trigger.guardTag else { return .busy }
      round.guardMoved = reply.raw(of: tag) != round.replies.first { $0.request.tags.contains(tag) }?.raw(of: tag)
      return roundEnded()
    case .trigger:
      let after = reply.refusal == nil ? trigger.tag.whole(in: reply.bytes, from: reply.request.address) : nil
      return compared(to: after, mayWait: mayWait)
    }
  }

  private mutating func roundEnded() -> Outcome? {
    // A bit falls by itself once it is seen; what was read while it was set, or right after, is the cycle's.
    if trigger.isBit {
      if !round.guardMoved { return .block(result(trigger: 1)) }
      return rounds == Self.mostRounds ? .block(torn(between: 1, and: 1)) : again()
    }
    if isWhole { return .block(result(trigger: round.shown ?? before)) }
    step = .trigger
    return nil
  }

  /// The trigger was read again behind the block.
  private mutating func compared(to after: UInt64?, mayWait: Bool) -> Outcome? {
    if after == before, round.shown == nil || round.shown == before, !round.guardMoved {
      return .block(result(trigger: before))
    }
    guard let after else {
      if mayWait { return .busy }
      return .block(result(trigger: before, other: before))
    }
    if rounds == Self.mostRounds { return .block(torn(between: before, and: after)) }
    before = after
    return again()
  }

  /// All of it once more.
  private mutating func again() -> Outcome? {
    rounds += 1
    round = Round()
    step = .part(0)
    return nil
  }

  private func value(of tag: ModbusTag) -> TagValue {
    round.replies.first { $0.request.tags.contains(tag) }?.value(of: tag) ?? Self.notRead
  }

  private func result(trigger: UInt64, other: UInt64? = nil) -> CycleBlock {
    block(trigger, tags.map { value(of: $0) }, other)
  }

  private func block(_ trigger: UInt64, _ values: [TagValue], _ other: UInt64?) -> CycleBlock {
    let now = Moment.now()
    return CycleBlock(
      trigger: trigger, asked: round.replies.first?.asked ?? now, moment: round.replies.last?.moment ?? now,
      values: values, other: other)
  }

  /// The PLC went on during every reading: what is of one cycle for certain is kept, the rest is bad.
  ///
  /// The values beside the trigger are of the cycle that it shows there; those of a single answer are of one cycle,
  /// and which of the two is not known. Where the guard moved, the PLC was writing: nothing is certain.
  private func torn(between before: UInt64, and after: UInt64) -> CycleBlock {
    let values = tags.map { tag in
      block.count == 1 || (round.besideTrigger.contains(tag) && !round.guardMoved)
        ? value(of: tag)
        : TagValue.bad(
          reason: "the PLC began the next cycle while this one was read",
          raw: round.replies.first { $0.request.tags.contains(tag) }?.raw(of: tag) ?? [])
    }
    let trigger = round.shown ?? after
    return block(trigger, values, trigger == before ? after : before)
  }
}

extension Reply {
  /// The bytes of a tag's registers as they came; none of a coil or a discrete input, or where the device refused.
  fileprivate func raw(of tag: ModbusTag) -> [UInt8] {
    let start = (tag.range.lowerBound - request.address) * 2
    guard !request.table.isBits, start >= 0, start + tag.range.count * 2 <= bytes.count else { return [] }
    return Array(bytes[start..<(start + tag.range.count * 2)])
  }
}
