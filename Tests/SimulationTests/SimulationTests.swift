import Events
import Foundation
import NIOConcurrencyHelpers
import TestParts
import Testing

/// The queue, the delivery and the store of the product through simulated misfortunes, one seed for each life.
///
/// A failure names its seed: `LOTLINE_SEED=17 make test FILTER=SimulationTests` lives through that one again and tells it.
@Suite(.timeLimit(minutes: 600)) struct SimulationTests {
  /// 1,000, or fewer where a sanitizer makes each of them slow.
  static let short: ClosedRange<UInt64> = 1...UInt64(Proof.number("LOTLINE_SEEDS") ?? 1000)

  @Test func `what was accepted is at the central once and unaltered, or named`() async throws {
    if let seed = Proof.number("LOTLINE_SEED") {
      _ = try await liveOne(UInt64(seed), isTold: true)
    } else {
      let counts = try await live(Self.short)
      // Some misfortunes are too rare to meet fewer lives than that.
      if Self.short.count >= 1000 { try expectVariety(counts) }
    }
  }

  @Test(.enabled(if: Proof.isOn, "a sweep: runs in make proof and make simulate"))
  func `Proof: the same through thousands of seeds`() async throws {
    let first = Proof.number("LOTLINE_FIRST_SEED").map(UInt64.init) ?? Self.short.upperBound + 1
    let count = Proof.number("LOTLINE_SEEDS").map(UInt64.init) ?? 1000
    try expectVariety(try await live(first...first + count - 1))
  }

  /// Every kind of misfortune really happened, or the runs prove less than they say.
  private func expectVariety(_ counts: [String: Int]) throws {
    for what in Self.misfortunes { #expect(counts[what, default: 0] > 0, "never happened: \(what)") }
    let told = counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", ")
    print("simulated: \(told)")
  }

  private static let misfortunes = [
    "requests lost", "answers lost", "batches lost", "receipts lost", "batches doubled", "batches late",
    "batches cut short", "clock steps", "orderly restarts", "line PCs restored", "centrals restored", "line PCs cloned",
    "cuts", "kills", "lost writes", "torn writes", "reordered writes", "lost names", "lost sizes", "short reads",
    "short writes", "failed: open", "failed: read", "failed: write", "failed: sync", "failed: size", "failed: remove",
    "failed: name", "appends refused", "incarnations begun anew", "conflicts answered", "holes answered",
    "kept as a branch", "lost by both and named as a hole",
  ]

  /// Lives through the seeds, as many at a time as there are processors.
  private func live(_ seeds: ClosedRange<UInt64>) async throws -> [String: Int] {
    let next = NIOLockedValueBox(seeds.lowerBound)
    return try await withThrowingTaskGroup(of: [String: Int].self) { group in
      for _ in 0..<ProcessInfo.processInfo.activeProcessorCount {
        group.addTask {
          var counts: [String: Int] = [:]
          while true {
            let seed = next.withLockedValue { next in
              defer { next += 1 }
              return next
            }
            guard seed <= seeds.upperBound else { return counts }
            counts.merge(try await liveOne(seed)) { $0 + $1 }
          }
        }
      }
      return try await group.reduce(into: [String: Int]()) { $0.merge($1) { $0 + $1 } }
    }
  }
}

/// Lives through one seed and compares; gives what happened.
private func liveOne(_ seed: UInt64, isTold: Bool = false) async throws -> [String: Int] {
  let world = try World(seed: seed, isTold: isTold)
  do {
    try await world.run()
    var erasures = Checker.Erasures()
    for edge in world.edges { erasures.edges[edge.number] = edge.erased }
    erasures.central = world.central.erased
    for (source, edges) in Dictionary(grouping: world.edges, by: \.source) {
      if edges.count == 1, edges[0].erased.isEmpty { erasures.alone.insert(source.description) }
    }
    for lost in world.ledger.declared {
      erasures.declared[lost.incarnation.description, default: []].append(lost.numbers)
    }
    var checker = try Checker(
      store: world.central.disk.path + "/central.db", queues: world.edges.map { $0.disk.path + "/queue.db" })
    checker.compare(
      world.ledger.accepted.map {
        .init(
          source: $0.source.description, incarnation: $0.id.incarnation.description, number: Int64($0.id.sequence),
          line: $0.line, edge: $0.edge, step: $0.step)
      }, tried: world.ledger.tried, erasures)
    let complaints = world.complaints + checker.complaints
    #expect(complaints == [], "LOTLINE_SEED=\(seed)")
    return world.counts.merging(checker.counts) { $0 + $1 }
  } catch {
    Issue.record("LOTLINE_SEED=\(seed): \(error)")
    return world.counts
  }
}
