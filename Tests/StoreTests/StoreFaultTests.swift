import Events
import Foundation
import TestParts
import Testing

@testable import Store

/// Every call of a store's life fails once, or from then on; the power goes before every change.
@Suite(.timeLimit(minutes: 60)) struct StoreFaultTests {
  private let sweep = FaultSweep { folder, disk in
    let account = await StoreStory(folder: folder).tell(endingAbruptlyOn: disk)
    return { await account.compare(folder) }
  }

  @Test func `a disk without faults: all is answered and nothing is missing`() async throws {
    let folder = try ScratchFolder()
    let account = await StoreStory(folder: folder).tell()
    #expect(account.answered == 8 && account.refused == 0 && account.conflicts == 1)
    #expect(await account.compare(folder) == [])
  }

  @Test(arguments: StoreFaultTests.calls)
  func `some calls of each kind fail, once and for ever, and what a receipt promised is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await fail(call, every: 60)
  }

  @Test func `before some changes the power goes, and what a receipt promised is there`() async throws {
    try await cut(every: 50, seeds: 1)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"), arguments: StoreFaultTests.calls)
  func `Proof: calls of each kind fail, once and for ever, and what a receipt promised is there`(
    _ call: SimulatedDisk.Call
  ) async throws {
    try await fail(call, every: Self.step)
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: before changes the power goes, and what a receipt promised is there`() async throws {
    try await cut(every: Self.step, seeds: 3)
  }

  /// A store renames nothing.
  static let calls = SimulatedDisk.Call.allCases.filter { $0 != .name }

  /// A store's story is long: `make proof` takes one call in four, others each time, and `make faults` takes them all.
  private static let step = Proof.number("LOTLINE_FAULT_STEP") ?? 4

  private func fail(_ call: SimulatedDisk.Call, every step: Int) async throws {
    let outcome = try await sweep.sweep(call, from: .random(in: 1...step), every: step, alternates: true)
    #expect(outcome.complaints == [])
    #expect(outcome.total > 0 && outcome.failed >= outcome.total / step)
  }

  private func cut(every step: Int, seeds: UInt64) async throws {
    let outcome = try await sweep.cut(from: .random(in: 1...step), every: step, seeds: seeds)
    #expect(outcome.complaints == [])
    for what in ["cuts", "lost writes", "torn writes"] { #expect(outcome.happened[what, default: 0] > 0, "\(what)") }
  }
}
