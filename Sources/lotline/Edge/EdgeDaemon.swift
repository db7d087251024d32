import Devices
import Events
import Forward
import Foundation
import Logging
import Machine
import Queue
import ServiceLifecycle
import Stations
import Web

/// `lotline edge run`: the way of the data, put together in its order.
///
/// Promise: the daemon says that it is ready after its queue is open, verified and writable; and no fault of a
/// device, the central or the network ends it.
struct EdgeDaemon {
  let settings: EdgeSettings
  let environment: [String: String]
  let logger: Logger

  /// Runs until SIGTERM or SIGINT, then stops in order: devices, pages, a last sending, the queue.
  func run() async throws {
    try ProcessLimits.capDescriptors(at: 1024)
    SQLiteCounting.stop()
    let supervisor = Supervisor(environment: environment)

    let queue = try await EventQueue.open(settings.queueSettings, source: settings.source, logger: logger)
    let kept = try await queue.state(prefix: "")
    let start = Start(
      source: settings.source, moment: .now(), opening: queue.opening, files: settings.files, kept: kept)
    let isRecorded = await record(start.entry(), in: queue)

    let stations = LineStations(
      settings.stations, routing: Routing(settings.devices), state: kept, append: queue.append, logger: logger)
    let devices = LineDevices(
      settings.devices, lastCycles: LineStations.lastCycles(from: kept), logger: logger
    ) { report in await stations.take(report) }
    let forwarder = settings.central.map { central in
      Forwarder(queue: queue, settings: central.forward, source: settings.source, logger: logger)
    }
    let life = SignsOfLife(
      source: settings.source, queue: queue, devices: { devices.status }, supervisor: supervisor, logger: logger)

    var services: [any Service] = []
    if let forwarder { services.append(LastSending(forwarder)) }
    services.append(try page(queue, stations, devices, forwarder))
    services.append(control(queue, stations, devices, forwarder))
    services.append(
      Work("capture") {
        if !isRecorded { await record(start.entry(), in: queue, whenPossible: supervisor) }
        async let signs: Void = life.run()
        await devices.run()
        await signs
      })
    supervisor.ready(status: isRecorded ? "capturing for \(settings.source)" : "not capturing yet: the log says why")
    try await runTogether(services, logger: logger)

    supervisor.stopping()
    let stopped = Event(StoppedData(why: "told to stop"), at: .now(), subject: settings.source.description)
    _ = try? await queue.append { _ in Entry(events: [stopped]) }
    if let forwarder { await forwarder.drain(within: .seconds(1)) }
    await queue.close()
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

  private func page(
    _ queue: EventQueue, _ stations: LineStations, _ devices: LineDevices, _ forwarder: Forwarder?
  ) throws -> any Service {
    let token = try settings.web.tokenFile.map { try BearerToken(file: $0) }
    let listener = settings.web.listener
    let page = try site(queue, stations, devices, forwarder, token: token).application(listener) { port in
      logger.info("the line's page is at \(listener.url(port: port))")
    }
    return Listening(place: listener.url(port: listener.port), setting: "web.listen", service: page)
  }

  private func control(
    _ queue: EventQueue, _ stations: LineStations, _ devices: LineDevices, _ forwarder: Forwarder?
  ) -> any Service {
    let path = settings.controlSocket(environment: environment)
    let control = EdgeControl(site(queue, stations, devices, forwarder, token: nil))
      .application(path: path, logger: logger)
    return Listening(place: path, setting: "control.socket", service: control)
  }

  private func site(
    _ queue: EventQueue, _ stations: LineStations, _ devices: LineDevices, _ forwarder: Forwarder?,
    token: BearerToken?
  ) -> EdgeSite {
    EdgeSite(
      source: settings.source, version: Lotline.version, queue: queue, token: token,
      devices: { devices.status }, contexts: { await stations.contexts.map { $0.stamp } },
      forward: Self.status(of: forwarder), logger: logger)
  }

  private static func status(of forwarder: Forwarder?) -> (@Sendable () -> ForwardStatus)? {
    guard let forwarder else { return nil }
    return { forwarder.status }
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
  var forward: ForwardSettings { ForwardSettings(url: url, tokenFile: tokenFile, caFile: caFile) }
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
