import Events

/// A cycle's values, and the trigger that they belong to.
struct CycleBlock: Sendable {
  let trigger: UInt64
  let moment: Moment
  let values: [TagValue]
  /// What else the trigger showed while the block was read; nil: all of it is of one cycle.
  var other: UInt64?
}

extension ModbusDevice {
  /// Reads a cycle's block so that all of it belongs to one cycle.
  ///
  /// Where one answer holds the block and the trigger, that answer says whose values they are. Otherwise the
  /// trigger, and the tag that guards a large block, are read again behind it, and all of it again if the PLC went on.
  /// A PLC that goes on each time gets a record of what is right, which names the other count too. Nil: the device is
  /// busy.
  func readBlock(
    of place: Int, announcedBy announced: UInt64, over link: inout ModbusLink
  ) throws(LineFault) -> CycleBlock? {
    guard let cycle = groups[place].cycle, let trigger = groups[place].group.trigger else { return nil }
    var before = announced
    for isLast in [false, false, true] {
      let round = try readRound(of: place, over: &link)
      guard let round else { return nil }
      let values = groups[place].group.tags.map { round.values[$0.name] ?? .bad(reason: "not read", raw: []) }
      // A bit falls by itself once it is seen; what was read while it was set, or right after, is the cycle's.
      if trigger.isBit {
        if !round.guardMoved { return CycleBlock(trigger: 1, moment: round.moment, values: values) }
        if isLast { return torn(round, of: place, between: 1, and: 1) }
        continue
      }
      if cycle.isWhole { return CycleBlock(trigger: round.shown ?? before, moment: round.moment, values: values) }
      let after = try read(trigger.tag, over: &link)
      if after == before, round.shown == nil || round.shown == before, !round.guardMoved {
        return CycleBlock(trigger: before, moment: round.moment, values: values)
      }
      guard let after else {
        if cycle.retry.attempts < Self.mostBusy { return nil }
        return CycleBlock(trigger: before, moment: round.moment, values: values, other: before)
      }
      if isLast { return torn(round, of: place, between: before, and: after) }
      before = after
    }
    return nil
  }

  /// So often a device may say that it is busy before what it refuses is recorded as bad.
  private static let mostBusy = 10

  /// What one reading of all of a block's requests gave.
  private struct Round {
    var values: [String: TagValue] = [:]
    var replies: [Reply] = []
    var moment = Moment.now()
    /// The trigger, where one of the answers holds it.
    var shown: UInt64?
    /// The tags of that answer.
    var besideTrigger: [ModbusTag] = []
    /// The block's guard showed something else behind the block than in it.
    var guardMoved = false
  }

  /// Nil where the device is busy.
  private func readRound(of place: Int, over link: inout ModbusLink) throws(LineFault) -> Round? {
    guard let cycle = groups[place].cycle, let trigger = groups[place].group.trigger else { return nil }
    var round = Round()
    for request in cycle.block {
      let reply = try ask(request, over: &link)
      if let refusal = reply.refusal, refusal.isTransient, cycle.retry.attempts < Self.mostBusy { return nil }
      for tag in request.tags { round.values[tag.name] = reply.value(of: tag) }
      if reply.refusal == nil, request.tags.contains(trigger.tag) {
        round.shown = trigger.tag.whole(in: reply.bytes, from: request.address)
        round.besideTrigger = request.tags
      }
      round.replies.append(reply)
      round.moment = reply.moment
    }
    guard let tag = trigger.guardTag, tag != trigger.tag, cycle.block.count > 1 else { return round }
    let again = try ask(RequestPlan.single(tag), over: &link)
    guard again.refusal == nil else { return nil }
    round.guardMoved = again.raw(of: tag) != round.replies.first { $0.request.tags.contains(tag) }?.raw(of: tag)
    return round
  }

  /// The PLC went on during every reading: what is of one cycle for certain is kept, the rest is bad.
  ///
  /// The values beside the trigger are of the cycle that it shows there; those of a single answer are of one cycle,
  /// and which of the two is not known. Where the guard moved, the PLC was writing: nothing is certain.
  private func torn(_ round: Round, of place: Int, between before: UInt64, and after: UInt64) -> CycleBlock {
    let isOne = groups[place].cycle?.block.count == 1
    let values = groups[place].group.tags.map { tag in
      let value = round.values[tag.name] ?? .bad(reason: "not read", raw: [])
      return isOne || (round.besideTrigger.contains(tag) && !round.guardMoved)
        ? value
        : TagValue.bad(
          reason: "the PLC began the next cycle while this one was read",
          raw: round.replies.first { $0.request.tags.contains(tag) }?.raw(of: tag) ?? [])
    }
    let trigger = round.shown ?? after
    return CycleBlock(
      trigger: trigger, moment: round.moment, values: values, other: trigger == before ? after : before)
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
