import Events
import Foundation
import Queue
import TestParts
import Testing

/// Every call of a queue's life fails once, or from then on; the power goes before every change.
@Suite(.timeLimit(.minutes(30))) struct DiskFaultTests {
  @Test func `a disk without faults: the story uses every kind of call and nothing is missing`() async throws {
    let (account, counts, complaints) = try await told { _ in }
    #expect(complaints == [])
    #expect(account.accepted.count == 20 && account.refused == 0)
    for call in SimulatedDisk.Call.allCases { #expect(counts.calls[call, default: 0] > 1, "\(call)") }
  }

  @Test(arguments: SimulatedDisk.Call.allCases)
  func `some calls of each kind fail, once and for ever, and what was accepted is there`(_ call: SimulatedDisk.Call)
    async throws
  {
    try await sweep(call, every: 12)
  }

  @Test func `before some changes the power goes, and what was accepted is there`() async throws {
    try await cut(every: 10, seeds: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: SimulatedDisk.Call.allCases)
  func `Proof: every call of each kind fails, once and for ever, and what was accepted is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await sweep(call, every: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: before every change the power goes, and what was accepted is there`() async throws {
    try await cut(every: 1, seeds: 10)
  }

  /// Fails each `step`th call of a kind, in every way that it can.
  private func sweep(_ call: SimulatedDisk.Call, every step: Int) async throws {
    let calls = try await told { _ in }.counts.calls[call, default: 0]
    var faults: [SimulatedDisk.Fault] = [.io]
    if [.write, .sync, .size, .open].contains(call) { faults.append(.full) }
    if [.read, .write].contains(call) { faults.append(.half) }
    var happened = 0
    var short = 0
    for nth in stride(from: 1, through: calls, by: step) {
      for fault in faults {
        for forever in [false, true] {
          for cutsAfterwards in [false, true] {
            let seed = cutsAfterwards ? UInt64(nth) : nil
            let run = try await told(cut: seed, endsAbruptly: cutsAfterwards) {
              $0.fail(call, nth: nth, forever: forever, fault)
            }
            #expect(
              run.complaints == [],
              "\(call) \(nth) of \(calls): \(fault), \(forever ? "for ever" : "once"), then \(cutsAfterwards ? "a cut" : "a start")"
            )
            happened += run.counts.failed[call, default: 0]
            short += run.counts.happened.filter { $0.key.hasPrefix("short") }.values.reduce(0, +)
          }
        }
      }
    }
    #expect(happened > calls / step)
    #expect(!faults.contains(.half) || short > 0)
  }

  /// Takes the power before each `step`th change, with several outcomes of the same cut.
  private func cut(every step: Int, seeds: UInt64) async throws {
    let changes = try await told { _ in }.counts.changes
    var happened: [String: Int] = [:]
    for nth in stride(from: 1, through: changes, by: step) {
      for seed in 0..<seeds {
        let run = try await told(cut: UInt64(nth) * 1000 + seed) { $0.stop(before: nth) }
        #expect(run.complaints == [], "change \(nth) of \(changes), seed \(seed)")
        happened.merge(run.counts.happened) { $0 + $1 }
      }
    }
    for what in ["cuts", "lost writes", "torn writes", "reordered writes", "lost sizes", "lost names"] {
      #expect(happened[what, default: 0] > 0, "\(what)")
    }
  }

  /// Tells the story on a disk of its own, with what `plan` says, and compares; `cut` is the seed of a cut at its end.
  private func told(cut: UInt64? = nil, endsAbruptly: Bool = false, _ plan: (SimulatedDisk) -> Void) async throws
    -> (account: Account, counts: SimulatedDisk.Counts, complaints: [String])
  {
    let folder = try ScratchFolder()
    let disk = SimulatedDisk(folder.path)
    plan(disk)
    let story = QueueStory(folder: folder.path)
    let account = await story.tell(endingAbruptlyOn: endsAbruptly ? disk : nil)
    let counts = disk.counts
    disk.heal()
    if let cut {
      disk.stop()
      disk.goOnAfterCut(seed: cut)
    }
    let complaints = await account.compare(story.settings)
    return (account, cut == nil ? counts : disk.counts, complaints)
  }
}
