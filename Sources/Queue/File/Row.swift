internal import Events

/// Where a row stands in the table: incarnations by their ordinal, within one by the event's number.
///
/// Packed into SQLite's row id, so that appending touches one tree and only its end.
struct RowKey: Hashable, Comparable {
  let packed: Int64

  static let sequenceBits: Int64 = 44
  static let lastSequence: UInt64 = 1 << UInt64(sequenceBits) - 1
  static let lastOrdinal: Int64 = 1 << (62 - sequenceBits)

  init(packed: Int64) { self.packed = packed }

  init(ordinal: Int64, sequence: UInt64) {
    packed = ordinal << Self.sequenceBits | Int64(sequence)
  }

  var ordinal: Int64 { packed >> Self.sequenceBits }
  var sequence: UInt64 { UInt64(packed & (1 << Self.sequenceBits - 1)) }

  static func < (a: RowKey, b: RowKey) -> Bool { a.packed < b.packed }
}

/// One event as it is stored: its line, the hash before it, and what proves that neither changed since.
struct Row {
  let key: RowKey
  let previous: ChainHash
  let line: [UInt8]
  /// The first eight bytes of the hash after the line, so that a row proves itself without its neighbours.
  let proof: Int64

  /// The hash after the line, computed from the bytes; nil where they are not what was stored.
  var hash: ChainHash? {
    let hash = previous.extended(byDigest: ChainHash.digest(of: line))
    return Self.proof(of: hash) == proof ? hash : nil
  }

  static func proof(of hash: ChainHash) -> Int64 {
    hash.bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) }
  }

  init(key: RowKey, previous: ChainHash, line: [UInt8], proof: Int64) {
    self.key = key
    self.previous = previous
    self.line = line
    self.proof = proof
  }

  static let columns = "key, previous, proof, line"

  /// Reads the current row of a statement that selects `columns`.
  init(_ statement: Statement) {
    key = RowKey(packed: statement.int(0))
    previous = ChainHash(statement.bytes(1)) ?? .zero
    proof = statement.int(2)
    line = statement.bytes(3)
  }
}

/// One incarnation as the file knows it.
struct Life: Hashable {
  let ordinal: Int64
  let incarnation: Incarnation
  let why: String
  /// The last number given; its row may be gone.
  var last: UInt64
  /// The hash after `last`.
  var head: ChainHash
  /// Numbers up to `last` that have no row here any more.
  var removed: UInt64
  /// The oldest row; nil if none is left.
  var first: UInt64?

  var lastKey: RowKey { RowKey(ordinal: ordinal, sequence: last) }
  func key(_ sequence: UInt64) -> RowKey { RowKey(ordinal: ordinal, sequence: sequence) }
}
