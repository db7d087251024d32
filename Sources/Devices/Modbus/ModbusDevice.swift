import Events
import Logging
import Machine

/// A Modbus device on its connection: asks what its map plans, reports what was answered, comes back by itself.
///
/// One actor per connection on a thread of its own, so that a device that never answers holds up nobody else.
actor ModbusDevice {
  nonisolated let board: StatusBoard
  nonisolated private let thread: OwnThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  let name: String
  let map: ModbusMap
  let host: String
  private let lookup: HostLookup
  let port: Int
  let unit: UInt8
  /// The device with its address, as the log names it.
  private let place: String
  let logger: Logger
  let sink: ReportSink
  var presence: Presence
  private var reconnection = Reconnection()
  private var outages = OutageLog()
  private var pending = PendingReports()
  var groups: [GroupWatch]
  private var earliestQuestion = ContinuousClock.now
  /// Ends the loop's waits: a readout was asked for, or the daemon stops.
  nonisolated private let bell: Bell
  nonisolated private let orders: ReadoutOrders
  private var readout: (order: ReadoutOrders.Order, round: ReadoutRound)?

  init(
    name: String, station: String, map: ModbusMap, host: String, port: Int, unit: UInt8,
    lastCycles: [CycleKey: UInt64], logger: Logger, sink: @escaping ReportSink
  ) {
    self.name = name
    self.map = map
    self.host = host
    lookup = HostLookup(host)
    self.port = port
    self.unit = unit
    self.sink = sink
    self.logger = logger
    thread = OwnThread(name: name)
    bell = Bell()
    orders = ReadoutOrders(bell: bell)
    presence = Presence(device: name, started: Moment.now().time)
    let address = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    board = StatusBoard(
      DeviceStatus(name: name, station: station, kind: "modbus", address: "\(address) unit \(unit)"))
    place = "\(name) (\(address) unit \(unit))"
    let now = ContinuousClock.now
    groups = map.groups.map { group in
      GroupWatch(group, map.plan, last: lastCycles[CycleKey(device: name, group: group.name)], now: now)
    }
  }

  /// Connects and asks until the task is cancelled.
  func run() async {
    await withTaskCancellationHandler {
      await work()
    } onCancel: {
      bell.ring()
    }
  }

  private func work() async {
    presence = Presence(device: name, started: Moment.now().time)
    orders.open()
    defer { orders.close { _ in failure("the daemon stops") } }
    while !Task.isCancelled {
      beat()
      let begun = ContinuousClock.now
      do throws(LineFault) {
        var link = try ModbusLink.connected(to: lookup, port: port, timeout: map.requests.timeout)
        logger.debug("\(place): connected")
        try await serve(&link)
      } catch {
        guard error != .stopped else { break }
        await lost(error)
        await sleep(for: pause(since: begun))
      }
    }
    for place in groups.indices { await tellOverrun(groups[place].overrun.interrupted(), of: groups[place].group) }
    await tellAlarmsStopped()
    await tell(presence.stopped(at: .now()))
  }

  private func pause(since begun: ContinuousClock.Instant) -> Duration {
    reconnection.failed(random: Double.random(in: 0..<1), tried: ContinuousClock.now - begun)
  }

  /// Does what is due, in the order in which it is due, until the line breaks.
  private func serve(_ link: inout ModbusLink) async throws(LineFault) {
    let start = ContinuousClock.now
    for place in groups.indices { groups[place].cadence.restart(at: start) }
    while true {
      guard let place = groups.indices.min(by: { groups[$0].cadence.due < groups[$1].cadence.due }) else { return }
      try await readOut(until: groups[place].cadence.due, over: &link)
      await sleep(until: groups[place].cadence.due)
      if Task.isCancelled { throw .stopped }
      guard ContinuousClock.now >= groups[place].cadence.due else { continue }
      beat()
      let missed = groups[place].cadence.take(at: ContinuousClock.now)
      let begun = Moment.now().time
      if groups[place].cycle == nil {
        try await poll(place, over: &link)
      } else {
        try await watch(place, over: &link)
      }
      if missed > 0 { board.update { $0.missedPolls += missed } }
      if groups[place].tellsMissedPolls {
        await tellOverrun(groups[place].overrun.polled(at: begun, missed: missed), of: groups[place].group)
      }
      await flush()
    }
  }

  /// Asks one question; a refusal is an answer, a fault ends the connection.
  func ask(_ question: Question, over link: inout ModbusLink) async throws(LineFault) -> (Answer, Moment) {
    if map.requests.pause > .zero { await sleep(until: earliestQuestion) }
    let answer = try link.ask(question, unit: unit, timeout: map.requests.timeout)
    let moment = Moment.now()
    if map.requests.pause > .zero { earliestQuestion = ContinuousClock.now + map.requests.pause }
    reconnection.answered()
    await tell(presence.answered(at: moment))
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

  /// Asks a planned request; nil with the reason where the device refuses it.
  func ask(_ request: PlannedRequest, over link: inout ModbusLink) async throws(LineFault) -> Reply {
    let (answer, moment) = try await ask(Question(request), over: &link)
    switch answer {
    case .data(let bytes):
      await tell(presence.gives(request, at: moment))
      return Reply(request: request, moment: moment, bytes: bytes, refusal: nil)
    case .refused(let exception):
      await tell(presence.refuses(request, "\(exception): \(request)", at: moment))
      return Reply(request: request, moment: moment, bytes: [], refusal: exception)
    }
  }

  /// Serves readouts while no poll is due, and one request of them where polls leave no time.
  private func readOut(until due: ContinuousClock.Instant, over link: inout ModbusLink) async throws(LineFault) {
    repeat {
      if readout == nil, let order = orders.take() { readout = (order, ReadoutRound(of: map, only: order.group)) }
      guard case (let order, var round)? = readout else { return }
      if let request = round.next {
        let (answer, moment) = try await ask(Question(request), over: &link)
        round.take(answer, at: moment.time)
        readout = (order, round)
      }
      if round.next == nil {
        readout = nil
        order.done(.success(round.readouts))
      }
    } while ContinuousClock.now < due
  }

  /// Nobody waits longer for a device that is away.
  private func refuseReadouts(_ reason: String) {
    if let open = readout {
      readout = nil
      open.order.done(.failure(failure(reason)))
    }
    while let order = orders.take() { order.done(.failure(failure(reason))) }
  }

  nonisolated private func failure(_ reason: String) -> ReadoutFailure {
    ReadoutFailure(device: name, address: board.current.address, reason: reason)
  }

  /// Reads a group, or all of the map, over the open connection, in its turn between polls.
  nonisolated func readout(group: String?) async throws(ReadoutFailure) -> [TagReadout] {
    let names = map.groups.map(\.name)
    if let group, !names.contains(group) {
      throw failure("its map has no group \"\(group)\"; it has: \(names.joined(separator: ", "))")
    }
    return try await orders.place(device: 0, group: group, closed: failure("the daemon stops")).get()
  }

  /// The line broke: says so once, and that no value is known any more.
  private func lost(_ fault: LineFault) async {
    refuseReadouts(fault.description)
    let moment = Moment.now()
    let reason = fault.description
    board.update { $0.faults[fault.kind, default: 0] += 1 }
    let isNew = presence.state != .offline || presence.reason != reason
    let wasOffline = presence.state == .offline
    let reports = presence.failed(reason, at: moment)
    if isNew, let also = outages.tellsOutage(isFirst: !wasOffline) {
      logger.warning("\(place): \(reason); trying again, for ever\(also)")
    }
    for place in groups.indices {
      await tellOverrun(groups[place].overrun.interrupted(), of: groups[place].group)
      groups[place].cycle?.trigger.disconnected()
    }
    await tell(reports)
    board.update { $0.reason = reason }
    if !wasOffline { await reportUnknown(reason, at: moment) }
    await flush()
  }

  // MARK: What is said

  /// Takes reports that must not be lost; they go out in their order as soon as they are taken.
  func tell(_ reports: [Report]) async {
    guard !reports.isEmpty else { return }
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
    await flush()
  }

  /// Sends what waits, up to the first report that is refused; the next round tries again.
  private func flush() async {
    while let report = pending.first {
      guard case .accepted = await sink(report) else { return }
      pending.removeFirst()
    }
  }

  private func tellOverrun(_ missed: Overrun.Missed?, of group: ModbusGroup) async {
    guard let missed else { return }
    await tell([
      .hole(
        Hole(
          device: name, group: group.name, moment: Moment.now(), kind: .missedPolls, from: missed.from, to: missed.to,
          count: missed.count, reason: "reading took longer than the \(group.every.short) between two polls"))
    ])
  }

  private func beat() { board.update { $0.beats &+= 1 } }

  /// How long the loop may be without a beat: who only waits for its turn does not hang.
  static let longestSilence: Duration = .seconds(2)

  /// Blocks the thread, which has nothing else to do; it ends early where a readout or the end of the daemon waits.
  private func sleep(until instant: ContinuousClock.Instant) async {
    while case let left = instant - ContinuousClock.now, left > .zero, !Task.isCancelled {
      beat()
      if bell.wait(for: min(left, Self.longestSilence)) { return }
    }
  }

  private func sleep(for duration: Duration) async { await sleep(until: ContinuousClock.now + duration) }
}

/// What a device said to a planned request.
struct Reply: Sendable {
  let request: PlannedRequest
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
