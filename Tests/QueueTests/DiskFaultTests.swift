import Events
import Foundation
import Queue
import TestParts
import Testing

/// Every call of a queue's life fails once, or from then on; the power goes before every change.
@Suite(.timeLimit(minutes: 60)) struct DiskFaultTests {
  private let sweep = FaultSweep { folder, disk in
    let story = QueueStory(folder: folder.path)
    let account = await story.tell(endingAbruptlyOn: disk)
    return { await account.compare(story.settings) }
  }

  @Test func `a disk without faults: the story uses every kind of call and nothing is missing`() async throws {
    let folder = try ScratchFolder()
    let disk = SimulatedDisk(folder.path)
    let story = QueueStory(folder: folder.path)
    let account = await story.tell()
    #expect(account.accepted.count == 20 && account.refused == 0)
    for call in SimulatedDisk.Call.allCases { #expect(disk.counts.calls[call, default: 0] > 1, "\(call)") }
    #expect(await account.compare(story.settings) == [])
  }

  @Test(arguments: SimulatedDisk.Call.allCases)
  func `some calls of each kind fail, once and for ever, and what was accepted is there`(_ call: SimulatedDisk.Call)
    async throws
  {
    try await fail(call, every: 12)
  }

  @Test func `before some changes the power goes, and what was accepted is there`() async throws {
    try await cut(every: 10, seeds: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: SimulatedDisk.Call.allCases)
  func `Proof: every call of each kind fails, once and for ever, and what was accepted is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await fail(call, every: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: before every change the power goes, and what was accepted is there`() async throws {
    try await cut(every: 1, seeds: 10)
  }

  private func fail(_ call: SimulatedDisk.Call, every step: Int) async throws {
    let outcome = try await sweep.sweep(call, every: step)
    #expect(outcome.complaints == [])
    #expect(outcome.failed > outcome.total / step)
    guard [.read, .write].contains(call) else { return }
    #expect(outcome.happened.contains { $0.key.hasPrefix("short") && $0.value > 0 })
  }

  private func cut(every step: Int, seeds: UInt64) async throws {
    let outcome = try await sweep.cut(every: step, seeds: seeds)
    #expect(outcome.complaints == [])
    for what in ["cuts", "lost writes", "torn writes", "reordered writes", "lost sizes", "lost names"] {
      #expect(outcome.happened[what, default: 0] > 0, "\(what)")
    }
  }
}
