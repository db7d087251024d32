import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Promise 2 under SIGKILL: every acknowledged cycle is at the central exactly once with its own value, and every
/// acknowledged scan is there.
@Suite(.serialized) struct `Kills lose and double nothing` {
  @Test(.timeLimit(minutes: 5)) func `ten kills of the edge and ten of the central`() async throws {
    try await torture(edgeKills: 10, centralKills: 10)
  }

  @Test(.timeLimit(minutes: 5)) func `five kills of each where the central pulls`() async throws {
    try await torture(edgeKills: 5, centralKills: 5, pulled: true)
  }

  @Test(.timeLimit(minutes: 5)) func `kills at the worst moments of a bit's handshake`() async throws {
    let plcs = try await SerialPLC.some(2, .bit)
    let line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [])
    let load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
      }
    }
    defer { load.cancel() }
    let central = try line.startCentral()
    var edge = try line.startEdge()
    for round in 0..<10 {
      // The acknowledge was not written and its commit is on disk: the bit is still set, or the acknowledge still 1.
      let plc = plcs[round % 2]
      await plc.loseNext(round / 2 % 2 == 0 ? 1 : 0)
      try await eventually("the PLC loses an acknowledge; edge: \(edge.said.suffix(600))") { await plc.hasLost }
      try await edge.killed()
      edge = try line.startEdge()
      for plc in plcs {
        let before = await plc.acknowledged.count
        try await eventually("\(plc.name) moves on; edge: \(edge.said.suffix(600))") {
          await plc.acknowledged.count > before + 1
        }
      }
    }
    load.cancel()
    await load.value
    try await LineLedger(plcs: plcs).compare(with: line)
    edge.signal(SIGTERM)
    central.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
    #expect(try await central.ended(within: .seconds(15)) == 0, "\(central.said)")
  }

  @Test(
    .timeLimit(minutes: 600), .enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: [false, true])
  func `Proof: half of all kills`(pulled: Bool) async throws {
    let kills = (Proof.number("LOTLINE_KILLS") ?? 200) / 2
    try await torture(edgeKills: kills * 7 / 10, centralKills: kills * 3 / 10, pulled: pulled)
  }

  /// Runs a line of four PLCs, two of each kind, and two scanners under load, kills both daemons at random moments, and compares.
  private func torture(edgeKills: Int, centralKills: Int, pulled: Bool = false) async throws {
    let plcs = try await SerialPLC.some(2) + SerialPLC.some(2, .bit)
    let links = try ScratchFolder()
    let scanners = try (0..<2).map { try InsistentScanner(name: "gun-\($0 + 1)", link: links.file("gun-\($0 + 1)")) }
    let line = try LineFolder(
      plcs: plcs.map { .init($0) },
      scanners: scanners.map { .init(name: $0.name, link: $0.link) }, pulled: pulled)
    let load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        for scanner in scanners { group.addTask { await scanner.run() } }
      }
    }
    defer { load.cancel() }
    try await kill(line, edge: edgeKills, central: centralKills, plcs: plcs)
    load.cancel()
    await load.value
    let edge = try line.startEdge()
    let central = try line.startCentral()
    try await LineLedger(plcs: plcs, scanners: scanners).compare(with: line)
    edge.signal(SIGTERM)
    central.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
    #expect(try await central.ended(within: .seconds(15)) == 0, "\(central.said)")
  }

  private func kill(_ line: LineFolder, edge edgeKills: Int, central centralKills: Int, plcs: [SerialPLC]) async throws
  {
    var edge = try line.startEdge()
    var central = try line.startCentral()
    var victims = Array(repeating: true, count: edgeKills) + Array(repeating: false, count: centralKills)
    victims.shuffle()
    for isEdge in victims {
      // Kills during work count: some cycle must have been acknowledged since the last one.
      let before = await acknowledged(plcs)
      try await eventually("the line moves on; edge: \(edge.said.suffix(600))") { await acknowledged(plcs) > before }
      try await Task.sleep(for: .milliseconds(Int.random(in: 0...120)))  // the random moment, not a wait for anything
      if isEdge {
        try await edge.killed()
        edge = try line.startEdge()
      } else {
        try await central.killed()
        central = try line.startCentral()
      }
    }
    try await edge.killed()
    try await central.killed()
  }

  private func acknowledged(_ plcs: [SerialPLC]) async -> Int {
    var sum = 0
    for plc in plcs { sum += await plc.acknowledged.count }
    return sum
  }
}
