public import Events
import Foundation
import GRDB

/// A line that stands beside the record: it came under a number that another line has, or that nothing proves to be its own.
///
/// Nothing follows from it. People see in it what a second queue of the same name accepted, or one that was put back.
public struct KeptLine: Sendable, Hashable {
  public let source: String
  public let incarnation: Incarnation
  public let sequence: Int64
  /// The hash of its own chain after it.
  public let hash: ChainHash
  public let received: Timestamp
  /// As it came; `#` with the digest where its source held it back.
  public let line: [UInt8]

  /// `event` is absent where only its digest came.
  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("source", source)
      writer.field("incarnation", incarnation.description)
      writer.field("sequence", sequence)
      writer.field("hash", hash.description)
      writer.field("received", received)
      if ChainHash.heldDigest(line) == nil {
        writer.key("event")
        writer.raw(line)
      }
    }
  }
}

extension TraceStore {
  /// The lines that stand beside the record, in the order of their incarnations and numbers.
  public func keptLines(
    source: String? = nil, incarnation: Incarnation? = nil, after cursor: String? = nil, limit: Int = 100
  ) async throws -> Page<KeptLine> {
    let start = try Cursor.read(cursor, of: .conflicts)
    let place = EventKey(packed: start?.number ?? 0)
    guard let hash = bytes(hex: start?.text ?? "") else {
      throw ListFault("the cursor is none that this list gave: take it from the answer before as it is")
    }
    return try await read { db in
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT s.name AS source, i.name, c.incarnation, c.sequence, c.hash, c.received, c.line
          FROM conflicts c JOIN incarnations i ON i.id = c.incarnation JOIN sources s ON s.id = i.source
          WHERE (c.incarnation, c.sequence, c.hash) > (?1, ?2, ?3) AND (?4 IS NULL OR s.name = ?4)
          AND (?5 IS NULL OR i.name = ?5) ORDER BY c.incarnation, c.sequence, c.hash LIMIT ?6
          """,
        arguments: [
          place.incarnation, place.sequence, Data(hash), source?.storable,
          incarnation?.description, limit + 1,
        ])
      let lines = try rows.prefix(limit).map { try KeptLine($0) }
      let last = rows.count > limit ? rows[limit - 1] : nil
      return Page(items: lines, next: last.map { Self.place($0).description })
    }
  }

  private static func place(_ row: Row) -> Cursor {
    Cursor(.conflicts, number: EventKey(row).packed, text: hex(row.bytes("hash")))
  }
}

extension KeptLine {
  fileprivate init(_ row: Row) throws {
    guard let incarnation = Incarnation(row["name"]), let hash = ChainHash(row.bytes("hash")) else {
      throw StoreError(
        "the store's table of conflicts cannot be read: line \(row["sequence"] as Int64) has no hash of 32 bytes")
    }
    self.init(
      source: row["source"], incarnation: incarnation, sequence: row["sequence"], hash: hash,
      received: Timestamp(microseconds: row["received"]), line: row.bytes("line"))
  }
}
