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

  /// Both in one number of the same order: the row of an event.
  var packed: Int64 { incarnation << Self.sequenceBits | sequence }

  init(packed: Int64) {
    self.init(incarnation: packed >> Self.sequenceBits, sequence: packed & Self.sequenceMask)
  }

  /// The first and the last row of an incarnation, for `BETWEEN`.
  static func all(of incarnation: Int64) -> StatementArguments {
    [
      EventKey(incarnation: incarnation, sequence: 0).packed,
      EventKey(incarnation: incarnation + 1, sequence: 0).packed - 1,
    ]
  }

  /// Enough for `EventID.highestSequence`.
  static let sequenceBits: Int64 = 40
  static let sequenceMask: Int64 = 1 << sequenceBits - 1
  /// The highest row of an incarnation that can be packed.
  static let lastIncarnation: Int64 = 1 << (63 - sequenceBits) - 1
}

extension Row {
  /// A column with microseconds since 1970.
  func time(_ column: String) -> Timestamp? { (self[column] as Int64?).map { Timestamp(microseconds: $0) } }
}
