import Events
import Logging
import Machine

/// A Modbus device on its bus: what it is asked, what is reported of the answers, and whether it is there.
///
/// It belongs to its bus, on whose actor all of it runs; it says whether it wants to ask (`offer`), and asks when it is
/// its turn (`take`).
final class ModbusDevice {
  let name: String
  let map: ModbusMap
  let unit: UInt8
  let board: StatusBoard
  let logger: Logger
  let readings: ReadingSink?
  let sink: ReportSink
  var presence: Presence
  var groups: [GroupWatch]
  var refusals: Refusals
  /// Blocks of cycles that are being read, by the place of their group; nearly always none.
  var blocks: [Int: BlockReading] = [:]
  /// What the device was found not to have between its tags, told once.
  var toldHoles: Set<AddressRange> = []
  private var lamp: Lamp?
  private let lampSwitch: LampSwitch?
  private var breaker = Breaker()
  private var outages = OutageLog()
  private var pending = PendingReports()
  /// The device with its address, as the log names it.
  private let place: String
  /// What it is asked to see whether it is there: the smallest of all that its map plans to read at a rate.
  private let probe: PlannedRequest?
  /// Its rhythm begins anew: what lies before is another matter than missed polls.
  private var isBeginning = true

  init(_ member: BusMember, at place: ModbusPlace) {
    name = member.name
    map = member.map
    unit = member.unit
    board = member.board
    logger = member.logger
    readings = member.readings
    sink = member.sink
    (lamp, lampSwitch) = (member.lamp?.coil, member.lamp?.wish)
    presence = Presence(device: member.name, started: Moment.now().time)
    refusals = Refusals(device: member.name)
    self.place = "\(member.name) (\(place) unit \(member.unit))"
    let now = ContinuousClock.now
    groups = member.map.groups.map { group in
      let key = CycleKey(device: member.name, group: group.name)
      return GroupWatch(group, member.map.plan, last: member.lastCycles[key], now: now)
    }
    probe = groups.flatMap(\.polls).min { $0.count < $1.count }
  }

  /// It gave no answer when it was last asked.
  var isAway: Bool { presence.state == .offline }

  // MARK: Turns

  /// Says what it wants to ask, and from when on.
  func offer(to choice: inout TurnChoice, as device: Int, at now: ContinuousClock.Instant) {
    if let notBefore = breaker.notBefore {
      guard notBefore <= now else { return choice.wait(until: notBefore) }
      if breaker.isOpen {
        let turn = TurnChoice.Turn(device: device, group: nil)
        return choice.offer(turn, ready: notBefore, deadline: notBefore + .seconds(1))
      }
    }
    if let lamp, let due = lamp.due(lampSwitch?.wanted, at: now) {
      choice.offer(TurnChoice.Turn(device: device, group: nil, isLamp: true), ready: due, deadline: due + .seconds(1))
    }
    if isBeginning {
      isBeginning = false
      for place in groups.indices {
        groups[place].cadence.restart(at: now, phase: Double.random(in: 0..<1))
      }
    }
    for place in groups.indices {
      let turn = TurnChoice.Turn(device: device, group: place)
      if let round = groups[place].round {
        choice.offer(turn, ready: round.ready, deadline: round.deadline)
      } else if !blocks.isEmpty, blocks[place] != nil {
        choice.offer(turn, ready: now, deadline: groups[place].cadence.due)
      } else {
        let due = groups[place].cadence.due
        choice.offer(turn, ready: due, deadline: due + groups[place].group.every)
      }
    }
  }

  /// It is its turn: asks one request, or does what a cycle asks for.
  func take(_ turn: TurnChoice.Turn, over link: inout ModbusLink) async throws(LineFault) {
    if turn.isLamp {
      try turnLamp(over: &link)
      return await flush()
    }
    guard let place = turn.group else {
      guard let probe else { return }
      isBeginning = true
      _ = try ask(probe, over: &link)
      return await flush()
    }
    guard groups[place].cycle != nil else {
      let isOver = try poll(place, over: &link)
      if isBehind { await flush() }
      if isOver, let unkept = finish(place) { await keep(unkept) }
      if isBehind { await flush() }
      return
    }
    if !blocks.isEmpty, blocks[place] != nil {
      try await readOn(place, over: &link)
      return await flush()
    }
    let begun = Moment.now().time
    let missed = groups[place].cadence.take(at: ContinuousClock.now)
    if let trigger = groups[place].polls.first, refusals.standing(trigger, at: ContinuousClock.now) == nil {
      try await watch(place, over: &link)
    }
    polled(place, begun: begun, missed: missed)
    await flush()
  }

  /// Writes the coil of the lamp.
  private func turnLamp(over link: inout ModbusLink) throws(LineFault) {
    guard let wanted = lampSwitch?.wanted, let write = lamp?.permit.lighting(wanted) else { return }
    let answer: Answer
    do throws(LineFault) { (answer, _) = try ask(.write(write), over: &link) } catch {
      if error != .stopped { lampFailed(error.description) }
      throw error
    }
    switch answer {
    case .data:
      lamp?.wrote(wanted)
      lampSwitch?.note(shown: wanted)
    case .refused(let exception): lampFailed(exception.description)
    }
  }

  private func lampFailed(_ why: String) {
    lampSwitch?.note(shown: nil)
    guard lamp?.failed(why, at: ContinuousClock.now, random: Double.random(in: 0..<1)) == true else { return }
    logger.error("\(place): the lamp of the line cannot be switched: \(why); tried again, for ever")
  }

  /// A poll is over: tells of those that had to be left out before it.
  func polled(_ place: Int, begun: Timestamp, missed: UInt64) {
    if missed > 0 { board.update { $0.missedPolls += missed } }
    guard groups[place].tellsMissedPolls else { return }
    tellOverrun(groups[place].overrun.polled(at: begun, missed: missed), of: groups[place].group)
  }

  /// Asks one question; a refusal is an answer, a fault ends the exchange.
  func ask(_ question: Question, over link: inout ModbusLink) throws(LineFault) -> (Answer, Moment) {
    let limits = map.requests
    let answer = try link.ask(question, unit: unit, timeout: limits.timeout, rested: limits.pause)
    let moment = Moment.now()
    if case .refused(let exception) = answer, exception.isGateway { throw .gateway(exception) }
    breaker.answered()
    tell(presence.answered(at: moment))
    board.update { status in
      if case .refused(let exception) = answer {
        status.faults["exception-\(exception.code)", default: 0] += 1
      } else {
        status.good += 1
        status.lastGood = moment.time
      }
    }
    return (answer, moment)
  }

  /// Asks a planned request; without data, and with the reason, where the device refuses it.
  ///
  /// - Parameter isSearch: that it has not the addresses is the asker's to tell.
  func ask(
    _ request: PlannedRequest, over link: inout ModbusLink, of group: String? = nil, isSearch: Bool = false
  ) throws(LineFault) -> Reply {
    let asked = Moment.now()
    let (answer, moment) = try ask(Question(request), over: &link)
    switch answer {
    case .data(let bytes):
      if presence.isRefusing { tell(presence.gives(request, at: moment)) }
      if !refusals.isEmpty { tell(refusals.given(request, at: moment)) }
      return Reply(request: request, asked: asked, moment: moment, bytes: bytes, refusal: nil)
    case .refused(let exception):
      if !exception.isBusy, !(isSearch && exception.code == 2) {
        tellRefusal(of: request, of: group, exception, at: moment)
      }
      return Reply(request: request, asked: asked, moment: moment, bytes: [], refusal: exception)
    }
  }

  /// The device refuses what a request asks for.
  func tellRefusal(of request: PlannedRequest, of group: String?, _ exception: DeviceException, at moment: Moment) {
    tell(presence.refuses(request, "\(exception): \(request)", at: moment))
    tell(refusals.refused(request, of: group, exception, at: moment, now: ContinuousClock.now))
  }

  // MARK: Coming and going

  /// The bus has a new connection.
  func connected() { if presence.state != .online && presence.state != .refusing { isBeginning = true } }

  /// Its own exchange failed.
  ///
  /// - Parameters:
  ///   - tried: how long ago the connection was made.
  ///   - rested: it is left alone for so long at least.
  func failed(_ fault: LineFault, tried: Duration, rested: Duration) async {
    breaker.failed(at: ContinuousClock.now, random: Double.random(in: 0..<1), tried: tried, rested: rested)
    await lost(fault)
    guard case .gateway(let exception) = fault else { return }
    tell(refusals.troubled(exception, by: nil, at: .now()))
    await flush()
  }

  /// It cannot be asked any more: says so once, and that no value is known any more.
  func lost(_ fault: LineFault) async {
    let moment = Moment.now()
    let reason = fault.description
    board.update { $0.faults[fault.kind, default: 0] += 1 }
    await breakOff(fault)
    let isNew = presence.state != .offline || presence.reason != reason
    let wasOffline = presence.state == .offline
    let reports = presence.failed(reason, at: moment)
    if isNew, let also = outages.tellsOutage(isFirst: !wasOffline) {
      logger.warning("\(place): \(reason); trying again, for ever\(also)")
    }
    isBeginning = true
    lamp?.forget()
    if lamp != nil { lampSwitch?.note(shown: nil) }
    blocks = [:]
    refusals.returned()
    for place in groups.indices {
      tellOverrun(groups[place].overrun.interrupted(), of: groups[place].group)
      groups[place].cycle?.trigger.disconnected()
      groups[place].restored(map.plan)
    }
    tell(reports)
    board.update { $0.reason = reason }
    if !wasOffline { await reportUnknown(reason, at: moment) }
    await flush()
  }

  /// The daemon stops in the middle of its exchange.
  func broken() {
    blocks = [:]
    for place in groups.indices {
      groups[place].round = nil
      groups[place].search = nil
    }
  }

  /// It is not asked any more: says what is to be said up to now.
  func stopped(_ ending: Ending) async {
    for place in groups.indices { tellOverrun(groups[place].overrun.interrupted(), of: groups[place].group) }
    tellAlarmsStopped(ending)
    tell(refusals.stopped(at: .now(), ending))
    tell(presence.stopped(at: .now(), ending))
    await flush()
  }

  // MARK: What is said

  /// Takes reports that must not be lost; they go out in their order with `flush`.
  func tell(_ reports: [Report]) {
    for report in reports {
      pending.add(report)
      if case .state(let change) = report {
        board.update { status in
          status.state = change.state
          status.since = change.moment.time
          status.reason = change.reason
        }
        if change.state == .online, outages.tellsReturn { logger.info("\(place) answers") }
        if change.state == .refusing { logger.warning("\(place): \(change.reason ?? "")") }
      }
    }
  }

  /// Something was told that has not gone out yet: no reading may overtake it.
  var isBehind: Bool { !pending.isEmpty }

  /// Sends what waits, up to the first report that is refused; the next round tries again.
  func flush() async {
    while let report = pending.first {
      guard case .accepted = await sink(report) else { return }
      pending.removeFirst()
    }
  }

  private func tellOverrun(_ missed: Overrun.Missed?, of group: ModbusGroup) {
    guard let missed else { return }
    tell([
      .hole(
        Hole(
          device: name, group: group.name, moment: Moment.now(), kind: .missedPolls, from: missed.from, to: missed.to,
          count: missed.count, reason: "reading took longer than the \(group.every.short) between two polls"))
    ])
  }
}

/// What a device said to a planned request.
struct Reply: Sendable {
  let request: PlannedRequest
  /// When the request was sent.
  let asked: Moment
  /// When the answer arrived.
  let moment: Moment
  let bytes: [UInt8]
  /// Why there is no data.
  let refusal: DeviceException?

  /// Puts what each tag of the request shows at its place of `values`.
  func put(into values: inout [TagValue?], at places: [Int]) {
    request.tags.withUnsafeBufferPointer { tags in
      for index in tags.indices { values[places[index]] = value(of: tags[index]) }
    }
  }

  func value(of tag: ModbusTag) -> TagValue {
    if let refusal { return .bad(reason: refusal.description, raw: []) }
    return tag.value(in: bytes, from: request.address)
  }
}

extension PlannedRequest: CustomStringConvertible {
  public var description: String {
    let what = table.isBits ? "bits" : "registers"
    return "function \(function), \(count) \(what) from \(table.rawValue):\(address)"
  }
}
