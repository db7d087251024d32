internal import Events
internal import Logging
internal import Machine
private import NIOConcurrencyHelpers

/// One connection or serial line with all devices on it: one request at a time, fair between them.
///
/// It has a thread of its own, so that a device that never answers holds up no other bus. What a device does wrong costs
/// the others on its bus the time limit of its few questions (`Breaker`), and on TCP a new connection: what came late on
/// the old one must never be taken for an answer. At a gateway closing costs the neighbours one handshake, and ends the
/// wait for the dead unit in the gateway too. On a serial line a late answer of another unit is known by its unit and
/// left out; the unit itself is left alone for one more time limit.
actor ModbusBus {
  nonisolated let place: ModbusPlace
  nonisolated let tap = TapPoint()
  nonisolated private let thread: OwnThread
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  /// Ends the loop's waits.
  nonisolated private let bell: Bell
  nonisolated private let desk: BusDesk
  /// Devices that hold it.
  nonisolated private let members = NIOLockedValueBox(0)
  nonisolated private let givenUp = NIOLockedValueBox(false)
  private let dialer: Dialer
  private let logger: Logger
  private var seats: [Seat] = []
  private var readouts: [(order: BusDesk.Order, round: ReadoutRound)] = []
  /// Of connecting; each device has its own of what comes then.
  private var reconnection: Reconnection
  private var notBefore = ContinuousClock.now
  private var departed: [(id: ObjectIdentifier, ended: CheckedContinuation<Void, Never>)] = []
  private var last = TurnChoice.Last()
  private var beaten = ContinuousClock.now

  private struct Seat {
    let member: BusMember
    let device: ModbusDevice
    let ended: CheckedContinuation<Void, Never>
  }

  /// How long the loop may be without a beat: who only waits for its turn does not hang.
  static let longestSilence: Duration = .seconds(2)

  /// Opens nothing yet; `name` is the thread's.
  init(_ place: ModbusPlace, name: String, logger: Logger) {
    self.place = place
    self.logger = logger
    dialer = Dialer(place, tap: tap)
    thread = OwnThread(name: name)
    bell = Bell()
    desk = BusDesk(bell: bell)
    reconnection = Reconnection(longest: place.isSerial ? .seconds(2) : Reconnection.longest)
  }

  nonisolated var memberCount: Int { members.withLockedValue { $0 } }

  /// Its thread hangs: no device that begins from now on may be put on it.
  nonisolated func giveUp() { givenUp.withLockedValue { $0 = true } }
  nonisolated var isGivenUp: Bool { givenUp.withLockedValue { $0 } }

  /// A device holds it from now on, or with -1 no more.
  nonisolated func count(_ change: Int) { members.withLockedValue { $0 += change } }

  /// Has a device take part until the task is cancelled.
  nonisolated func attend(_ member: BusMember) async { await desk.attend(member) { await self.work() } }

  /// Has the loop look again for what is to be done.
  nonisolated func wake() { bell.ring() }

  /// A live read of a device that takes part.
  nonisolated func readout(of member: BusMember, group: String?) async -> BusDesk.Outcome {
    await desk.order(member, group: group)
  }

  // MARK: The loop

  private func work() async {
    while await takeNews(), !Task.isCancelled {
      let now = ContinuousClock.now
      let choice = choice(at: now)
      guard choice.turn != nil || !readouts.isEmpty, now >= notBefore else {
        refuseReadouts { _ in true }
        sleep(until: max(notBefore, choice.turn == nil ? choice.next ?? now + Self.longestSilence : now))
        continue
      }
      beat()
      do throws(LineFault) {
        var link = try dialer.connect(timeout: seats.map(\.device.map.requests.timeout).max() ?? .seconds(1))
        logger.debug("\(place): connected")
        tap.take(.note("connected"))
        reconnection.answered()
        link.rest(for: seats.map(\.device.map.requests.pauseAfterConnect).max() ?? .zero)
        for seat in seats { seat.device.connected() }
        try await serve(over: &link, since: ContinuousClock.now)
      } catch {
        guard error != .stopped else { continue }
        tap.take(.note(error.description))
        for seat in seats { await seat.device.lost(error) }
        refuseReadouts { _ in true }
        notBefore =
          ContinuousClock.now
          + reconnection.failed(random: Double.random(in: 0..<1), tried: ContinuousClock.now - now)
      }
    }
    letGo()
    desk.loopEnded { await self.work() }
  }

  /// Has one after the other ask, until the link has to be closed or nobody is left.
  private func serve(over link: inout ModbusLink, since begun: ContinuousClock.Instant) async throws(LineFault) {
    while link.isSound, await takeNews() {
      if Task.isCancelled { throw .stopped }
      let now = ContinuousClock.now
      if link.earliest > now, link.earliest - now > .milliseconds(20) {
        // Who is the most urgent after a long pause is seen after it.
        sleep(until: link.earliest)
        continue
      }
      let choice = choice(at: now)
      if let turn = choice.turn {
        last = choice.taken
        beat()
        let device = seats[turn.device].device
        do throws(LineFault) { try await device.take(turn, over: &link) } catch {
          try await failed(device, error, on: link.framing, since: begun)
        }
        guard link.isSound else { return }
      }
      if !readouts.isEmpty {
        try await readOut(over: &link, since: begun)
      } else if choice.turn == nil {
        sleep(until: choice.next ?? now + Self.longestSilence)
      }
    }
  }

  private func choice(at now: ContinuousClock.Instant) -> TurnChoice {
    var choice = TurnChoice(at: now, after: last)
    for place in seats.indices { seats[place].device.offer(to: &choice, as: place, at: now) }
    return choice
  }

  /// A device's own exchange failed: the others have no part in it.
  private func failed(
    _ device: ModbusDevice, _ fault: LineFault, on framing: ModbusFraming, since begun: ContinuousClock.Instant
  ) async throws(LineFault) {
    guard fault != .stopped else {
      device.broken()
      throw fault
    }
    tap.take(.note(fault.description))
    var rested = Duration.zero
    if framing == .rtu, case .timeout(let limit, _) = fault { rested = limit }
    await device.failed(fault, tried: ContinuousClock.now - begun, rested: rested)
    refuseReadouts { $0.device === device }
  }

  // MARK: Live reads

  /// Asks one request of the live read that came first.
  private func readOut(over link: inout ModbusLink, since begun: ContinuousClock.Instant) async throws(LineFault) {
    guard let (order, _) = readouts.first, let seat = seats.first(where: { $0.member === order.member }) else {
      if !readouts.isEmpty { readouts.removeFirst().order.refuse("it was stopped") }
      return
    }
    if let request = readouts[0].round.next {
      do throws(LineFault) {
        let (answer, moment) = try seat.device.ask(Question(request), over: &link)
        readouts[0].round.take(answer, at: moment.time)
        await seat.device.flush()
      } catch {
        try await failed(seat.device, error, on: link.framing, since: begun)
        return
      }
    }
    if readouts[0].round.next == nil {
      let (order, round) = readouts.removeFirst()
      order.done(.success(round.readouts))
    }
  }

  /// Nobody waits longer for a device that is away.
  private func refuseReadouts(_ isMeant: (Seat) -> Bool) {
    readouts.removeAll { order, _ in
      guard let seat = seats.first(where: { $0.member === order.member }) else {
        order.refuse("it does not run")
        return true
      }
      guard seat.device.isAway, isMeant(seat) else { return false }
      order.refuse(seat.device.presence.reason ?? "it is away")
      return true
    }
  }

  // MARK: Coming and going

  /// Lets in and out who wants to; false when nobody is left.
  private func takeNews() async -> Bool {
    guard let news = desk.take() else { return !seats.isEmpty }
    for join in news.joins {
      let device = ModbusDevice(join.member, at: place)
      seats.append(Seat(member: join.member, device: device, ended: join.ended))
    }
    for id in news.leaves {
      guard let index = seats.firstIndex(where: { ObjectIdentifier($0.member) == id }) else {
        desk.ended(id, hasJoined: false)
        continue
      }
      let seat = seats.remove(at: index)
      last = TurnChoice.Last()
      await seat.device.stopped(seat.member.ending.withLockedValue { $0 })
      readouts.removeAll { order, _ in
        guard order.member === seat.member else { return false }
        order.refuse("it is being stopped")
        return true
      }
      departed.append((id, seat.ended))
    }
    if !seats.isEmpty { letGo() }
    for order in news.orders { readouts.append((order, ReadoutRound(of: order.member.map, only: order.group))) }
    if !news.orders.isEmpty { refuseReadouts { _ in true } }
    return !seats.isEmpty
  }

  /// Those that have left are told that they have ended; the last ones once the connection is closed, since a device may
  /// allow only one and be started again at once.
  private func letGo() {
    for (id, ended) in departed {
      desk.ended(id, hasJoined: true)
      ended.resume()
    }
    departed = []
  }

  private func beat() {
    let now = ContinuousClock.now
    guard now - beaten >= .milliseconds(500) || seats.count == 1 else { return }
    beaten = now
    for seat in seats { seat.member.board.update { $0.beats &+= 1 } }
  }

  /// Blocks the thread, which has nothing else to do; it ends early where somebody comes, goes or asks.
  private func sleep(until instant: ContinuousClock.Instant) {
    while case let left = instant - ContinuousClock.now, left > .zero, !Task.isCancelled {
      beat()
      if bell.wait(for: min(left, Self.longestSilence)) { return }
    }
  }
}
