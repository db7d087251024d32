internal import Events

/// What stands beside the events: state, receipts, signs of life.
extension QueueFile {
  /// The values kept under names that begin with `prefix`.
  func state(prefix: String) throws(SQLiteFailure) -> [String: [UInt8]] {
    try Self.state(prefix: prefix, in: connection)
  }

  static func state(prefix: String, in connection: Connection) throws(SQLiteFailure) -> [String: [UInt8]] {
    let statement = try connection.statement("SELECT name, value FROM state WHERE name >= ?1 ORDER BY name")
    statement.bind(1, prefix)
    defer { statement.reset() }
    var found: [String: [UInt8]] = [:]
    while try statement.step() {
      guard let name = statement.text(0), name.utf8.starts(with: prefix.utf8) else { break }
      found[name] = statement.bytes(1)
    }
    return found
  }

  /// How far a consumer has one incarnation.
  struct Position: Hashable {
    let consumer: String
    let ordinal: Int64
    var received: UInt64
    var safe: UInt64
    var frees: Bool
  }

  func positions() throws(SQLiteFailure) -> [Position] { try Self.positions(in: connection) }

  static func positions(in connection: Connection) throws(SQLiteFailure) -> [Position] {
    let statement = try connection.statement("SELECT name, ordinal, received, safe, frees FROM consumers")
    defer { statement.reset() }
    var found: [Position] = []
    while try statement.step() {
      found.append(
        Position(
          consumer: statement.text(0) ?? "", ordinal: statement.int(1), received: UInt64(clamping: statement.int(2)),
          safe: UInt64(clamping: statement.int(3)), frees: statement.int(4) != 0))
    }
    return found
  }

  func keep(_ position: Position) throws(SQLiteFailure) {
    let statement = try connection.statement(
      """
      INSERT INTO consumers(name, ordinal, received, safe, frees) VALUES(?1, ?2, ?3, ?4, ?5)
      ON CONFLICT(name, ordinal) DO UPDATE SET received = excluded.received, safe = excluded.safe, frees = excluded.frees
      """)
    statement.bind(1, position.consumer)
    statement.bind(2, position.ordinal)
    statement.bind(3, Int64(position.received))
    statement.bind(4, Int64(position.safe))
    statement.bind(5, position.frees ? 1 : 0)
    try statement.run()
  }

  /// Names of single values.
  enum Meta: String {
    /// The last beat, in microseconds.
    case alive
    /// 1 from an orderly close until the next opening.
    case stopped
    /// The damaged file whose rows are still being taken over, and how far that is.
    case salvage
    case salvagedPages
    /// Rows that went before they were safe, and that no event tells of yet.
    case released
    /// 1 once its state was taken over, or could not be read.
    case stateTaken
  }

  func meta(_ name: Meta) throws(SQLiteFailure) -> Int64? {
    let statement = try connection.statement("SELECT value FROM meta WHERE name = ?1")
    statement.bind(1, name.rawValue)
    defer { statement.reset() }
    return try statement.step() ? statement.int(0) : nil
  }

  func metaText(_ name: Meta) throws(SQLiteFailure) -> String? {
    let statement = try connection.statement("SELECT value FROM meta WHERE name = ?1")
    statement.bind(1, name.rawValue)
    defer { statement.reset() }
    return try statement.step() ? statement.text(0) : nil
  }

  func set(_ name: Meta, _ value: Int64) throws(SQLiteFailure) {
    let statement = try connection.statement("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")
    statement.bind(1, name.rawValue)
    statement.bind(2, value)
    try statement.run()
  }

  func set(_ name: Meta, _ value: String) throws(SQLiteFailure) {
    let statement = try connection.statement("INSERT OR REPLACE INTO meta(name, value) VALUES(?1, ?2)")
    statement.bind(1, name.rawValue)
    statement.bind(2, value)
    try statement.run()
  }

  func clear(_ name: Meta) throws(SQLiteFailure) {
    let statement = try connection.statement("DELETE FROM meta WHERE name = ?1")
    statement.bind(1, name.rawValue)
    try statement.run()
  }

  /// The hash after event `sequence`, where the file can still tell.
  func hash(after sequence: UInt64, of life: Life) throws(SQLiteFailure) -> ChainHash? {
    if sequence == 0 { return .zero }
    if sequence == life.last { return life.head }
    if let next = try row(life.key(sequence + 1)), next.hash != nil { return next.previous }
    return try row(life.key(sequence))?.hash
  }
}
