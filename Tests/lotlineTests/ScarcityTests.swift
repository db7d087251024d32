import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A daemon that has to share its folder, or gets too few descriptors.
struct ScarcityTests {
  @Test(.timeLimit(minutes: 5))
  func `of two daemons that start on one folder at once one runs, and the other says who has it`() async throws {
    try await race(rounds: 10)
  }

  @Test(.timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: two daemons start on one folder at once, many times`() async throws {
    try await race(rounds: Proof.number("LOTLINE_STARTS") ?? 100)
  }

  private func race(rounds: Int) async throws {
    let plc = try await SerialPLC.some(1)[0]
    let line = try LineFolder(plcs: [.init(plc)], scanners: [], pulled: true)
    let load = Task { await plc.run() }
    defer { load.cancel() }
    var before: Int64 = 0
    for round in 1...rounds {
      let both = [try line.startEdge(), try line.startEdge()]
      func said() -> String { both.map(\.said).joined(separator: "\n---\n") }
      try await eventually("one of them ends; \(said())") { both.contains { !$0.isRunning } }
      let (winner, loser) = both[0].isRunning ? (both[0], both[1]) : (both[1], both[0])
      #expect(try await loser.ended() == 1, "round \(round): \(loser.said)")
      #expect(
        loser.said.contains("queue.db is in use by another lotline (process \(winner.processIdentifier))"),
        "round \(round): \(loser.said)")
      var last: Int64?
      try await eventually("the other captures, round \(round); \(said())") {
        let status = try? await CentralAnswers(url: line.edgeURL).json("/v1/status")
        last = status?["queue"]?["last"]?.whole
        return last != nil && status?["capturing"]?.text == "capturing"
      }
      #expect(try #require(last) > before, "round \(round): the chain goes on")
      before = try #require(last)
      // Half of them by force.
      if round.isMultiple(of: 2) {
        try await winner.killed()
      } else {
        winner.signal(SIGTERM)
        #expect(try await winner.ended() == 0, "\(winner.said)")
      }
    }
    let verdict = try await Program.run(["verify", line.scratch.file("queue.db")], in: line.scratch)
    #expect(verdict.status == 0, "\(verdict.output)\(verdict.messages)")
  }

  /// Each core of the PC takes three descriptors at the start.
  @Test(.timeLimit(minutes: 5), arguments: ProcessInfo.processInfo.activeProcessorCount <= 2 ? [32, 64] : [64])
  func `too few descriptors cost devices their connections, and nobody their records`(_ limit: Int) async throws {
    let plcs = try await SerialPLC.some(32)
    let line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [], pulled: true)
    let edge = try Program(
      "/usr/bin/prlimit", ["--nofile=\(limit)", Program.lotline, "edge", "run", "--config", line.edge],
      in: line.scratch,
      name: "edge")
    let load = Task {
      await withDiscardingTaskGroup { group in for plc in plcs { group.addTask { await plc.run() } } }
    }
    try await eventually("some are told why they are away; \(edge.said)", within: .seconds(60)) {
      edge.said.contains("Too many open files")
    }
    var moving = 0
    try await eventually("those that have a connection make pieces; \(edge.said.suffix(2000))", within: .seconds(60)) {
      moving = 0
      for plc in plcs where await plc.acknowledged.count > 20 { moving += 1 }
      return moving > 0
    }
    #expect(moving < plcs.count && edge.isRunning)
    let status = try await CentralAnswers(url: line.edgeURL).json("/v1/status")
    let away = try #require(status["devices"]?.items).filter { $0["state"]?.text == "offline" }
    #expect(!away.isEmpty && away.allSatisfy { $0["reason"]?.text?.contains("Too many open files") == true }, "\(away)")
    #expect(!edge.said.contains("marker is not written"), "what is left is the queue's and the page's")
    load.cancel()
    await load.value
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said.suffix(2000))")
    // With enough of them all is well again, and nothing that was acknowledged is missing.
    let verdict = try await Program.run(["verify", line.scratch.file("queue.db")], in: line.scratch)
    #expect(verdict.status == 0, "\(verdict.output)\(verdict.messages)")
    let again = try line.startEdge()
    var serials: [String: Set<UInt32>] = [:]
    var after = 0
    try await CentralAnswers(url: line.edgeURL).ready()
    while true {
      let page = try await CentralAnswers(url: line.edgeURL).get("/v1/events?after=\(after)&limit=1000").body
      let events = page.split(separator: 10).compactMap { JSON(Array($0)) }
      if events.isEmpty { break }
      after += events.count
      for event in events where event["type"]?.text == "lotline.cycle" {
        guard let cycle = event["data"].flatMap({ CycleData($0) }),
          case .int(let serial)? = cycle.tags.first(where: { $0.name == "serial" })?.value
        else { continue }
        #expect(serials[cycle.device, default: []].insert(UInt32(serial)).inserted, "a cycle twice")
      }
    }
    for plc in plcs {
      let acknowledged = await plc.acknowledged
      #expect(acknowledged.isSubset(of: serials[plc.name] ?? []), "\(plc.name): a cycle is lost")
    }
    again.signal(SIGTERM)
    try await again.ended()
  }
}
