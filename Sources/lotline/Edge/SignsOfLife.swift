import Devices
import Events
import Logging
import Machine
import Queue
import Stations

/// Writes when the daemon was last alive, watches the clock, and feeds the watchdog with work that was done.
///
/// The watchdog is fed only when the queue committed a sign of life and every device's loop has gone
/// round since: a daemon that hangs is restarted by the service manager, and its silence becomes a gap.
struct SignsOfLife: Sendable {
  let source: SourceName
  let queue: EventQueue
  let devices: @Sendable () -> [DeviceStatus]
  let stations: LineStations
  let supervisor: Supervisor
  let logger: Logger
  /// How often; a crash is known to this exactness.
  var every: Duration = .seconds(1)
  /// A device's loop that has not gone round for so long hangs.
  var patience: Duration = .seconds(20)

  /// Runs until the task is cancelled.
  func run() async {
    var clock = ClockWatch(at: .now(), state: .now())
    var life = LifeWatch(queue.status.incarnation)
    var progress = Progress(patience: patience)
    var failing = false
    while !Task.isCancelled {
      let moment = Moment.now()
      do {
        try await queue.beat(at: moment.time)
        try await tellNews(&life, &clock, at: moment)
        await stations.tellShed(at: moment, hasRoom: !queue.status.isThinning)
        failing = false
      } catch {
        // What is full says so itself.
        if case Refusal.full? = error as? Refusal {
        } else if !failing {
          logger.error("writing a sign of life: \(error)")
        }
        failing = true
      }
      let newlyHanging = progress.look(at: devices(), moment: moment)
      if !failing, progress.standing.isEmpty { supervisor.alive() }
      for name in newlyHanging { logger.error("device \(name) has not gone round its loop for \(patience): it hangs") }
      try? await Task.sleep(for: every)
    }
  }
}

extension SignsOfLife {
  /// Records what was noticed; what the queue does not take is noticed again.
  private func tellNews(_ life: inout LifeWatch, _ clock: inout ClockWatch, at moment: Moment) async throws {
    var (seenLife, seenClock) = (life, clock)
    let news = seenLife.look(at: queue.status, queue.opening, now: moment.time)
    var events: [Event] = []
    func add(_ data: some EventData) { events.append(Event(data, at: moment, subject: source.description)) }
    if let started = news.started { add(started) }
    for lost in news.lost { add(await queue.gap(of: lost, now: moment.time)) }
    if let change = seenClock.look(at: moment, state: .now()) { add(change) }
    if !events.isEmpty { _ = try await queue.append { [events] _ in Entry(events: events) } }
    (life, clock) = (seenLife, seenClock)
    if news.started != nil { await stations.carryOver(into: queue.status.incarnation) }
  }
}

/// Tells which devices' loops have stood still for too long.
struct Progress {
  let patience: Duration
  private var seen: [String: (beats: UInt64, since: Moment, told: Bool)] = [:]
  private(set) var standing: Set<String> = []

  init(patience: Duration) { self.patience = patience }

  /// Takes the next look; the devices that hang and were not named before.
  mutating func look(at devices: [DeviceStatus], moment: Moment) -> [String] {
    var hanging: [String] = []
    // A device that the settings do not have any more holds nobody up.
    let names = Set(devices.map(\.name))
    seen = seen.filter { names.contains($0.key) }
    standing.formIntersection(names)
    for device in devices {
      guard var known = seen[device.name], known.beats == device.beats else {
        seen[device.name] = (device.beats, moment, false)
        standing.remove(device.name)
        continue
      }
      let stood = Duration.nanoseconds(Int64(moment.boottimeNanoseconds) - Int64(known.since.boottimeNanoseconds))
      guard stood > patience else { continue }
      standing.insert(device.name)
      if !known.told { hanging.append(device.name) }
      known.told = true
      seen[device.name] = known
    }
    return hanging
  }
}
