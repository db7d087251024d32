import Events
import GRDB

/// An event's place in this store: its incarnation's row and its number; ordered as things happened at one source.
struct EventKey: Sendable, Hashable, Comparable {
  let incarnation: Int64
  let sequence: Int64

  static func < (a: EventKey, b: EventKey) -> Bool { (a.incarnation, a.sequence) < (b.incarnation, b.sequence) }

  init(incarnation: Int64, sequence: Int64) {
    self.incarnation = incarnation
    self.sequence = sequence
  }

  /// From the columns of these names.
  init(_ row: Row) { self.init(incarnation: row["incarnation"], sequence: row["sequence"]) }
}

extension Row {
  /// A column with microseconds since 1970.
  func time(_ column: String) -> Timestamp? { (self[column] as Int64?).map { Timestamp(microseconds: $0) } }
}
