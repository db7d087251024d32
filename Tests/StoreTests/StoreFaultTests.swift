import Events
import Foundation
import TestParts
import Testing

@testable import Store

/// Every call of a store's life fails once, or from then on; the power goes before every change.
@Suite(.timeLimit(.minutes(60))) struct StoreFaultTests {
  @Test func `a disk without faults: all is answered and nothing is missing`() async throws {
    let run = try await told { _ in }
    #expect(run.complaints == [])
    #expect(run.account.answered == 8 && run.account.refused == 0 && run.account.conflicts == 1)
  }

  @Test(arguments: StoreFaultTests.calls)
  func `some calls of each kind fail, once and for ever, and what a receipt promised is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await sweep(call, every: 60)
  }

  @Test func `before some changes the power goes, and what a receipt promised is there`() async throws {
    try await cut(every: 50, seeds: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: StoreFaultTests.calls)
  func `Proof: every call of each kind fails, once and for ever, and what a receipt promised is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await sweep(call, every: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: before every change the power goes, and what a receipt promised is there`() async throws {
    try await cut(every: 1, seeds: 3)
  }

  /// A store renames nothing.
  static let calls = SimulatedDisk.Call.allCases.filter { $0 != .name }

  private func sweep(_ call: SimulatedDisk.Call, every step: Int) async throws {
    let calls = try await told { _ in }.counts.calls[call, default: 0]
    try #require(calls > 0)
    var faults: [SimulatedDisk.Fault] = [.io]
    if [.write, .sync].contains(call) { faults.append(.full) }
    if [.read, .write].contains(call) { faults.append(.half) }
    var happened = 0
    for nth in stride(from: 1, through: calls, by: step) {
      for fault in faults {
        for forever in [false, true] {
          // The worse of both ends: an error that comes once is soon forgotten, and then the power goes.
          let seed = forever && nth % 2 == 0 ? nil : UInt64(nth)
          let run = try await told(cut: seed, endsAbruptly: seed != nil) {
            $0.fail(call, nth: nth, forever: forever, fault)
          }
          #expect(
            run.complaints == [],
            "\(call) \(nth) of \(calls): \(fault), \(forever ? "for ever" : "once"), then \(seed == nil ? "a start" : "a cut")"
          )
          happened += run.counts.failed[call, default: 0]
        }
      }
    }
    #expect(happened >= calls / step)
  }

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
    for what in ["cuts", "lost writes", "torn writes"] {
      #expect(happened[what, default: 0] > 0, "\(what)")
    }
  }

  private func told(cut: UInt64? = nil, endsAbruptly: Bool = false, _ plan: (SimulatedDisk) -> Void) async throws
    -> (account: StoreAccount, counts: SimulatedDisk.Counts, complaints: [String])
  {
    let folder = try ScratchFolder()
    let disk = SimulatedDisk(folder.path)
    plan(disk)
    let account = await StoreStory(folder: folder).tell(endingAbruptlyOn: endsAbruptly ? disk : nil)
    let counts = disk.counts
    disk.heal()
    if let cut {
      disk.stop()
      disk.goOnAfterCut(seed: cut)
    }
    let complaints = await account.compare(folder)
    return (account, cut == nil ? counts : disk.counts, complaints)
  }
}
