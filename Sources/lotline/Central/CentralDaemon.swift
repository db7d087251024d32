import Events
import Forward
import Foundation
import Logging
import Machine
import ServiceLifecycle
import Store
import Web

/// `lotline central run`: the trace store, what feeds it, and what asks it.
///
/// Promise: it says that it is ready after the store is open, verified and writable and the page can be asked; push and
/// pull go the same way in.
struct CentralDaemon {
  let settings: CentralSettings
  let environment: [String: String]
  let logger: Logger

  /// Runs until SIGTERM or SIGINT.
  func run() async throws {
    SQLiteCounting.stop()
    let supervisor = Supervisor(environment: environment)
    let store = try await TraceStore.open(path: settings.store.sqlite, rules: settings.rules, logger: logger)
    let intake = Intake(
      position: { source, incarnation in
        try await store.position(of: source, incarnation: incarnation, isHeard: false)
      },
      heard: { source in try await store.heard(source) },
      take: { source, batch in try await store.take(batch, from: source) })

    let backups = settings.backup.map { BackupKeeper($0, store: store, logger: logger) }

    var services: [any Service] = [try page(store, backups, supervisor), control(store)]
    if let backups { services.append(Work("backups") { await backups.run() }) }
    for source in settings.sources {
      guard let pull = source.pull else { continue }
      let puller = Puller(source: source.name, settings: pull.forward, intake: intake, logger: logger)
      services.append(Work("pulling from \(source.name)") { await puller.run() })
    }
    services.append(Work("watchdog") { await feedWatchdog(store, supervisor) })
    try await runTogether(services, logger: logger)

    supervisor.stopping()
    try store.close()
  }

  private func page(_ store: TraceStore, _ backups: BackupKeeper?, _ supervisor: Supervisor) throws -> any Service {
    let site = CentralSite(
      store: store,
      sources: try settings.sources.map { source in
        let file = source.pull == nil ? source.tokenFile : nil
        return CentralSite.Source(name: source.name, token: try file.map { try BearerToken(file: $0) })
      },
      readers: try settings.readers.map { try BearerToken(file: $0.tokenFile) }, version: Lotline.version,
      timeZone: TimeZone(identifier: settings.timeZone) ?? .gmt, backups: Self.status(of: backups),
      logger: logger)
    let listener = settings.web.listener
    let page = try site.application(listener) { port in
      logger.info("the central's page is at \(listener.url(port: port))")
      supervisor.ready(status: "serving \(settings.store.sqlite)")
    }
    return Listening(place: listener.url(port: listener.port), setting: "web.listen", service: page)
  }

  private static func status(of backups: BackupKeeper?) -> (@Sendable () -> BackupStatus)? {
    guard let backups else { return nil }
    return { backups.status }
  }

  /// What the commands of this machine ask; the central takes events although it cannot listen here.
  private func control(_ store: TraceStore) -> any Service {
    let path = settings.controlSocket
    return LastingListener(
      board: ListenerBoard(name: "control socket", place: path), setting: "control.socket", logger: logger
    ) { onRunning in
      CentralControl(store: store) { try await store.backUp(to: $0) }
        .application(path: path, logger: logger) { onRunning(path) }
    } onTried: {
    }
  }

  /// Feeds the service manager's watchdog as long as the store answers: one that cannot write is still asked, and a
  /// restart would give it no room.
  private func feedWatchdog(_ store: TraceStore, _ supervisor: Supervisor) async {
    var wasWritable = true
    while !Task.isCancelled {
      let isWritable = await store.isWritable()
      supervisor.alive()
      if isWritable != wasWritable {
        logger.error("the store \(settings.store.sqlite) \(isWritable ? "can be written again" : "cannot be written")")
      }
      wasWritable = isWritable
      try? await Task.sleep(for: .seconds(5))
    }
  }
}

extension CentralSettings {
  /// What the store needs to know of the settings.
  var rules: TraceRules {
    TraceRules(
      routes: routes.mapValues { steps in
        steps.map { step in
          RouteStep(stations: step.stations, isOptional: step.isOptional, needs: step.needs, within: step.within)
        }
      }, since: since, sources: sources.map(\.name), hasBackups: backup != nil)
  }
}
