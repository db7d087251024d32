import Devices
import Events

/// Lets the planned misfortunes come true, one after the other, each mended before the next.
struct Misfortunes: Sendable {
  let line: DemoLine

  private var book: Bookkeeper { line.book }

  /// Returns when all have come; after a cancellation, when the one that was begun is mended.
  func run(from start: ContinuousClock.Instant) async {
    for (index, planned) in line.plan.planned.enumerated() {
      try? await Task.sleep(until: start + planned.at)
      if Task.isCancelled { return }
      await happen(planned, number: index + 1)
    }
  }

  private func happen(_ planned: PlannedMisfortune, number: Int) async {
    let station = line.stations.first { $0.name == planned.station }
    switch planned.what {
    case .coilChange: await station?.grant(.changeCoil(DemoNames.coil(number)))
    case .operatorChange: await station?.grant(.changeOperator(DemoNames.worker(number)))
    case .forgottenScan: await station?.grant(.forgetScan)
    case .counterJump: await station?.grant(.jump(planned.count))
    case .plcAway: if let station { await loseThePLC(of: station, for: planned.lasting) }
    case .scannerAway: if let station { await unplugTheScanner(of: station, for: planned.lasting) }
    case .centralStopped: await stopTheCentral(for: planned.lasting)
    case .edgeKilled: await killTheEdge(for: planned.lasting)
    }
  }

  private func loseThePLC(of station: SimulatedStation, for lasting: Duration) async {
    await book.say(station.name, "PLC \(station.plc.name) is unreachable", isMisfortune: true)
    let from = Moment.now().time
    await station.plc.server.stop()
    try? await Task.sleep(for: lasting)
    await mend(station.name) { try await station.plc.server.start() }
    await addGap("device-offline", station, station.plc.name, from: from)
    await book.say(station.name, "PLC \(station.plc.name) is back")
    await station.grant(.witness)
  }

  private func unplugTheScanner(of station: SimulatedStation, for lasting: Duration) async {
    await book.say(station.name, "scanner \(station.scannerName) is unplugged", isMisfortune: true)
    let from = Moment.now().time
    // The edge last heard it at the last scan.
    let earliest = await station.lastAccepted.adding(.seconds(-1))
    await station.scanner.unplug()
    try? await Task.sleep(for: lasting)
    await mend(station.name) { try await station.scanner.plug() }
    await addGap("device-offline", station, station.scannerName, from: from)
    await book.add(Ledger.Blindness(station: station.name, earliest: earliest, began: from, ended: Moment.now().time))
    await book.say(station.name, "scanner \(station.scannerName) is plugged in again")
    await station.grant(station.hasCoil ? .confirmCoil : .witness)
  }

  private func stopTheCentral(for lasting: Duration) async {
    await book.say("central", "is stopped; the edge keeps what it reads", isMisfortune: true)
    await line.daemons.stopCentral()
    try? await Task.sleep(for: lasting)
    await mend("central") { try await line.daemons.startCentral() }
    await book.say("central", "is back")
  }

  private func killTheEdge(for lasting: Duration) async {
    await book.say("edge", "is killed (SIGKILL)", isMisfortune: true)
    let from = Moment.now().time
    await line.daemons.killEdge()
    try? await Task.sleep(for: lasting / 4)
    await mend("edge") { try await line.daemons.startEdge() }
    let to = Moment.now().time
    await book.add(Ledger.Gap(kind: "daemon-down", from: from, to: to))
    // When it was last known alive is known to a second or two.
    await book.add(Ledger.Blindness(station: nil, earliest: from.adding(.seconds(-3)), began: from, ended: to))
    await book.say("edge", "is back after \(to.since(from).formatted)")
    for station in line.stations where station.hasCoil { await station.grant(.confirmCoil) }
  }

  private func addGap(_ kind: String, _ station: SimulatedStation, _ device: String, from: Timestamp) async {
    await book.add(Ledger.Gap(kind: kind, station: station.name, device: device, from: from, to: Moment.now().time))
  }

  /// What cannot be mended is told; the comparison then shows what it cost.
  private func mend(_ place: String, _ body: () async throws -> Void) async {
    do { try await body() } catch { await book.say(place, "\(error)", isMisfortune: true) }
  }
}

extension Duration {
  /// In seconds, with one digit after the point.
  var formatted: String { "\((inSeconds * 10).rounded() / 10) s" }
}
