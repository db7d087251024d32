public import Events
import GRDB

/// Consecutive lines of one incarnation, and where the rest is.
public struct ChainPart: Sendable {
  public let source: SourceName
  /// The lines as they are, `#` with the digest where one is held back; numbers before them that are lost are declared.
  public let batch: Batch
  /// Nil at the end.
  public let next: String?
}

extension TraceStore {
  /// The lines of an incarnation in their order, at most `limit`: what a verifier follows, from event 1 or a cursor on.
  ///
  /// Ends before a hole; the next part goes on behind it. Nil where the incarnation is not known (of this source).
  public func chain(
    of incarnation: Incarnation, source: String? = nil, after cursor: String? = nil, limit: Int = 100
  ) async throws -> ChainPart? {
    let start = try Cursor.read(cursor, of: .chain)
    guard start.map({ $0.text == incarnation.description }) ?? true else {
      throw ListFault("the cursor is of another incarnation than \(incarnation)")
    }
    return try await read { db in
      let lives = try Row.fetchAll(
        db,
        sql: """
          SELECT i.id, s.name, i.through FROM incarnations i JOIN sources s ON s.id = i.source
          WHERE i.name = ?1 AND (?2 IS NULL OR s.name = ?2)
          """, arguments: [incarnation.description, source])
      guard lives.count < 2 else { throw ListFault("several sources have this incarnation: name one with source=") }
      guard let life = lives.first, let name = SourceName(life["name"]) else { return nil }
      let after = start?.number ?? 0
      let rows = try Row.fetchAll(
        db,
        sql: """
          SELECT key & ? AS sequence, previous, line FROM events WHERE key > ? AND key <= ? ORDER BY key LIMIT ?
          """,
        // One lower bound: of two, SQLite may seek by the other, and would read all that was given before.
        arguments: [
          EventKey.sequenceMask, EventKey(incarnation: life["id"], sequence: after).packed,
          EventKey(incarnation: life["id"], sequence: EventKey.sequenceMask).packed, limit,
        ])
      return ChainPart(rows, after: after, incarnation, of: name, through: life["through"])
    }
  }
}

extension ChainPart {
  fileprivate init(_ rows: [Row], after: Int64, _ incarnation: Incarnation, of source: SourceName, through: Int64) {
    let first = rows.first.map { $0["sequence"] as Int64 } ?? after + 1
    var lines: [[UInt8]] = []
    let previous = rows.first.flatMap { ChainHash($0.bytes("previous")) } ?? .zero
    var head = previous
    for row in rows {
      guard row["sequence"] as Int64 == first + Int64(lines.count) else { break }
      lines.append(row.bytes("line"))
      head = head.extended(by: lines[lines.count - 1])
    }
    let last = first + Int64(lines.count) - 1
    self.source = source
    batch = Batch(
      incarnation: incarnation, first: UInt64(first), previous: previous, head: head,
      lost: first > after + 1 ? UInt64(after + 1)...UInt64(first - 1) : nil, lines: lines)
    let isMore = !lines.isEmpty && last < through
    next = isMore ? Cursor(.chain, number: last, text: incarnation.description).description : nil
  }
}
