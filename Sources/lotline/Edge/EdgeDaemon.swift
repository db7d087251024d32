import Devices
import Events
import Forward
import Logging
import Machine
import Queue
import ServiceLifecycle
import Stations
import UnixSignals
import Web

/// `lotline edge run`: the way of the data, put together in its order.
///
/// Promise: the daemon says that it is ready after its queue is open, verified and writable and its listeners were
/// tried; and no fault of a device, the central, the network or a listener ends it.
struct EdgeDaemon {
  /// Where the settings were read, and are read again.
  let path: String
  let plan: StartPlan
  /// Where its own small files are.
  let stateFolder: String
  let environment: [String: String]
  let logger: Logger

  private let started = Moment.now().time

  private var settings: EdgeSettings { plan.settings }

  init(path: String, plan: StartPlan, stateFolder: String, environment: [String: String], logger: Logger) {
    (self.path, self.plan, self.stateFolder) = (path, plan, stateFolder)
    (self.environment, self.logger) = (environment, logger)
  }

  /// Runs until SIGTERM or SIGINT, then stops in order: devices, pages, a last sending, the queue.
  func run() async throws {
    try ProcessLimits.capDescriptors(at: 1024)
    SQLiteCounting.stop()
    // From here on a hang-up asks for other settings and ends nothing.
    let hangups = await UnixSignalsSequence(trapping: .sighup)
    let supervisor = Supervisor(environment: environment)
    if let warning = plan.warning { logger.error("\(warning)") }
    if let safeMode = plan.safeMode { say(safeMode) }

    let queue = try await supervisor.extending("opening the queue \(settings.queue.path)") { [settings, logger] in
      try await EventQueue.open(settings.queueSettings, source: settings.source, logger: logger)
    }
    let kept = try await queue.state(prefix: "")
    let start = Start(
      source: settings.source, moment: .now(), clock: .now(), opening: queue.opening, files: settings.files, kept: kept)
    let isRecorded = await record(start.entry(), in: queue)

    let stations = LineStations(
      settings.stations, routing: Routing(settings.devices), state: kept, append: queue.append,
      offer: queue.offer, logger: logger)
    let devices = LineDevices(
      settings.devices, lastCycles: LineStations.lastCycles(from: kept), logger: logger,
      sink: { await stations.take($0) }, readings: { stations.offer($0, $1) })
    let forwarder = settings.central.map { central in
      Forwarder(queue: queue, settings: central.forward, source: settings.source, logger: logger)
    }
    let life = SignsOfLife(
      source: settings.source, queue: queue, devices: devices, forwarder: forwarder, stations: stations,
      supervisor: supervisor, logger: logger, clock: ClockWatch(at: start.moment, state: start.clock))
    let reload = SettingsReload(
      path: path, plan: plan, queue: queue, devices: devices, stations: stations, supervisor: supervisor,
      logger: logger)
    let listeners = Listeners(settings, environment: environment)

    var services: [any Service] = []
    if let forwarder { services.append(LastSending(forwarder)) }
    services += self.listeners(listeners, queue, stations, devices, forwarder, reload)
    services.append(
      Work("capture") {
        if !isRecorded { await record(start.entry(), in: queue, whenPossible: supervisor) }
        await stations.carryOver(into: queue.status.incarnation)
        async let signs: Void = life.run()
        await devices.run()
        await signs
      })
    let good = GoodWatch(
      folder: stateFolder, path: path, queue: queue, settings: { reload.current }, logger: logger)
    services.append(Work("good settings") { await good.run() })
    services.append(
      Work("settings") {
        await sayReady(after: listeners, queue, supervisor)
        async let told: Void = reload.tellSafeMode()
        await reload.run(hangups: hangups)
        await told
      })
    let alarm = Alarm(
      settings: { reload.current.alarm },
      capture: { Capture(queue: queue.status, devices: devices.status, forward: forwarder?.status) },
      devices: devices, logger: logger)
    services.append(Work("alarm") { await alarm.run() })
    try await runTogether(services, logger: logger)

    supervisor.stopping()
    await stations.tellShed(at: .now(), hasRoom: !queue.status.isThinning)
    let stopped = Event(StoppedData(why: "told to stop"), at: .now(), subject: settings.source.description)
    _ = try? await queue.append { _ in Entry(events: [stopped]) }
    if let forwarder { await forwarder.drain(within: .seconds(1)) }
    await queue.close()
  }

  private func say(_ safeMode: SafeMode) {
    for problem in safeMode.problems.prefix(20) { logger.error("\(problem)") }
    logger.critical("safe mode: \(safeMode.why). Set the files right, then: lotline reload")
  }

  /// Records the start; false, with the reason in the log, where the queue does not take it.
  private func record(_ entry: Entry, in queue: EventQueue) async -> Bool {
    do throws(Refusal) {
      _ = try await queue.append { _ in entry }
      return true
    } catch {
      logger.error("not capturing yet: \(error)")
      return false
    }
  }

  /// Records the start as soon as the queue takes it: a full one does once the central has taken its events.
  ///
  /// Nothing else is written before, so that the time in which nothing was read is known also after one more crash.
  private func record(_ entry: Entry, in queue: EventQueue, whenPossible supervisor: Supervisor) async {
    while !Task.isCancelled {
      do throws(Refusal) {
        _ = try await queue.append { _ in entry }
        logger.notice("capturing for \(settings.source)")
        supervisor.status("capturing for \(settings.source)")
        return
      } catch {
        supervisor.alive()
        try? await Task.sleep(for: .seconds(1))
      }
    }
  }

  /// Says that the service has started, once every listener was tried.
  private func sayReady(after listeners: Listeners, _ queue: EventQueue, _ supervisor: Supervisor) async {
    await listeners.waitUntilTried()
    guard !Task.isCancelled else { return }
    supervisor.ready(
      status: queue.status.accepts
        ? "capturing for \(settings.source)\(plan.safeMode == nil ? "" : ", in safe mode: the log says why")"
        : "not capturing yet: the log says why")
  }

  private func listeners(
    _ listeners: Listeners, _ queue: EventQueue, _ stations: LineStations, _ devices: LineDevices,
    _ forwarder: Forwarder?, _ reload: SettingsReload
  ) -> [any Service] {
    let listener = settings.web.listener
    let path = settings.controlSocket(environment: environment)
    @Sendable func site(_ token: BearerToken?) -> EdgeSite {
      EdgeSite(
        source: settings.source, version: Lotline.version, queue: queue, token: token,
        devices: { devices.status }, readout: { try await devices.readout(of: $0, group: $1) },
        recording: { try devices.recording(of: $0) },
        contexts: { await stations.contexts.map { $0.stamp } }, forward: Self.status(of: forwarder),
        listeners: { listeners.status }, settings: { reload.status }, started: started, logger: logger)
    }
    return [
      LastingListener(board: listeners.page, setting: "web.listen", logger: logger) { onRunning in
        let token = try settings.web.tokenFile.map { try BearerToken(file: $0) }
        return try site(token).application(listener) { onRunning(listener.url(port: $0)) }
      } onTried: {
        listeners.tried.yield("page")
      },
      LastingListener(board: listeners.control, setting: "control.socket", logger: logger) { onRunning in
        EdgeControl(site(nil), reload: { await reload.ask() }).application(path: path, logger: logger) {
          onRunning(path)
        }
      } onTried: {
        listeners.tried.yield("control")
      },
    ]
  }

  private static func status(of forwarder: Forwarder?) -> (@Sendable () -> ForwardStatus)? {
    guard let forwarder else { return nil }
    return { forwarder.status }
  }
}

/// The listeners of a line PC: its page for people and pullers, its control socket for the commands.
private struct Listeners: Sendable {
  let page: ListenerBoard
  let control: ListenerBoard
  private let outcomes: AsyncStream<String>
  let tried: AsyncStream<String>.Continuation

  init(_ settings: EdgeSettings, environment: [String: String]) {
    let listener = settings.web.listener
    page = ListenerBoard(name: "page", place: listener.url(port: listener.port))
    control = ListenerBoard(name: "control socket", place: settings.controlSocket(environment: environment))
    (outcomes, tried) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(64))
  }

  var status: [ListenerStatus] { [page.status, control.status] }

  /// Returns once each has listened or failed, or the task is cancelled.
  func waitUntilTried() async {
    var left: Set<String> = ["page", "control"]
    for await name in outcomes {
      left.remove(name)
      if left.isEmpty { return }
    }
  }
}

extension EdgeSettings {
  var queueSettings: QueueSettings {
    var queue = QueueSettings(path: self.queue.path)
    queue.limitBytes = self.queue.limitBytes
    queue.keep = self.queue.keep
    return queue
  }
}

extension PeerSettings {
  var forward: ForwardSettings {
    ForwardSettings(url: url, tokenFile: tokenFile, caFile: caFile, compresses: compresses)
  }
}

extension WebSettings {
  var listener: WebListener {
    WebListener(host: listen.host, port: listen.port, certificateFile: certificateFile, keyFile: keyFile)
  }
}

extension StationContext {
  /// As the page and the status show it.
  var stamp: Stamp {
    Stamp(
      station: station,
      fields: fields.map { Stamp.Field(name: $0.name, value: $0.value, by: $0.by.map { .event($0) }) })
  }
}
