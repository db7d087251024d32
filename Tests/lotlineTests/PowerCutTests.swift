import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Promise 2 under power cuts: the edge's queue and the central's store each on an ext4 disk of its own, whose power is
/// cut under the running daemon at random moments, from the first byte of a new disk on.
///
/// Only what a machine had read as acknowledged before the cut counts: ext4 lets a flush that is under way at that very
/// moment return as if it had been done.
@Suite(.serialized, .enabled(if: LoopDisk.isAllowed, Comment(rawValue: LoopDisk.reason)))
struct `Power cuts lose and double nothing` {
  @Test(.timeLimit(minutes: 5), arguments: [false, true]) func `six cuts`(pulled: Bool) async throws {
    try await PowerCuts(pulled: pulled).run(cuts: 6)
  }

  @Test(.timeLimit(minutes: 240), .enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: [false, true])
  func `Proof: half of all power cuts`(pulled: Bool) async throws {
    try await PowerCuts(pulled: pulled).run(cuts: (Proof.number("LOTLINE_CUTS") ?? 50) / 2)
  }
}

/// A line under load whose disks lose their power again and again.
private actor PowerCuts {
  private let plcs: [SerialPLC]
  private let scanner: InsistentScanner
  private let links: ScratchFolder
  private let line: LineFolder
  private let queueDisk: LoopDisk
  private let storeDisk: LoopDisk
  private var ledger: LineLedger
  private var edge: Program
  private var central: Program
  /// What the edge was told in a cut's own moment, with what it had been told before; until it is told otherwise.
  private var doubted: [String: (said: Int64, before: Int64)] = [:]
  /// How far the edge was told before that.
  private var sure: [String: Int64] = [:]
  /// How far the queue's incarnations went when it was last asked.
  private var kept: [String: Int64] = [:]

  init(pulled: Bool) async throws {
    plcs = try await SerialPLC.some(2) + SerialPLC.some(2, .bit)
    links = try ScratchFolder()
    scanner = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    line = try LineFolder(
      plcs: plcs.map { .init($0) }, scanners: [.init(name: scanner.name, link: scanner.link)], pulled: pulled)
    queueDisk = try LoopDisk(line.scratch.file("queue-disk"), megabytes: 64)
    storeDisk = try LoopDisk(line.scratch.file("store-disk"), megabytes: 256)
    try line.change("edge.yaml", line.scratch.file("queue.db"), to: "\(queueDisk.path)/queue.db")
    try line.change("central.yaml", line.scratch.file("central.db"), to: "\(storeDisk.path)/central.db")
    ledger = LineLedger(plcs: plcs, scanners: [scanner], mayBranch: true)
    (edge, central) = (try Self.startEdge(line, queueDisk), try Self.startCentral(line, storeDisk))
  }

  private static func startEdge(_ line: LineFolder, _ disk: LoopDisk) throws -> Program {
    try OwnMounts.start(
      ["edge", "run", "--config", line.edge], after: disk.mounting, in: line.scratch, name: "edge")
  }

  private static func startCentral(_ line: LineFolder, _ disk: LoopDisk) throws -> Program {
    try OwnMounts.start(
      ["central", "run", "--config", line.central], after: disk.mounting, in: line.scratch, name: "central")
  }

  func run(cuts: Int) async throws {
    let (plcs, scanner) = (plcs, scanner)
    let load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        group.addTask { await scanner.run() }
      }
    }
    defer { load.cancel() }
    var done = 0
    while done < cuts {
      // One in four comes while the daemon is still starting; the first of all while the queue and the store are made.
      let early = done == 0 || Int.random(in: 0..<4) == 0
      if !early { try await moves() }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...(early ? 600 : 150))))  // the random moment
      // Both lose their power together where they stand in the same cabinet.
      let whose = Int.random(in: 0..<4)
      if try await cut(edge: whose != 1, central: whose == 1 || whose == 3) { done += 1 }
    }
    try await moves()
    await checkQueue()
    load.cancel()
    await load.value
    try await ledger.compare(with: line, expecting: nil)
    let beside = try await CentralAnswers(url: line.centralURL).all("/v1/conflicts?limit=1000").count
    for program in [edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said.suffix(2000))")
    }
    print(
      """
      power cuts: \(cuts), acknowledged \(await ledger.acknowledged().count), in a cut's own moment \(ledger.unsure.count), \
      beside the record \(beside)
      """
    )
  }

  /// The line makes a piece more at every PLC, without a person.
  private func moves() async throws {
    for plc in plcs {
      let before = await plc.acknowledged.count
      try await eventually(
        "\(plc.name) moves on; edge: \(edge.said.suffix(1500)) central: \(central.said.suffix(600))",
        within: .seconds(60)
      ) { await plc.acknowledged.count > before }
    }
  }

  /// False where a daemon had not come so far that it had its disk.
  private func cut(edge cutsEdge: Bool, central cutsCentral: Bool) async throws -> Bool {
    let received = await received()
    await checkQueue()
    let before = await ledger.flushed()
    let isEdgeCut = cutsEdge ? try queueDisk.cut(under: edge) : false
    let isCentralCut = cutsCentral ? try storeDisk.cut(under: central) : false
    // It may live on for a moment with a dead disk, and must not take anything then.
    if Bool.random() { try await Task.sleep(for: .milliseconds(30)) }
    if cutsEdge {
      try await edge.killed()
      if isEdgeCut { try await excuse(since: before) }
      edge = try Self.startEdge(line, queueDisk)
    }
    if cutsCentral {
      try await central.killed()
      if isCentralCut { try await doubt() }
      central = try Self.startCentral(line, storeDisk)
      try await check(received)
    }
    return isEdgeCut || isCentralCut
  }

  /// What was acknowledged between the last look and the cut, or by the flush that was under way, says nothing.
  private func excuse(since before: LineLedger.Flushed) async throws {
    try await Task.sleep(for: .milliseconds(100))  // what the daemon had sent is still on its way to the machines
    ledger.unsure.formUnion(await ledger.flushed().since(before))
  }

  /// How far the edge was told that the central has each of its incarnations; empty where it cannot be asked.
  private func received() async -> [String: Int64] {
    let told = await standing().mapValues(\.received)
    doubted = doubted.filter { told[$0.key] ?? $0.value.said == $0.value.said }
    let received = told.merging(doubted.filter { told[$0.key] != nil }.mapValues(\.before)) { $1 }
    sure.merge(received) { $1 }
    return received
  }

  /// How far each incarnation of the edge's queue goes, and how far the edge was told that the central has it.
  private func standing() async -> [String: (last: Int64, received: Int64)] {
    let status = try? await CentralAnswers(url: line.edgeURL).json("/v1/status")
    let lives = (status?["incarnations"]?.items ?? []).compactMap { life in
      life["incarnation"]?.text.map { ($0, (life["last"]?.whole ?? 0, life["received"]?["central"]?.whole ?? 0)) }
    }
    return Dictionary(lives) { first, _ in first }
  }

  /// A receipt between the last look and the cut may rest on the flush that was under way.
  private func doubt() async throws {
    try await Task.sleep(for: .milliseconds(100))  // what the central had sent is still on its way to the edge
    for (incarnation, now) in await standing() where now.received > sure[incarnation] ?? 0 {
      doubted[incarnation] = (now.received, sure[incarnation] ?? 0)
    }
  }

  /// What the edge's queue had before its power was cut, it has: else it would go on under numbers that the central has,
  /// and all that it lost would seem to stand beside the record.
  private func checkQueue() async {
    let now = await standing()
    guard !now.isEmpty else { return }
    for (incarnation, last) in kept {
      #expect(now[incarnation]?.last ?? 0 >= last, "the queue showed event \(last) of \(incarnation) before a cut")
    }
    kept = now.mapValues(\.last)
  }

  /// What the central had said to have before its power was cut, it has.
  private func check(_ received: [String: Int64]) async throws {
    let answers = CentralAnswers(url: line.centralURL)
    try await answers.ready()
    for (incarnation, through) in received {
      let receipt = try await answers.json("/v1/sources/\(LineFolder.source)?incarnation=\(incarnation)")
      #expect(
        try #require(receipt["received_through"]?.whole) >= through, "the central had said that it has \(through)")
    }
  }
}
