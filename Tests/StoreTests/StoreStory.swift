import Events
import Foundation
import GRDB
import TestParts

@testable import Store

/// What the central said that it has: the account that its store is compared with afterwards.
struct StoreAccount {
  private(set) var edge: FakeEdge
  /// Another queue under the same name and incarnation, from event 10 on.
  private(set) var branch: FakeEdge
  /// The furthest that a receipt went.
  private(set) var receipt: Receipt?
  /// Branches that the central said it keeps.
  private(set) var conflicts = 0
  private(set) var refused = 0
  private(set) var answered = 0

  init() {
    edge = FakeEdge(seed: 7)
    branch = FakeEdge(seed: 7)
    edge.config("ST10", "ST20")
    for number in 0..<12 {
      let lot = edge.set("lot", "L\(number)", at: "ST10")
      let coil = edge.set("materials.coil", "C-\(number)", at: "ST10")
      edge.cycle(
        at: "ST10", ["unit": ("SN\(number)", lot), "lot": ("L\(number)", lot), "materials.coil": ("C-\(number)", coil)])
      edge.cycle(at: "ST20", ["unit": ("SN\(number)", lot)])
    }
    for line in edge.lines.prefix(9) { branch.add(line: line) }
    branch.cycle(at: "ST20", ["unit": ("ELSE", 3)])
  }

  /// Sends events as an edge does, and notes what is said.
  mutating func send(_ numbers: ClosedRange<UInt64>, to store: TraceStore, ofBranch: Bool = false) async {
    do {
      let answer = try await store.take((ofBranch ? branch : edge).batch(numbers), from: edge.source)
      answered += 1
      if case .conflict = answer { conflicts += 1 }
      note(answer.receipt)
    } catch {
      refused += 1
    }
  }

  mutating func ask(_ store: TraceStore) async {
    if let receipt = try? await store.position(of: edge.source, incarnation: edge.incarnation) { note(receipt) }
  }

  private mutating func note(_ new: Receipt) {
    if new.receivedThrough >= receipt?.receivedThrough ?? 0 { receipt = new }
  }

  /// Opens the store as a start does, and says what a receipt promised that is not there, or cannot go on.
  func compare(_ folder: ScratchFolder) async -> [String] {
    do {
      var found: [String] = []
      let store = try await openStore(folder)
      let now = try await store.position(of: edge.source, incarnation: edge.incarnation)
      if let receipt, receipt.receivedThrough > now.receivedThrough {
        found.append("a receipt went to event \(receipt.receivedThrough), the store to \(now.receivedThrough)")
      }
      if now.head != edge.hash(now.receivedThrough) { found.append("the hash after \(now.receivedThrough) is another") }
      found += try await differences(store, through: now.receivedThrough)
      if now.receivedThrough < edge.last {
        _ = try await store.take(edge.batch((now.receivedThrough + 1)...edge.last), from: edge.source)
      }
      found += try await differences(store, through: edge.last)
      let projected = try await store.dump()
      try await store.rebuild()
      if try await store.dump() != projected { found.append("a rebuild gives something else") }
      try store.close()
      let verdict = try await TraceStore.verification(ofStoreAt: folder.file("central.db"))
      if verdict?.firstBad != nil || verdict?.good != edge.last { found.append("\(String(describing: verdict))") }
      return found
    } catch {
      return ["afterwards: \(error)"]
    }
  }

  private func differences(_ store: TraceStore, through: UInt64) async throws -> [String] {
    let (lines, kept) = try await store.read { db in
      (
        try Row.fetchAll(db, sql: "SELECT line FROM events ORDER BY key").map { $0.bytes("line") },
        try Int.fetchOne(db, sql: "SELECT COUNT(*) FROM conflicts") ?? 0
      )
    }
    var found: [String] = []
    if lines != Array(edge.lines.prefix(Int(through))) {
      found.append("the store's \(lines.count) lines are not the \(through) sent")
    }
    if conflicts > 0, kept != 1 { found.append("\(kept) lines of the branch are kept") }
    return found
  }
}

/// What a central does, the same each time: it takes batches, known ones and a branch among them, and starts again in between.
struct StoreStory {
  let folder: ScratchFolder

  ///
  /// Where `disk` is given, its first life ends with a kill and its second with a power cut.
  func tell(endingAbruptlyOn disk: SimulatedDisk? = nil) async -> StoreAccount {
    var account = StoreAccount()
    guard let first = await opened() else { return account }
    await account.ask(first)
    for range in [1...4, 5...12, 11...20, 3...6, 21...30] as [ClosedRange<UInt64>] {
      await account.send(range, to: first)
    }
    await account.send(8...10, to: first, ofBranch: true)
    await account.ask(first)
    disk?.stop()
    try? first.close()
    disk?.goOnAfterKill()
    guard let second = await opened() else { return account }
    for range in [31...40, 41...60] as [ClosedRange<UInt64>] { await account.send(range, to: second) }
    await account.ask(second)
    disk?.stop()
    try? second.close()
    return account
  }

  /// A service manager tries again.
  private func opened() async -> TraceStore? {
    for _ in 0..<2 {
      if let store = try? await openStore(folder) { return store }
    }
    return nil
  }
}
