import Events
import GRDB
import TestParts
import Testing

@testable import Store

/// Tables and indexes: an older store becomes like a new one, and what many rows have is found by an index.
@Suite(.timeLimit(minutes: 5))
struct SchemaTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  private func indexes(_ store: TraceStore) async throws -> [String] {
    try await store.pool.read {
      try String.fetchAll(
        $0, sql: "SELECT sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")
    }
  }

  @Test func `a store of the schema before gets the indexes of a new one`() async throws {
    let store = try await openStore(folder)
    let new = try await indexes(store)
    try await store.pool.write {
      try $0.execute(
        sql: """
          DROP INDEX nodes_code; CREATE INDEX nodes_code ON nodes(kind, code); DROP INDEX gaps_kind;
          CREATE INDEX gaps_kind ON gaps(kind, source); DROP INDEX gaps_chain; CREATE INDEX cycles_lot ON cycles(lot);
          DROP INDEX cycle_units_cycle;
          UPDATE meta SET value = '5' WHERE key = 'schema'
          """)
    }
    #expect(try await indexes(store) != new)
    try store.close()
    let again = try await openStore(folder)
    #expect(try await indexes(again) == new)
    try again.close()
  }

  @Test func `a store with pages of another size is taken over as it is, and can be copied`() async throws {
    let path = folder.file("central.db")
    let former = try DatabaseQueue(path: path)
    try await former.writeWithoutTransaction { db in
      try db.execute(sql: "PRAGMA page_size = 4096; CREATE TABLE meta(key TEXT PRIMARY KEY, value TEXT NOT NULL)")
    }
    try former.close()
    var edge = FakeEdge(seed: 7)
    for index in 0..<300 { edge.add(StoppedData(why: "test \(index)"), subject: "ST10") }
    let store = try await openStore(folder, TraceRules(hasBackups: true))
    _ = try await store.take(edge.batch(), from: edge.source)
    #expect(try await store.pool.read { try pageBytes(of: $0) } == 4096)
    let copy = try await store.backUp(to: folder.file("copy.db"))
    #expect(copy.events == 300)
    try store.close()
    let fresh = try await openStore(folder, file: "new.db")
    #expect(try await fresh.pool.read { try pageBytes(of: $0) } == 8192)
    try fresh.close()
  }

  @Test func `a unit, a lot and what the chain shows are found without walking through all that there are`()
    async throws
  {
    let store = try await openStore(folder)
    // What it was before: the test sees a walk where there is one.
    let former = "SELECT id FROM nodes WHERE kind = ? AND (id = ? OR code = ?)"
    #expect(try await plan(former, of: store).contains { isWalk($0) })
    let asked = [
      TraceStore.identifiers(exactly: false), TraceStore.identifiers(exactly: true),
      "SELECT n.kind FROM (\(TraceStore.exactHits)) AS n", "SELECT \(CycleRow.columns) FROM \(CycleRow.ofLot)",
      "SELECT DISTINCT u.unit \(LotReader.members)", Walk.units,
      "SELECT 1 FROM gaps WHERE incarnation = ? AND \(Schema.ofChain) AND ended IS NULL",
    ]
    for sql in asked {
      let plan = try await plan(sql, of: store)
      #expect(!plan.isEmpty && !plan.contains { isWalk($0) }, "\(sql): \(plan)")
    }
    try store.close()
  }

  /// Whether a step of a plan reads all rows, or all of a kind.
  private func isWalk(_ step: String) -> Bool { step.hasPrefix("SCAN") || step.hasSuffix("(kind=?)") }

  private func plan(_ sql: String, of store: TraceStore) async throws -> [String] {
    try await store.pool.read { db in
      let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
      // The plan is the same for all values.
      statement.setUncheckedArguments([])
      return try Row.fetchAll(statement).map { $0["detail"] as String }
    }
  }
}
