import Events
import Foundation
import GRDB
import TestParts
import Testing

@testable import Store

/// Copies of a store: taken while it is used, believed once they are verified, put back whole.
@Suite(.timeLimit(minutes: 5))
struct BackupTests {
  let folder: ScratchFolder
  private let rules = TraceRules(hasBackups: true)

  init() throws { folder = try ScratchFolder() }

  private func edge(_ count: Int, seed: UInt8 = 7) -> FakeEdge {
    var edge = FakeEdge(seed: seed)
    for index in 0..<count { edge.add(StoppedData(why: "test \(index)"), subject: "ST10") }
    return edge
  }

  private func safe(_ store: TraceStore, _ edge: FakeEdge) async throws -> UInt64 {
    try await store.position(of: edge.source, incarnation: edge.incarnation).safeThrough
  }

  private func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() }

  @Test func `without backups what is received is safe, with them what a verified copy holds`() async throws {
    let edge = edge(10)
    let plain = try await openStore(folder, file: "plain.db")
    _ = try await plain.take(edge.batch(1...6), from: edge.source)
    #expect(try await safe(plain, edge) == 6)

    let store = try await openStore(folder, rules)
    guard case .receipt(let receipt) = try await store.take(edge.batch(1...6), from: edge.source) else {
      Issue.record("the batch was not taken")
      return
    }
    #expect(receipt.receivedThrough == 6 && receipt.safeThrough == 0)
    let record = try await store.backUp(to: folder.file("copy.db"))
    #expect(record.events == 6 && record.bytes > 0)
    #expect(try await safe(store, edge) == 6)
    _ = try await store.take(edge.batch(7...10), from: edge.source)
    #expect(try await safe(store, edge) == 6)
    #expect(try await store.sources().first?.incarnations.first?.safeThrough == 6)
    #expect(try await store.backups() == [record])
    try store.close()
    let again = try await openStore(folder, rules)
    #expect(try await safe(again, edge) == 6)
    let file = try FileHandle(forReadingFrom: URL(filePath: folder.file("copy.db")))
    var digest = FileDigest()
    try #require(try file.readToEnd()).withUnsafeBytes { digest.add($0) }
    #expect(digest.hex == record.sha256)
  }

  @Test func `a copy that is taken while batches come is of one moment and leaves no other file`() async throws {
    let store = try await openStore(folder, rules)
    let edges = (1...4).map { edge(1500, seed: $0) }
    for edge in edges { _ = try await store.take(edge.batch(1...500), from: edge.source) }
    let intake = Task {
      for first in stride(from: UInt64(501), to: 1500, by: 50) {
        for edge in edges { _ = try await store.take(edge.batch(first...(first + 49)), from: edge.source) }
      }
    }
    let record = try await store.backUp(to: folder.file("copy.db"))
    try await intake.value
    #expect(record.events >= 2000)
    let verdict = try #require(try await TraceStore.verification(ofStoreAt: folder.file("copy.db"), isThorough: true))
    #expect(verdict.firstBad == nil && verdict.good == UInt64(record.events))
    var sum: UInt64 = 0
    for edge in edges { sum += try await safe(store, edge) }
    #expect(sum == verdict.good)
    #expect(try names().filter { $0.hasPrefix("copy") } == ["copy.db"])
    // What is in the copy is byte for byte what came.
    let copy = try await openStore(folder, file: "copy.db")
    let first = try #require(try await copy.chain(of: edges[0].incarnation, limit: 5000))
    #expect(first.batch.lines == Array(edges[0].lines.prefix(first.batch.lines.count)))
  }

  @Test func `a line that comes after the copy in the place of its digest is not safe before the next copy`()
    async throws
  {
    let store = try await openStore(folder, rules)
    let edge = edge(8)
    var lines = edge.lines
    lines[2] = Array("#\(hex(ChainHash.digest(of: lines[2])))".utf8)
    _ = try await store.take(
      Batch(incarnation: edge.incarnation, first: 1, previous: .zero, head: edge.head, lines: lines), from: edge.source)
    _ = try await store.backUp(to: folder.file("1.db"))
    #expect(try await safe(store, edge) == 8)
    _ = try await store.take(edge.batch(3...3), from: edge.source)
    #expect(try await safe(store, edge) == 2)
    _ = try await store.backUp(to: folder.file("2.db"))
    #expect(try await safe(store, edge) == 8)
  }

  @Test func `a store whose chain is broken gives no backup, and nothing becomes safe`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(5)
    _ = try await store.take(edge.batch(), from: edge.source)
    try await store.pool.write {
      try $0.execute(sql: "UPDATE events SET line = CAST('{}' AS BLOB) WHERE key & 255 = 3")
    }
    let error = await #expect(throws: StoreError.self) { try await store.backUp(to: folder.file("copy.db")) }
    #expect(error?.description.contains("event 3 of plant1.line3.pc1") == true, "\(error?.description ?? "")")
    #expect(try await safe(store, edge) == 0)
    #expect(try await store.backups().isEmpty)
    #expect(try names().filter { $0.hasPrefix("copy") }.isEmpty)
  }

  @Test func `a backup is never written over, and one is taken at a time`() async throws {
    let store = try await openStore(folder, rules)
    try folder.write("copy.db", "precious")
    let error = await #expect(throws: StoreError.self) { try await store.backUp(to: folder.file("copy.db")) }
    #expect(error?.description.contains("there is such a file already") == true)
    #expect(try String(contentsOfFile: folder.file("copy.db"), encoding: .utf8) == "precious")
    _ = await store.backupWork.begin()
    let busy = await #expect(throws: StoreError.self) { try await store.backUp(to: folder.file("other.db")) }
    #expect(busy?.description.contains("being taken already") == true)
    await store.backupWork.end()
    _ = try await store.backUp(to: folder.file("other.db"))
  }

  @Test func `verify names the event that is not there`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(9)
    _ = try await store.take(edge.batch(1...3), from: edge.source)
    _ = try await store.take(edge.batch(6...9, lost: 4...5), from: edge.source)
    let path = folder.file("central.db")
    #expect(try await TraceStore.verification(ofStoreAt: path)?.firstBad == nil)
    for (gone, named) in [(9, 9), (7, 7), (6, 6), (1, 1)] {
      try await store.pool.write { try $0.execute(sql: "DELETE FROM events WHERE key & 255 = ?", arguments: [gone]) }
      let bad = try #require(try await TraceStore.verification(ofStoreAt: path)?.firstBad)
      #expect(bad.hasPrefix("event \(named) of plant1.line3.pc1 (\(edge.incarnation):\(named)) is not there"), "\(bad)")
    }
  }

  @Test func `a backup goes in the place of the store, which stays beside it`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(8)
    _ = try await store.take(edge.batch(1...5), from: edge.source)
    _ = try await store.backUp(to: folder.file("copy.db"))
    _ = try await store.take(edge.batch(6...8), from: edge.source)
    let path = folder.file("central.db")
    let inUse = await #expect(throws: StoreError.self) {
      try await TraceStore.restore(folder.file("copy.db"), at: path)
    }
    #expect(inUse?.description.contains("is in use by another lotline (process ") == true)
    try store.close()
    let restored = try await TraceStore.restore(folder.file("copy.db"), at: path)
    #expect(restored.events == 5)
    let kept = try #require(restored.setAside)
    let old = try await TraceStore.open(path: kept, rules: rules, logger: quiet)
    #expect(try await old.position(of: edge.source, incarnation: edge.incarnation).receivedThrough == 8)
    let new = try await openStore(folder, rules)
    let receipt = try await new.position(of: edge.source, incarnation: edge.incarnation)
    #expect(receipt.receivedThrough == 5 && receipt.head == edge.hash(5))
    #expect(try await new.restored() != nil)
    #expect(FileManager.default.fileExists(atPath: folder.file("copy.db")))
    guard case .receipt = try await new.take(edge.batch(6...8), from: edge.source) else {
      Issue.record("the restored store does not go on")
      return
    }
  }

  @Test func `what is no good backup replaces nothing`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(200)
    _ = try await store.take(edge.batch(), from: edge.source)
    _ = try await store.backUp(to: folder.file("copy.db"))
    try store.close()
    let path = folder.file("central.db")
    let before = try Data(contentsOf: URL(filePath: path))
    // One letter of one event, as a bad sector would change it: SQLite sees nothing wrong.
    var bytes = try Data(contentsOf: URL(filePath: folder.file("copy.db")))
    let word = try #require(bytes.range(of: Data("\"why\":\"test 150\"".utf8)))
    bytes[word.lowerBound + 8] ^= 1
    try bytes.write(to: URL(filePath: folder.file("rotten.db")))
    try folder.write("text.db", "no store")
    let newer = try await openStore(folder, file: "newer.db")
    try await newer.pool.write { try $0.execute(sql: "UPDATE meta SET value = '99' WHERE key = 'schema'") }
    try newer.close()
    for (file, said) in [
      ("rotten.db", "event 151 of plant1.line3.pc1"), ("text.db", "not a database"), ("newer.db", "schema 99"),
      ("none.db", "there is no such file"),
    ] {
      let error = await #expect(throws: StoreError.self) { try await TraceStore.restore(folder.file(file), at: path) }
      #expect(error?.description.contains(said) == true, "\(file): \(error?.description ?? "")")
    }
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
    #expect(try names().filter { $0.contains("restoring") || $0.contains("replaced") }.isEmpty)
  }

  @Test func `a restore that was cut off before its end is ended when the store is opened`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(8)
    _ = try await store.take(edge.batch(1...5), from: edge.source)
    let path = folder.file("central.db")
    _ = try await store.backUp(to: path + ".restoring")
    _ = try await store.take(edge.batch(6...8), from: edge.source)
    // As a kill leaves it: the journal not copied into the file, the old store in its place.
    try await store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_autocheckpoint = 0") }
    for end in ["", "-wal"] {
      try FileManager.default.copyItem(atPath: path + end, toPath: folder.file("cut.db") + end)
    }
    try store.close()
    try FileManager.default.moveItem(atPath: path + ".restoring", toPath: folder.file("cut.db.restoring"))
    let new = try await openStore(folder, rules, file: "cut.db")
    #expect(try await new.position(of: edge.source, incarnation: edge.incarnation).receivedThrough == 5)
    let kept = try #require(try names().first { $0.hasPrefix("cut.db.replaced") && !$0.hasSuffix("-wal") })
    let old = try await openStore(folder, rules, file: kept)
    #expect(try await old.position(of: edge.source, incarnation: edge.incarnation).receivedThrough == 8)
  }

  @Test func `a store of the schema before backups is taken over, with nothing safe yet`() async throws {
    let store = try await openStore(folder, rules)
    let edge = edge(3)
    _ = try await store.take(edge.batch(), from: edge.source)
    try await store.pool.write {
      try $0.execute(
        sql: """
          ALTER TABLE incarnations DROP COLUMN safe; DROP TABLE backups; DROP TABLE clocks; DROP TABLE corrected; DROP TABLE endings;
          CREATE INDEX cycles_lot ON cycles(lot); DROP INDEX gaps_chain; DROP INDEX cycle_units_cycle;
          ALTER TABLE gaps DROP COLUMN began_stamped; ALTER TABLE gaps DROP COLUMN ended_stamped;
          UPDATE meta SET value = '2' WHERE key = 'schema'
          """)
    }
    try store.close()
    let again = try await openStore(folder, rules)
    let receipt = try await again.position(of: edge.source, incarnation: edge.incarnation)
    #expect(receipt.receivedThrough == 3 && receipt.safeThrough == 0)
    _ = try await again.backUp(to: folder.file("copy.db"))
    #expect(try await safe(again, edge) == 3)
  }
}
