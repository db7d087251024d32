import Events
import GRDB

/// What following the chains of a store found.
public struct StoreVerdict: Sendable, Hashable, CustomStringConvertible {
  /// Lines, and digests that stand for lines, that lead to the hash which stands beside them.
  public var good: UInt64 = 0
  /// The first event that is not as it was written, and what is wrong with it.
  public var firstBad: String?

  public var description: String { firstBad ?? "\(good) events of the store are as they were written" }
}

extension TraceStore {
  /// Follows the chain of every incarnation in a store's file, which is only read; nil where the file is no store.
  public static func verification(ofStoreAt path: String) async throws -> StoreVerdict? {
    var settings = Configuration()
    settings.readonly = true
    let file: DatabaseQueue
    do { file = try DatabaseQueue(path: path, configuration: settings) } catch {
      throw StoreError("cannot read \(path): \(error)")
    }
    defer { try? file.close() }
    return try await file.read { db in
      guard try db.tableExists("incarnations"), try db.tableExists("sources") else { return nil }
      var verdict = StoreVerdict()
      for life in try Row.fetchAll(db, sql: "SELECT id, name, through, head FROM incarnations ORDER BY id") {
        try follow(life, in: db, &verdict)
        if verdict.firstBad != nil { break }
      }
      return verdict
    }
  }

  private static func follow(_ life: Row, in db: Database, _ verdict: inout StoreVerdict) throws {
    let name: String = life["name"]
    let rows = try Row.fetchCursor(
      db, sql: "SELECT key, previous, line FROM events WHERE key BETWEEN ? AND ? ORDER BY key",
      arguments: EventKey.all(of: life["id"]))
    var last: Int64 = 0
    var hash = ChainHash.zero
    while let row = try rows.next() {
      let sequence = EventKey(packed: row["key"]).sequence
      guard let previous = ChainHash(row.bytes("previous")) else {
        verdict.firstBad = "event \(name):\(sequence): the hash beside it is not one"
        return
      }
      // After a declared hole the lines that lead to the hash are not here; the one beside the row begins anew.
      if last + 1 == sequence, previous != hash {
        verdict.firstBad = "event \(name):\(sequence) does not continue the one before it: one of the two was altered"
        return
      }
      hash = previous.extended(by: row.bytes("line"))
      last = sequence
      verdict.good += 1
    }
    if last == life["through"] as Int64, ChainHash(life.bytes("head")) != hash {
      verdict.firstBad = "event \(name):\(last): its bytes are not what was hashed"
    }
  }
}
