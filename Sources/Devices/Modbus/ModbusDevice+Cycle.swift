import Events
import Logging

extension ModbusDevice {
  /// Looks at a cycle's trigger and does what that asks for.
  func watch(_ place: Int, over link: inout ModbusLink) async throws(LineFault) {
    guard let trigger = groups[place].group.trigger, let request = groups[place].polls.first else { return }
    let reply = try ask(request, over: &link)
    guard reply.refusal == nil, let value = trigger.tag.whole(in: reply.bytes, from: request.address) else { return }
    var step = groups[place].cycle?.trigger.saw(value, at: reply.moment.time) ?? .nothing
    if step == .readAcknowledge, let acknowledge = trigger.acknowledge {
      guard let shown = try read(acknowledge, over: &link) else { return }
      step = groups[place].cycle?.trigger.saw(value, at: reply.moment.time, acknowledge: shown) ?? .nothing
    }
    lookAtWaiting(place, step, at: reply.moment)
    switch step {
    case .nothing, .readAcknowledge: break
    case .acknowledge(let value):
      try acknowledge(value, of: place, over: &link)
    case .rest:
      try await rest(place, at: reply.moment, over: &link)
    case .record(let value, let after, let jump):
      try await record(value, after: after, jump: jump, of: place, over: &link)
    case .restarted(let from, let to, let since):
      tellRestart(of: place, from: from, to: to, since: since, at: reply.moment)
    }
  }

  /// Says how long the PLC has waited, where that is too long, and that it waits no more.
  private func lookAtWaiting(_ place: Int, _ step: CycleTrigger.Step, at moment: Moment) {
    guard let cycle = groups[place].cycle, cycle.permit != nil else { return }
    let repeated = groups.reduce(0) { $0 + ($1.cycle?.trigger.repeated ?? 0) }
    if cycle.trigger.repeated > 0 { board.update { $0.repeatedCycles = repeated } }
    tell(groups[place].cycle?.alarms.saw(waitingFor: step.word, at: moment) ?? [], of: place, at: moment)
  }

  private func tell(_ alarms: [CycleAlarms.Alarm], of place: Int, at moment: Moment) {
    guard !alarms.isEmpty else { return }
    let group = groups[place].group.name
    for alarm in alarms where alarm.to == nil { logger.error("\(name), \(group): \(alarm.reason)") }
    tell(
      alarms.map {
        .finding(
          Finding(
            device: name, group: group, moment: moment, kind: $0.kind, from: $0.from, to: $0.to, reason: $0.reason))
      })
  }

  /// It is not asked any more: findings that go on are told as far as they were seen.
  func tellAlarmsStopped(_ ending: Ending) {
    let moment = Moment.now()
    for place in groups.indices {
      tell(groups[place].cycle?.alarms.stopped(at: moment, ending) ?? [], of: place, at: moment)
    }
  }

  private func tellRestart(
    of place: Int, from: UInt64, to: UInt64, since: Timestamp?, at moment: Moment
  ) {
    let why =
      "the PLC's counter fell from \(from) to \(to): it was started again, and how many cycles it made is unknown"
    logger.warning("\(name), \(groups[place].group.name): \(why)")
    tell([
      .hole(
        Hole(
          device: name, group: groups[place].group.name, moment: moment, kind: .missedCycles, from: since,
          to: moment.time, reason: why, counter: to))
    ])
  }

  /// What a single tag shows as a whole number; nil where the device refuses it.
  func read(_ tag: ModbusTag, over link: inout ModbusLink) throws(LineFault) -> UInt64? {
    let request = RequestPlan.single(tag)
    let reply = try ask(request, over: &link)
    return reply.refusal == nil ? tag.whole(in: reply.bytes, from: request.address) : nil
  }

  /// Begins to read the block of a cycle that was announced.
  private func record(
    _ value: UInt64, after: Timestamp?, jump: CycleReading.Jump, of place: Int, over link: inout ModbusLink
  ) async throws(LineFault) {
    guard let cycle = groups[place].cycle, cycle.retry.mayTry(at: ContinuousClock.now) else { return }
    blocks[place] = BlockReading(cycle, of: groups[place].group, announced: value, after: after, jump: jump)
    try await readOn(place, over: &link)
  }

  /// So often a device may say that it is busy before what it refuses is recorded as bad.
  private static let mostBusy = 10

  /// Asks the next request of a block that is being read; once it is whole, the cycle is recorded.
  ///
  /// Others of the bus may ask before the next one.
  func readOn(_ place: Int, over link: inout ModbusLink) async throws(LineFault) {
    guard let request = blocks[place]?.next, let retry = groups[place].cycle?.retry else { return }
    let reply = try ask(request, over: &link)
    guard let outcome = blocks[place]?.take(reply, mayWait: retry.attempts < Self.mostBusy),
      let reading = blocks.removeValue(forKey: place)
    else { return }
    switch outcome {
    case .block(let block): try await keep(block, announcedBy: reading, of: place, over: &link)
    case .busy:
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      groups[place].cycle?.alarms.held("the device is busy and refuses to show the cycle's values")
    }
  }

  /// Has a cycle written to disk, and only then acknowledges it: at once, since a machine waits for it.
  private func keep(
    _ block: CycleBlock, announcedBy reading: BlockReading, of place: Int, over link: inout ModbusLink
  ) async throws(LineFault) {
    let group = groups[place].group
    var jump = reading.jump
    if block.trigger != reading.announced, let cycle = groups[place].cycle, let last = cycle.trigger.last {
      jump = cycle.trigger.jump(from: last, to: block.trigger)
    }
    let record = CycleReading(
      device: name, group: group.name, block: block, after: reading.after, jump: jump, of: group.tags)
    await flush()
    switch await sink(.cycle(record)) {
    case .accepted, .unusable:  // either is on disk
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.committed(block.trigger, at: block.moment.time)
      if group.trigger?.acknowledge != nil { try acknowledge(block.trigger, of: place, over: &link) }
    case .refused(let why):
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      groups[place].cycle?.alarms.held("the cycle cannot be kept: \(why)")
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
    await flush()
    switch await sink(.rest(CycleKey(device: name, group: group.name), moment)) {
    case .accepted, .unusable:  // either is on disk
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.rested()
      if cycle.trigger.acknowledged != 0 { try acknowledge(0, of: place, over: &link) }
    case .refused(let why):
      groups[place].cycle?.retry.refused(at: ContinuousClock.now)
      groups[place].cycle?.alarms.held("the end of the cycle's handshake cannot be kept: \(why)")
      if groups[place].cycle?.retry.isFirst == true {
        logger.error(
          "\(name), \(group.name): the end of the cycle's handshake could not be kept, so it waits: \(why)")
      }
    }
  }

  /// The one place that writes to a device, and nothing but what the map's permit allows: the acknowledge.
  private func acknowledge(_ value: UInt64, of place: Int, over link: inout ModbusLink) throws(LineFault) {
    guard let permit = groups[place].cycle?.permit, groups[place].cycle?.retry.mayTry(at: ContinuousClock.now) == true
    else { return }
    guard let write = permit.acknowledging(value) else {
      acknowledgeFailed(value, "it does not fit the register", of: place)
      return
    }
    let answer: Answer
    do throws(LineFault) {
      (answer, _) = try ask(.write(write), over: &link)
    } catch {
      if error != .stopped { acknowledgeFailed(value, error.description, of: place) }
      throw error
    }
    switch answer {
    case .data:
      groups[place].cycle?.retry.done()
      groups[place].cycle?.trigger.wrote(acknowledge: value)
      let moment = Moment.now()
      tell(groups[place].cycle?.alarms.acknowledged(at: moment) ?? [], of: place, at: moment)
    case .refused(let exception): acknowledgeFailed(value, exception.description, of: place)
    }
  }

  private func acknowledgeFailed(_ value: UInt64, _ why: String, of place: Int) {
    let moment = Moment.now()
    groups[place].cycle?.retry.refused(at: ContinuousClock.now)
    tell(groups[place].cycle?.alarms.failed(value, why, at: moment) ?? [], of: place, at: moment)
  }
}

extension CycleReading {
  /// Puts together what the tags of a block say about a cycle.
  init(device: String, group: String, block: CycleBlock, after: Timestamp?, jump: Jump, of tags: [ModbusTag]) {
    var outside: [String] = []
    var roles: [ScanData.Role] = []
    var result: String?
    for (tag, value) in zip(tags, block.values) {
      if let number = value.number, tag.isOutside(number) { outside.append(tag.name) }
      guard let role = tag.role, let text = value.roleText else { continue }
      if role == "result" {
        switch value {
        case .bool(let isPass): result = isPass ? "pass" : "fail"
        default: result = text == "pass" || text == "fail" ? text : nil
        }
      } else {
        // As a scanned code is written, so that the same code of both is the same thing.
        roles.append(ScanData.Role(role, Identifier(code: text).description))
      }
    }
    self.init(
      device: device, group: group, moment: block.moment, asked: block.moment.began(at: block.asked),
      trigger: block.trigger, after: after, tags: zip(tags, block.values).map { Tag($0.name, $1) }, result: result,
      outside: outside, roles: roles, jump: jump,
      unsure: block.other.map { [ScanData.Role("trigger", String($0))] } ?? [])
  }
}

extension TagValue {
  /// The value as a role's text; nil for a bad one, which says nothing about the context.
  fileprivate var roleText: String? {
    switch self {
    case .bool(let flag): flag ? "true" : "false"
    case .int(let number): String(number)
    case .double(let number): String(number)
    case .decimal(let number): number.text
    // A string of nothing but padding names nobody.
    case .string(let text): text.isEmpty ? nil : text
    case .bad: nil
    }
  }
}
