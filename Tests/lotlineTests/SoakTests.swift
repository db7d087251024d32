import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A whole line for as long as LOTLINE_SOAK says, in minutes, at 2,000 events a second, with faults all the while.
///
/// Neither daemon's memory nor its descriptors grow, and nothing that was acknowledged is lost.
@Suite(.enabled(if: Proof.number("LOTLINE_SOAK") != nil, "takes an hour: runs in make soak"))
struct `Soak: a line for an hour` {
  @Test(.timeLimit(minutes: 600)) func `memory and descriptors stay, and nothing is lost`() async throws {
    let soak = try await Soak(minutes: Proof.number("LOTLINE_SOAK") ?? 60)
    try await soak.run()
  }
}

private actor Soak {
  private let end: ContinuousClock.Instant
  private let meters: [ModbusServer]
  private let plcs: [SerialPLC]
  private let scanner: InsistentScanner
  private let links: ScratchFolder
  private let line: LineFolder
  private var figures: [Figures] = []

  /// What the kernel says of a daemon, and how many events it had by then.
  private struct Figures {
    let seconds: Double
    var edge = Footprint()
    var central = Footprint()
    var events: Int64 = 0
  }

  init(minutes: Int) async throws {
    end = .now + .seconds(60 * minutes)
    // One request in 4,000 is answered badly: the daemon connects anew, or waits for nothing.
    let faults = [SimulatedFault(.silence), SimulatedFault(.wrongUnit), SimulatedFault(.refusal(6))]
    var meters: [ModbusServer] = []
    for _ in 0..<4 {
      meters.append(
        try await ModbusServer(
          count: 200, fault: { Int.random(in: 0..<4000) == 0 ? faults.randomElement()! : SimulatedFault() }))
    }
    self.meters = meters
    plcs = try await SerialPLC.some(2) + SerialPLC.some(2, .bit)
    links = try ScratchFolder()
    scanner = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [.init(name: scanner.name, link: scanner.link)])
    try line.scratch.write("devices/meter.yaml", Self.meterMap)
    var stations = "  ST90:\n    devices:\n"
    for (index, meter) in meters.enumerated() {
      for unit in 1...5 {
        stations +=
          "      meter-\(index)-\(unit): { map: meter, address: \"127.0.0.1:\(meter.port)\", unit: \(unit) }\n"
      }
    }
    // Rows go again within the hour: what is kept is not to be mistaken for what leaks.
    try line.change("edge.yaml", "queue: {", to: stations + "queue: { keep: 1m,")
  }

  /// Twenty of them, each read a hundred times a second.
  private static let meterMap = """
    kind: modbus
    about: A meter that is always read
    addresses: zero-based
    requests: { timeout: 300ms }
    groups:
      power: { every: 10ms, report: always, tags: { power: { at: "holding:10", type: uint32, unit: W } } }

    """

  func run() async throws {
    let (plcs, scanner) = (plcs, scanner)
    let load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        group.addTask { await scanner.run() }
      }
    }
    defer { load.cancel() }
    let (edge, central) = (try line.startEdge(), try line.startCentral())
    let began = ContinuousClock.now
    while ContinuousClock.now < end {
      try await Task.sleep(for: .seconds(10))  // the pace of the figures
      #expect(edge.isRunning && central.isRunning, "\(edge.said.suffix(1000)) \(central.said.suffix(1000))")
      var now = Figures(seconds: (ContinuousClock.now - began) / .seconds(1))
      (now.edge, now.central) = (try Footprint(of: edge), try Footprint(of: central))
      now.events = try await CentralAnswers(url: line.edgeURL).json("/v1/status")["queue"]?["last"]?.whole ?? 0
      figures.append(now)
      if figures.count % 6 == 0 { try await disturb(central) }
    }
    load.cancel()
    await load.value
    try await LineLedger(plcs: plcs, scanners: [scanner]).compare(with: line, expecting: nil)
    judge()
    for program in [edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said.suffix(2000))")
    }
  }

  /// The central hangs for five seconds, or a PLC loses what it was told.
  private func disturb(_ central: Program) async throws {
    for plc in plcs where plc.trigger == .bit { await plc.loseNext(UInt16.random(in: 0...1)) }
    central.signal(SIGSTOP)
    try await Task.sleep(for: .seconds(5))  // the length of the fault
    central.signal(SIGCONT)
  }

  /// The first third is not counted: caches fill, and the allocator learns.
  private func judge() {
    let settled = Array(figures.dropFirst(figures.count / 3))
    guard let first = settled.first, let last = settled.last, settled.count > 5 else {
      Issue.record("too few figures for a judgement")
      return
    }
    let rate = Double(last.events - first.events) / (last.seconds - first.seconds)
    print("soak: \(Int(last.seconds)) s, \(last.events) events, \(Int(rate)) events/s")
    for (name, footprint) in [("edge", \Figures.edge), ("central", \Figures.central)]
      as [(String, KeyPath<Figures, Footprint>)]
    {
      let growth =
        slope(settled.map { ($0.seconds, $0[keyPath: footprint].kilobytes) }) * (last.seconds - first.seconds)
      let mean = settled.reduce(0) { $0 + $1[keyPath: footprint].kilobytes } / Double(settled.count)
      let descriptors = settled.map { $0[keyPath: footprint].descriptors }.sorted()
      print(
        "soak: \(name): \(Int(mean)) kB of its own, \(Int(growth)) kB of growth, descriptors \(descriptors[0])…\(descriptors[descriptors.count - 1])"
      )
      #expect(growth < max(2048, mean * 0.05), "\(name) grows")
      #expect(
        last[keyPath: footprint].descriptors <= descriptors[descriptors.count / 2] + 4, "\(name) keeps descriptors")
    }
  }

  /// Of the straight line that fits best.
  private func slope(_ points: [(Double, Double)]) -> Double {
    let count = Double(points.count)
    let (x, y) = points.reduce((0.0, 0.0)) { ($0.0 + $1.0 / count, $0.1 + $1.1 / count) }
    let (above, below) = points.reduce((0.0, 0.0)) { ($0.0 + ($1.0 - x) * ($1.1 - y), $0.1 + ($1.0 - x) * ($1.0 - x)) }
    return below == 0 ? 0 : above / below
  }
}
