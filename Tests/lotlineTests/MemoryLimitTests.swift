import Events
import Foundation
import Glibc
import TestParts
import Testing

/// The kernel takes the memory away: another program eats all that a group of programs may have, and a daemon is killed.
@Suite(
  .enabled(if: Proof.isOn, "a sweep: runs in make proof"),
  .enabled(if: MemoryLimit.isAllowed, Comment(rawValue: MemoryLimit.reason)), .timeLimit(minutes: 10))
struct `Proof: out of memory` {
  @Test(arguments: ["edge", "central"])
  func `a daemon that the kernel kills for want of memory loses nothing, and starts by itself`(_ victim: String)
    async throws
  {
    let plcs = try await SerialPLC.some(2)
    let links = try ScratchFolder()
    let gun = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    let line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [.init(name: gun.name, link: gun.link)])
    let load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        group.addTask { await gun.run() }
      }
    }
    defer { load.cancel() }
    let other = victim == "edge" ? try line.startCentral() : try line.startEdge()
    let limit = try MemoryLimit(megabytes: 128)
    for round in 1...5 {
      let before = await plcs[0].acknowledged.count
      let daemon = try limit.start(
        [Program.lotline, victim, "run", "--config", line.scratch.file("\(victim).yaml")], victim: true,
        in: line.scratch, name: victim)
      try await CentralAnswers(url: victim == "edge" ? line.edgeURL : line.centralURL).ready()
      try await eventually("pieces are made in round \(round); \(daemon.said.suffix(800))") {
        await plcs[0].acknowledged.count > before + 5
      }
      // Eats slowly, so that the daemon is at work when there is no more.
      let eater = try limit.start(
        ["/usr/bin/python3", "-c", Self.eater], in: line.scratch, name: "eater")
      #expect(try await daemon.ended() == -SIGKILL, "round \(round): \(daemon.said.suffix(800))")
      eater.signal(SIGKILL)
      try await eater.ended()
      #expect(limit.kills >= round, "the kernel tells of \(limit.kills) kills after \(round) rounds")
    }
    let again = victim == "edge" ? try line.startEdge() : try line.startCentral()
    try await CentralAnswers(url: line.edgeURL).ready()
    load.cancel()
    await load.value
    try await LineLedger(plcs: plcs, scanners: [gun]).compare(
      with: line, expecting: victim == "edge" ? "daemon-down" : nil)
    for program in [again, other] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(30)) == 0, "\(program.said)")
    }
  }

  private static let eater = """
    import time
    eaten = []
    while True:
      eaten.append(bytearray(1 << 20))
      time.sleep(0.01)
    """
}
