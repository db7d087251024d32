import Devices
import Events
import Forward
import Logging
import Machine
import Queue
import Stations

/// Writes when the daemon was last alive, watches the clock, and feeds the watchdog with work that was done.
///
/// The watchdog is fed only when the queue answered to a sign of life, and the forwarder and a device's loop have gone
/// round: a daemon that hangs is restarted by the service manager, and its silence becomes a gap. A queue that says why
/// it cannot write does not hang: it opens itself again, and what is in it is sent meanwhile. A single device whose code
/// hangs is started anew, since a restart of the daemon would cost the others their readings.
struct SignsOfLife: Sendable {
  let source: SourceName
  let queue: EventQueue
  let devices: LineDevices
  let forwarder: Forwarder?
  let stations: LineStations
  let supervisor: Supervisor
  let logger: Logger
  /// What the start said of the clock: whatever changed since then is told.
  let clock: ClockWatch
  /// How often; a crash is known to this exactness.
  var every: Duration = .seconds(1)
  /// A device's loop that has not gone round for so long hangs.
  var patience: Duration = .seconds(20)
  /// The forwarder, which waits for a central up to two minutes.
  var forwarderPatience: Duration = .seconds(150)

  /// Runs until the task is cancelled.
  func run() async {
    await withDiscardingTaskGroup { group in
      let standstills = Standstills()
      group.addTask { await standstills.watch() }
      await run(standstills)
      group.cancelAll()
    }
  }

  private func run(_ standstills: Standstills) async {
    var clock = clock
    var life = LifeWatch(queue.status.incarnation)
    var progress = Progress(patience: patience)
    var forwarding = Progress(patience: forwarderPatience)
    var failing = false
    while !Task.isCancelled {
      let moment = Moment.now()
      do {
        try await queue.beat(at: moment.time)
        try await tellNews(&life, &clock, standstills, at: moment)
        await stations.tellShed(at: moment, hasRoom: !queue.status.isThinning)
        failing = false
      } catch {
        // What is full says so itself, and no restart would help it.
        if case Refusal.full? = error as? Refusal {
          failing = false
        } else {
          if !failing { logger.error("writing a sign of life: \(error)") }
          failing = true
        }
      }
      let newlyHanging = progress.look(at: devices.status.map { ($0.name, $0.beats) }, moment: .now())
      await replace(newlyHanging, &progress)
      for _ in forwarding.look(at: forwarder.map { [("forwarder", $0.status.beats)] } ?? [], moment: .now()) {
        logger.critical("the forwarder hangs since \(forwarderPatience): the service manager will restart the daemon")
      }
      let allHang = !progress.standing.isEmpty && progress.standing.count == devices.status.count
      if !allHang, forwarding.standing.isEmpty { supervisor.alive() }
      try? await Task.sleep(for: every)
    }
  }
}

extension SignsOfLife {
  /// Starts devices anew that hang; those that cannot be are tried again with the next look.
  private func replace(_ newlyHanging: [String], _ progress: inout Progress) async {
    guard !progress.standing.isEmpty else { return }
    let cycles = await stations.lastCycles
    for name in progress.standing.sorted() {
      let reason = "its code hung for \(patience) and was given up"
      if await devices.replace(name, because: reason, lastCycles: cycles) {
        progress.forget(name)
        logger.error("device \(name) has not gone round its loop for \(patience): it is given up and started anew")
      } else if newlyHanging.contains(name) {
        logger.critical("device \(name) hangs, and is not started anew: too many threads hang already")
      }
    }
  }

  /// Records what was noticed; what the queue does not take is noticed again.
  private func tellNews(
    _ life: inout LifeWatch, _ clock: inout ClockWatch, _ standstills: Standstills, at moment: Moment
  ) async throws {
    var (seenLife, seenClock) = (life, clock)
    let state = ClockState.now()
    let news = seenLife.look(at: queue.status, queue.opening, now: moment.time, clock: state)
    var events: [Event] = []
    func add(_ data: some EventData) { events.append(Event(data, at: moment, subject: source.description)) }
    if let started = news.started { add(started) }
    for lost in news.lost { add(await queue.gap(of: lost, now: moment.time)) }
    if let change = seenClock.look(at: moment, state: state) { add(change) }
    let stood = standstills.untold
    for gap in stood { add(gap) }
    if !events.isEmpty { _ = try await queue.append { [events] _ in Entry(events: events) } }
    (life, clock) = (seenLife, seenClock)
    standstills.told(stood.count)
    if news.started != nil { await stations.carryOver(into: queue.status.incarnation) }
  }
}

/// Tells whose loops have stood still for too long.
struct Progress {
  let patience: Duration
  private var seen: [String: (beats: UInt64, since: Moment, told: Bool)] = [:]
  private var last: Moment?
  private(set) var standing: Set<String> = []
  /// Who looks so seldom was held up itself (by the disk, or the PC slept), and so may those have been that it looks at.
  private static let longestLook = Duration.seconds(5)

  init(patience: Duration) { self.patience = patience }

  /// Takes the next look; those that hang and were not named before.
  mutating func look(at loops: [(name: String, beats: UInt64)], moment: Moment) -> [String] {
    var hanging: [String] = []
    // A device that the settings do not have any more holds nobody up.
    let names = Set(loops.map(\.name))
    seen = seen.filter { names.contains($0.key) }
    standing.formIntersection(names)
    let wasHeldUp = last.map { $0.passed(until: moment) > Self.longestLook } ?? false
    last = moment
    for loop in loops {
      guard var known = seen[loop.name], known.beats == loop.beats else {
        seen[loop.name] = (loop.beats, moment, false)
        standing.remove(loop.name)
        continue
      }
      if wasHeldUp { known.since = moment }
      defer { seen[loop.name] = known }
      guard known.since.passed(until: moment) > patience else { continue }
      standing.insert(loop.name)
      if !known.told { hanging.append(loop.name) }
      known.told = true
    }
    return hanging
  }

  /// It begins anew.
  mutating func forget(_ name: String) {
    seen[name] = nil
    standing.remove(name)
  }
}

extension Moment {
  /// By the clock that nobody sets.
  fileprivate func passed(until other: Moment) -> Duration {
    .nanoseconds(Int64(other.boottimeNanoseconds) - Int64(boottimeNanoseconds))
  }
}
