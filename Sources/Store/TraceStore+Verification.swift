import Events
import GRDB
import Machine

/// What following the chains of a store found.
public struct StoreVerdict: Sendable, Hashable, CustomStringConvertible {
  /// Lines, and digests that stand for lines, that lead to the hash which stands beside them.
  public var good: UInt64 = 0
  /// The first event that is not as it was written, and what is wrong with it.
  public var firstBad: String?
  /// How far each incarnation was followed.
  public var chains: [StoreChain] = []

  public var description: String { firstBad ?? "\(good) events of the store are as they were written" }
}

/// How far a store has one incarnation, as its chain proves.
public struct StoreChain: Sendable, Hashable {
  public let source: String
  public let incarnation: String
  public let through: Int64
  /// Numbers whose lines are not here: declared lost, or held at the source.
  public fileprivate(set) var absent: [ClosedRange<Int64>] = []
}

extension TraceStore {
  /// Follows the chain of every incarnation in a store's file, which is only read; nil where the file is no store.
  ///
  /// It takes a thread of its own while it lasts; the store may be in use.
  /// - Parameter isThorough: that SQLite looks through all of the file's pages as well.
  public static func verification(ofStoreAt path: String, isThorough: Bool = false) async throws -> StoreVerdict? {
    try await StoreReader().verify(path, isThorough: isThorough)
  }
}

/// Reads whole stores, for minutes perhaps: on a thread of its own.
actor StoreReader {
  private let thread = OwnThread(name: "store-reader")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func verify(_ path: String, isThorough: Bool) throws -> StoreVerdict? {
    let file: DatabaseQueue
    do { file = try Self.open(path) } catch { throw StoreError("cannot read \(path): \(error)") }
    defer { try? file.close() }
    return try file.read { db in
      guard try db.tableExists("incarnations"), try db.tableExists("sources") else { return nil }
      var verdict = StoreVerdict()
      if isThorough, let fault = try String.fetchOne(db, sql: "PRAGMA quick_check(1)"), fault != "ok" {
        verdict.firstBad = "the file \(path) is damaged: \(fault.replacing("\n", with: " "))"
        return verdict
      }
      let lives = try Row.fetchAll(
        db,
        sql: """
          SELECT i.id, i.name, i.through, i.head, s.name AS source FROM incarnations i JOIN sources s ON s.id = i.source
          ORDER BY i.id
          """)
      for life in lives {
        try Self.follow(life, in: db, &verdict)
        if verdict.firstBad != nil { break }
        try Task.checkCancellation()
      }
      return verdict
    }
  }

  static func open(_ path: String) throws -> DatabaseQueue {
    var settings = Configuration()
    settings.readonly = true
    return try DatabaseQueue(path: path, configuration: settings)
  }

  private static func follow(_ life: Row, in db: Database, _ verdict: inout StoreVerdict) throws {
    var chain = StoreChain(source: life["source"], incarnation: life["name"], through: life["through"])
    var holes = try Row.fetchAll(
      db, sql: "SELECT first, last FROM holes WHERE incarnation = ? ORDER BY first", arguments: [life["id"] as Int64]
    ).map { ($0["first"] as Int64)...max($0["first"], $0["last"]) }
    func name(_ sequence: Int64) -> String { "event \(sequence) of \(chain.source) (\(chain.incarnation):\(sequence))" }
    var last: Int64 = 0
    var hash = ChainHash.zero
    /// The first number after `last` that has no row and was not declared lost either.
    func missing(before sequence: Int64) -> Int64? {
      var number = last + 1
      while number < sequence {
        guard let hole = holes.first(where: { $0.contains(number) }) else { return number }
        number = hole.upperBound + 1
      }
      return nil
    }
    let rows = try Row.fetchCursor(
      db, sql: "SELECT key, previous, line FROM events WHERE key BETWEEN ? AND ? ORDER BY key",
      arguments: EventKey.all(of: life["id"]))
    while let row = try rows.next() {
      let sequence = EventKey(packed: row["key"]).sequence
      if let number = missing(before: sequence) {
        verdict.firstBad = "\(name(number)) is not there, and nothing says that it is lost"
        return
      }
      guard let previous = ChainHash(row.bytes("previous")) else {
        verdict.firstBad = "\(name(sequence)): the hash beside it is not one"
        return
      }
      // After a declared hole the lines that lead to the hash are not here; the one beside the row begins anew.
      if last + 1 == sequence, previous != hash {
        // What follows tells which of the two it is: where the hash beside this row still leads on, the one before it.
        let next = previous.extended(by: row.bytes("line"))
        let expected = try rows.next().map { $0.bytes("previous") } ?? life.bytes("head")
        verdict.firstBad =
          next.bytes == expected
          ? "\(name(last)): its bytes are not what was hashed"
          : "\(name(sequence)) does not continue the one before it"
        return
      }
      if last + 1 < sequence { chain.absent.append((last + 1)...(sequence - 1)) }
      holes.removeAll { $0.upperBound < sequence }
      let line = row.bytes("line")
      if ChainHash.heldDigest(line) != nil { chain.absent.append(sequence...sequence) }
      hash = previous.extended(by: line)
      last = sequence
      verdict.good += 1
    }
    if let number = missing(before: chain.through + 1) {
      verdict.firstBad = "\(name(number)) is not there, and nothing says that it is lost"
    } else if last == chain.through, ChainHash(life.bytes("head")) != hash {
      verdict.firstBad = "\(name(last)): its bytes are not what was hashed"
    } else if last > chain.through {
      verdict.firstBad = "\(name(last)) is there, but the store's own count ends with \(chain.through)"
    }
    if last < chain.through { chain.absent.append((last + 1)...chain.through) }
    verdict.chains.append(chain)
  }
}
