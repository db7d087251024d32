import Devices
import Events
import Foundation

/// The simulated line with its two daemons: it runs, misfortunes come, it stops, and what was found is compared.
struct DemoLine: Sendable {
  let folder: DemoFolder
  let stations: [SimulatedStation]
  let daemons: DemoDaemons
  let book: Bookkeeper
  let plan: MisfortunePlan
  let seed: UInt64
  /// Nil: until it is interrupted.
  let length: Duration?
  let began: ContinuousClock.Instant

  /// How long a unit is at a station.
  static func pace(for length: Duration?) -> Duration {
    guard let length else { return .seconds(1) }
    return min(.seconds(1), max(.milliseconds(400), length / 60))
  }

  /// Builds the simulated devices and writes the settings; nothing of Lotline runs yet.
  static func build(
    folder: DemoFolder, seed: UInt64, length: Duration?, show: @escaping @Sendable (String) -> Void
  ) async throws -> DemoLine {
    let began = ContinuousClock.now
    let book = Bookkeeper(began: began, show: show)
    var stations: [SimulatedStation] = []
    for plan in folder.stations {
      let plc = try await SimulatedPLC(
        name: plan.device, map: try folder.modbusMap(plan.map), count: plan.count,
        numbers: SeededNumbers(seed: seed, part: plan.name))
      stations.append(
        SimulatedStation(
          name: plan.name, plc: plc, scanner: try SimulatedScanner(link: folder.link(of: plan.scanner)),
          scannerName: plan.scanner, hasCoil: plan.hasCoil, book: book, pace: pace(for: length)))
    }
    try folder.write(ports: Dictionary(uniqueKeysWithValues: stations.map { ($0.name, $0.plc.server.port) }))
    let whole = length ?? .seconds(3600 * 24 * 365)
    return DemoLine(
      folder: folder, stations: stations, daemons: DemoDaemons(folder: folder), book: book,
      plan: MisfortunePlan(
        seed: seed, stations: folder.stations.map(\.name), from: min(.seconds(6), whole / 6),
        to: length == nil ? .seconds(60 * 60) : whole * 0.85),
      seed: seed, length: length, began: began)
  }

  /// Runs the line until its time is over or `stop` says so; returns when the last unit has left it.
  func run(until stop: AsyncStream<Void>) async throws {
    try await daemons.start()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for station in stations {
        let (operator_, lot, coil) = (DemoNames.worker(0), DemoNames.lot, DemoNames.coil(0))
        group.addTask { try await station.begin(operator: operator_, lot: lot, coil: coil) }
      }
      try await group.waitForAll()
    }
    let feeding = Feeding()
    let belts = stations.map { _ in Conveyor() }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for (index, station) in stations.enumerated() {
        let after = index + 1 < belts.count ? belts[index + 1] : nil
        group.addTask { try await station.work(from: belts[index], to: after) }
        group.addTask { await drift(station.plc, while: feeding) }
      }
      group.addTask { await feed(belts[0], while: feeding) }
      group.addTask {
        await pass(time: stop)
        await feeding.end()
      }
      try await group.waitForAll()
    }
    await book.say("line", "stopped; the central takes the last events")
  }

  /// Lets misfortunes come until the time is over or somebody wants to stop; what was begun is mended first.
  private func pass(time stop: AsyncStream<Void>) async {
    let start = ContinuousClock.now
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        await Misfortunes(line: self).run(from: start)
        if let length {
          try? await Task.sleep(until: start + length)
        } else {
          while !Task.isCancelled { try? await Task.sleep(for: .seconds(3600)) }
        }
      }
      group.addTask { for await _ in stop { break } }
      await group.next()
      group.cancelAll()
    }
  }

  private func feed(_ belt: Conveyor, while feeding: Feeding) async {
    var number = 1000
    while await feeding.goesOn {
      number += 1
      await belt.put(DemoNames.unit(number))
    }
    await belt.close()
  }

  private func drift(_ plc: SimulatedPLC, while feeding: Feeding) async {
    while await feeding.goesOn {
      await plc.drift()
      try? await Task.sleep(for: .milliseconds(250))
    }
  }

  /// Whether further units are made.
  private actor Feeding {
    private(set) var goesOn = true
    func end() { goesOn = false }
  }
}

/// What people, units and lots of the simulated line are called.
enum DemoNames {
  static let lot = "L2311"
  static func worker(_ index: Int) -> String { String(1023 + index) }
  static func coil(_ index: Int) -> String { "COIL-\(5501 + index)" }
  static func unit(_ number: Int) -> String { "SN\(String(number + 100_000).suffix(6))" }
}
