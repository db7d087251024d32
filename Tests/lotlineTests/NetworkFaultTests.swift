import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Promise 1 over a bad network: whatever it does to a connection, each event is at the central once, and the line is not
/// held up.
@Suite(.serialized) struct `Network faults lose and double nothing` {
  @Test(.timeLimit(minutes: 5), arguments: [false, true]) func `a proxy of eight faults`(pulled: Bool) async throws {
    try await meet(each: 1, pulled: pulled)
  }

  /// No batch of the usual size comes through whole.
  @Test(.timeLimit(minutes: 5), arguments: [false, true])
  func `a link that breaks every few kilobytes carries a backlog all the same`(pulled: Bool) async throws {
    let (_, scanners, links) = try await machines(plcs: 0)
    let line = try LineFolder(
      plcs: [], scanners: scanners.map { .init(name: $0.name, link: $0.link) }, pulled: pulled)
    let proxy = try proxy(line, pulled: pulled, breath: (pulled ? .cutAnswer : .cutRequest, 12_000))
    let backlog = try await Backlog.readings(line.scratch.file("queue.db"), megabytes: 1)
    let (edge, central) = (try line.startEdge(), try line.startCentral())
    try await settled(line, edge)
    #expect(proxy.counts.values.reduce(0, +) > 0, "nothing was broken off")
    let stored = try await CentralAnswers(url: line.centralURL).all("/v1/events?type=lotline.reading&limit=1000")
    #expect(stored.count == backlog.events)
    try await end(edge, central)
    _ = links
  }

  @Test(
    .timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: [false, true])
  func `Proof: a proxy of eight faults, each three times`(pulled: Bool) async throws {
    try await meet(each: 3, pulled: pulled)
  }

  @Test(
    .timeLimit(minutes: 5), .enabled(if: OwnNetwork.isAllowed, Comment(rawValue: OwnNetwork.reason)),
    arguments: [OwnNetwork.Link.down, .loss])
  func `a link that is gone, and comes back`(link: OwnNetwork.Link) async throws { try await lose([link]) }

  @Test(
    .timeLimit(minutes: 30), .enabled(if: OwnNetwork.isAllowed, Comment(rawValue: OwnNetwork.reason)),
    .enabled(if: Proof.isOn, "waits for deadlines: runs in make proof"), arguments: [false, true])
  func `Proof: every fault of a link`(pulled: Bool) async throws {
    try await lose([.blackhole, .loss, .down], pulled: pulled)
  }

  private func meet(each count: Int, pulled: Bool) async throws {
    let (plcs, scanners, links) = try await machines(plcs: 2)
    let line = try LineFolder(
      plcs: plcs.map { .init($0) }, scanners: scanners.map { .init(name: $0.name, link: $0.link) }, pulled: pulled)
    let proxy = try proxy(line, pulled: pulled)
    let load = run(plcs, scanners)
    defer { load.cancel() }
    let (edge, central) = (try line.startEdge(), try line.startCentral())
    try await eventually(
      "each fault happened \(count) times", within: .seconds(1800), every: .milliseconds(100)
    ) {
      #expect(edge.isRunning && central.isRunning)
      return FaultProxy.Fault.allCases.allSatisfy { proxy.counts[$0, default: 0] >= count }
    }
    proxy.heal()
    load.cancel()
    await load.value
    try await LineLedger(plcs: plcs, scanners: scanners).compare(with: line, expecting: nil)
    print("network faults: \(proxy.counts.map { "\($0) \($1)" }.sorted().joined(separator: ", "))")
    try await end(edge, central)
    _ = links
  }

  private func proxy(_ line: LineFolder, pulled: Bool, breath: (fault: FaultProxy.Fault, bytes: Int)? = nil) throws
    -> FaultProxy
  {
    let proxy = try FaultProxy(before: pulled ? line.edgePort : line.centralPort, breath: breath)
    let (file, url) = pulled ? ("central.yaml", line.edgeURL) : ("edge.yaml", line.centralURL)
    try line.change(file, url, to: "http://127.0.0.1:\(proxy.port)")
    return proxy
  }

  /// Takes the link away under both daemons, time after time, and compares once it is back.
  private func lose(_ faults: [OwnNetwork.Link], pulled: Bool = false) async throws {
    let (plcs, scanners, links) = try await machines(plcs: 0)
    let line = try LineFolder(
      plcs: [], scanners: scanners.map { .init(name: $0.name, link: $0.link) }, pulled: pulled)
    let network = try await OwnNetwork(in: links)
    let load = run(plcs, scanners)
    defer { load.cancel() }
    let edge = try network.start(["edge", "run", "--config", line.edge], name: "edge")
    let central = try network.start(["central", "run", "--config", line.central], name: "central")
    for fault in faults {
      try await settled(line, edge)
      try await network.set(fault)
      for scanner in scanners {
        let before = await scanner.acknowledged.count
        try await eventually("\(scanner.name) is heard without the network; \(edge.said.suffix(600))") {
          await scanner.acknowledged.count > before + 20
        }
      }
      try await network.set(.up)
    }
    try await settled(line, edge)
    load.cancel()
    await load.value
    // The store is asked where the test is, not in the network that it has just left.
    try await end(edge, central)
    let (edgeOutside, centralOutside) = (try line.startEdge(), try line.startCentral())
    try await LineLedger(plcs: plcs, scanners: scanners).compare(with: line, expecting: nil)
    try await end(edgeOutside, centralOutside)
  }

  /// The central has got further than the queue was a moment ago.
  private func settled(_ line: LineFolder, _ edge: Program) async throws {
    func lives() async throws -> [JSON] {
      let run = try await Program.run(["status", "--config", line.edge, "--json"], in: line.scratch)
      return JSON(Array(run.output.utf8))?["incarnations"]?.items ?? []
    }
    var last: Int64 = 0
    try await eventually("the edge has events; \(edge.said.suffix(600))") {
      last = try await lives().last?["last"]?.whole ?? 0
      return last > 0
    }
    try await eventually(
      "the central has event \(last); \(edge.said.suffix(600))", within: .seconds(150), every: .milliseconds(100)
    ) { (try await lives().last?["received"]?["central"]?.whole ?? 0) >= last }
  }

  private func machines(plcs count: Int) async throws -> ([SerialPLC], [InsistentScanner], ScratchFolder) {
    let links = try ScratchFolder()
    let scanners = try (1...2).map { try InsistentScanner(name: "gun-\($0)", link: links.file("gun-\($0)")) }
    return (count > 0 ? try await SerialPLC.some(count) : [], scanners, links)
  }

  private func run(_ plcs: [SerialPLC], _ scanners: [InsistentScanner]) -> Task<Void, Never> {
    Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        for scanner in scanners { group.addTask { await scanner.run() } }
      }
    }
  }

  private func end(_ programs: Program...) async throws {
    for program in programs {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said.suffix(2000))")
    }
  }
}
