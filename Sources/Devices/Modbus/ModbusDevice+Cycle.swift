import Events
import Logging

extension ModbusDevice {
  /// Looks at a cycle's trigger and does what that asks for.
  func watch(_ place: Int, over link: inout ModbusLink) async throws(LineFault) {
    guard let trigger = groups[place].group.trigger, let request = groups[place].polls.first else { return }
    let reply = try await ask(request, over: &link)
    guard reply.refusal == nil, let value = trigger.tag.whole(in: reply.bytes, from: request.address) else { return }
    var step = groups[place].cycle?.trigger.saw(value, at: reply.moment.time) ?? .nothing
    if step == .readAcknowledge, let acknowledge = trigger.acknowledge {
      guard let shown = try await read(acknowledge, over: &link) else { return }
      step = groups[place].cycle?.trigger.saw(value, at: reply.moment.time, acknowledge: shown) ?? .nothing
    }
    switch step {
    case .nothing, .readAcknowledge: break
    case .acknowledge(let value):
      try await acknowledge(value, of: place, over: &link)
    case .rest:
      try await rest(place, at: reply.moment, over: &link)
    case .record(let value, let after, let jump):
      try await record(value, after: after, jump: jump, of: place, over: &link)
    case .restarted(let from, let to, let since):
      let why =
        "the PLC's counter fell from \(from) to \(to): it was started again, and how many cycles it made is unknown"
      logger.warning("\(name), \(groups[place].group.name): \(why)")
      await tell([
        .hole(
          Hole(
            device: name, group: groups[place].group.name, moment: reply.moment, kind: .missedCycles, from: since,
            to: reply.moment.time, reason: why, counter: to))
      ])
    }
  }

  /// What a single tag shows as a whole number; nil where the device refuses it.
  private func read(_ tag: ModbusTag, over link: inout ModbusLink) async throws(LineFault) -> UInt64? {
    let request = RequestPlan.single(tag)
    let reply = try await ask(request, over: &link)
    return reply.refusal == nil ? tag.whole(in: reply.bytes, from: request.address) : nil
  }

  /// Reads the block, has it written to disk and only then acknowledges it.
  private func record(
    _ value: UInt64, after: Timestamp?, jump: CycleReading.Jump, of place: Int, over link: inout ModbusLink
  ) async throws(LineFault) {
    guard let cycle = groups[place].cycle, cycle.retry.mayTry(at: ContinuousClock.now) else { return }
    let group = groups[place].group
    guard let block = try await readBlock(of: place, announcedBy: value, over: &link) else {
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      return
    }
    var jump = jump
    if block.trigger != value, let last = cycle.trigger.last {
      jump = cycle.trigger.jump(from: last, to: block.trigger)
    }
    let reading = CycleReading(
      device: name, group: group.name, moment: block.moment, trigger: block.trigger, after: after, jump: jump,
      values: block.values, of: group.tags)
    switch await sink(.cycle(reading)) {
    case .accepted:
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.committed(block.trigger, at: block.moment.time)
      if group.trigger?.acknowledge != nil { try await acknowledge(block.trigger, of: place, over: &link) }
    case .refused(let why):
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      if groups[place].cycle?.retry.isFirst == true {
        logger.error(
          "\(name), \(group.name): cycle \(block.trigger) is not acknowledged, since it could not be kept: \(why)")
      }
    }
  }

  /// Has it written to disk that the bit fell, and only then lets the acknowledge fall.
  ///
  /// The other way round, a crash in between would leave a disk that takes the next rise for the cycle before it.
  private func rest(_ place: Int, at moment: Moment, over link: inout ModbusLink) async throws(LineFault) {
    guard let cycle = groups[place].cycle, cycle.retry.mayTry(at: ContinuousClock.now) else { return }
    let group = groups[place].group
    switch await sink(.rest(CycleKey(device: name, group: group.name), moment)) {
    case .accepted:
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.rested()
      if cycle.trigger.acknowledged != 0 { try await acknowledge(0, of: place, over: &link) }
    case .refused(let why):
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      if groups[place].cycle?.retry.isFirst == true {
        logger.error(
          "\(name), \(group.name): the end of the cycle's handshake could not be kept, so it waits: \(why)")
      }
    }
  }

  /// A cycle's values, and the trigger that they belong to.
  private struct Block {
    let trigger: UInt64
    let moment: Moment
    let values: [TagValue]
  }

  /// Reads a cycle's block so that all of it belongs to one cycle.
  ///
  /// Where one answer holds the block and the trigger, that answer says whose values they are. Otherwise the
  /// trigger is read again behind the block, and all of it again if the PLC went on. Nil: the device is busy.
  private func readBlock(
    of place: Int, announcedBy announced: UInt64, over link: inout ModbusLink
  ) async throws(LineFault) -> Block? {
    guard let cycle = groups[place].cycle, let trigger = groups[place].group.trigger else { return nil }
    let tags = groups[place].group.tags
    let isWhole = cycle.block.count == 1 && cycle.block[0].tags.contains(trigger.tag)
    var before = announced
    var values: [String: TagValue] = [:]
    var moment = Moment.now()
    for _ in 0..<3 {
      var after: UInt64?
      for request in cycle.block {
        let reply = try await ask(request, over: &link)
        if let refusal = reply.refusal, refusal.isTransient, cycle.retry.attempts < 10 { return nil }
        for tag in request.tags { values[tag.name] = reply.value(of: tag) }
        if isWhole, reply.refusal == nil { after = trigger.tag.whole(in: reply.bytes, from: request.address) }
        moment = reply.moment
      }
      if !isWhole { after = try await read(trigger.tag, over: &link) }
      // A bit falls by itself once it is seen; what was read while it was set, or right after, is the cycle's.
      if trigger.isBit || isWhole || after == nil || after == before {
        return Block(
          trigger: trigger.isBit ? 1 : after ?? before, moment: moment,
          values: tags.map { values[$0.name] ?? .bad(reason: "not read", raw: []) })
      }
      before = after ?? before
    }
    let torn = tags.map { tag in
      TagValue.bad(reason: "the PLC began the next cycle while this one was read", raw: raw(values[tag.name]))
    }
    return Block(trigger: before, moment: moment, values: torn)
  }

  private func raw(_ value: TagValue?) -> [UInt8] {
    if case .bad(_, let raw) = value { raw } else { [] }
  }

  /// The one place that writes to a device, and nothing but the acknowledge that the map declares.
  private func acknowledge(_ value: UInt64, of place: Int, over link: inout ModbusLink) async throws(LineFault) {
    guard let acknowledge = groups[place].group.trigger?.acknowledge,
      groups[place].cycle?.retry.mayTry(at: ContinuousClock.now) == true
    else { return }
    let address = UInt16(acknowledge.address.number)
    let question: Question
    if acknowledge.address.table == .coil {
      question = .writeCoil(address: address, value == 1)
    } else {
      guard let registers = acknowledge.registers(showing: Double(value)) else { return }
      question = .write(address: address, registers: registers)
    }
    let (answer, _) = try await ask(question, over: &link)
    switch answer {
    case .data:
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.wrote(acknowledge: value)
    case .refused(let exception):
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      if groups[place].cycle?.retry.isFirst == true {
        logger.error(
          "\(name), \(groups[place].group.name): the acknowledge of \(value) cannot be written: \(exception)")
      }
    }
  }
}

extension CycleReading {
  /// Puts together what the tags of a block say about a cycle.
  init(
    device: String, group: String, moment: Moment, trigger: UInt64, after: Timestamp?, jump: Jump,
    values: [TagValue], of tags: [ModbusTag]
  ) {
    var outside: [String] = []
    var roles: [ScanData.Role] = []
    var result: String?
    for (tag, value) in zip(tags, values) {
      if let number = value.number, tag.isOutside(number) { outside.append(tag.name) }
      guard let role = tag.role, let text = value.roleText else { continue }
      if role == "result" {
        switch value {
        case .bool(let isPass): result = isPass ? "pass" : "fail"
        default: result = text == "pass" || text == "fail" ? text : nil
        }
      } else {
        roles.append(ScanData.Role(role, text))
      }
    }
    self.init(
      device: device, group: group, moment: moment, trigger: trigger, after: after,
      tags: zip(tags, values).map { Tag($0.name, $1) }, result: result, outside: outside, roles: roles, jump: jump)
  }
}

extension TagValue {
  /// The value as a role's text; nil for a bad one, which says nothing about the context.
  fileprivate var roleText: String? {
    switch self {
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .string(let text): text
    case .bad: nil
    }
  }
}
