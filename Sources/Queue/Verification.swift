public import Events
internal import Machine

/// Follows chains row by row: the core of `lotline verify` for a queue.
struct ChainCheck {
  private(set) var verdict = QueueVerdict()
  private let lives: [Life]
  private var before: (key: RowKey, hash: ChainHash)?

  init(_ lives: [Life]) { self.lives = lives }

  /// Takes the next row in order of its key.
  mutating func take(_ row: Row) {
    guard verdict.isGood else { return }
    guard let life = lives.first(where: { $0.ordinal == row.key.ordinal }) else {
      return blame("row \(row.key.packed)", "it belongs to no incarnation that the file names")
    }
    let id = EventID(incarnation: life.incarnation, sequence: row.key.sequence)
    guard let hash = row.hash else { return blame("event \(id)", "its bytes are not what was hashed") }
    guard let envelope = try? Envelope(line: row.line), envelope.id == id else {
      return blame("event \(id)", "its line is not that event")
    }
    if let before, before.key.ordinal == row.key.ordinal, before.key.sequence + 1 == row.key.sequence {
      guard before.hash == row.previous else { return blame("event \(id)", "it does not continue the one before it") }
    } else {
      let expected = before.flatMap { $0.key.ordinal == row.key.ordinal ? $0.key.sequence + 1 : nil } ?? 1
      if row.key.sequence > expected {
        verdict.missing.append(
          LostNumbers(incarnation: life.incarnation, numbers: expected...(row.key.sequence - 1)))
      } else if row.previous != .zero {
        return blame("event \(id)", "it is the first, but the hash before it is not zero")
      }
    }
    before = (row.key, hash)
    verdict.good += 1
    verdict.end = (id, hash)
  }

  private mutating func blame(_ place: String, _ reason: String) {
    verdict.firstBad = QueueVerdict.Bad(place: place, reason: reason)
  }
}

extension QueueFile {
  /// Rows in order of their keys after `key`.
  static func rows(after key: RowKey, limit: Int, _ connection: Connection) throws(SQLiteFailure) -> [Row] {
    let statement = try connection.statement(
      "SELECT \(Row.columns) FROM events WHERE key > ?1 ORDER BY key LIMIT ?2")
    statement.bind(1, key.packed)
    statement.bind(2, Int64(limit))
    defer { statement.reset() }
    var rows: [Row] = []
    while try statement.step() { rows.append(Row(statement)) }
    return rows
  }
}

extension EventQueue {
  /// Follows the chain of everything that is here; intake goes on between its steps.
  public func verify() async -> QueueVerdict {
    guard let lives = file?.lives else { return QueueVerdict() }
    var check = ChainCheck(lives)
    var key = RowKey(packed: 0)
    while let file, check.verdict.isGood {
      do {
        let rows = try QueueFile.rows(after: key, limit: 1000, file.connection)
        guard let last = rows.last else { break }
        for row in rows where row.key <= lives[lives.count - 1].lastKey { check.take(row) }
        key = last.key
      } catch {
        _ = fail(error)
        var verdict = check.verdict
        verdict.firstBad = .init(place: "the file", reason: "\(error)")
        return verdict
      }
      await Task.yield()
    }
    return check.verdict
  }
}

extension QueueVerdict {
  /// Follows the chain of a queue file that no daemon has open; reads only, and blocks while it does.
  public static func ofQueue(at path: String) throws -> QueueVerdict {
    do {
      return try QueueFile.reading(path) { connection in
        var check = ChainCheck(try QueueFile.lives(in: connection))
        var key = RowKey(packed: 0)
        while check.verdict.isGood {
          let rows = try QueueFile.rows(after: key, limit: 1000, connection)
          guard let last = rows.last else { break }
          for row in rows { check.take(row) }
          key = last.key
        }
        return check.verdict
      }
    } catch let failure as SQLiteFailure {
      guard failure.isDamage else { throw OpeningFailure("\(path) cannot be read: \(failure)") }
      var verdict = QueueVerdict()
      verdict.firstBad = Bad(place: "the file", reason: failure.message)
      return verdict
    }
  }
}

/// Follows the chain of an export, line by line: one incarnation's events in order, held ones as `#` and their digest.
public struct ExportCheck: Sendable {
  public private(set) var verdict = QueueVerdict()
  private var hash: ChainHash?
  private var id: EventID?
  private var source: SourceName?
  private var lineNumber: UInt64 = 0
  private let expectedHead: ChainHash?

  /// Begins; `previous` is the hash before the first line, which must be given where that is not event 1.
  ///
  /// `head` is the hash after the last line as somebody else knows it: a receipt, a marker, an older export.
  public init(previous: ChainHash? = nil, head: ChainHash? = nil) {
    hash = previous
    expectedHead = head
  }

  /// Takes the next line, without its newline.
  public mutating func take(_ line: some Collection<UInt8>) {
    lineNumber += 1
    guard verdict.isGood else { return }
    if let digest = ChainHash.heldDigest(line) {
      guard let hash, let id else { return blame("a held event cannot be the first line without the hash before it") }
      return go(to: EventID(incarnation: id.incarnation, sequence: id.sequence + 1), hash.extended(byDigest: digest))
    }
    let envelope: Envelope
    do { envelope = try Envelope(line: line) } catch { return blame("\(error)") }
    if let source, source != envelope.source { return blame("it is of source \(envelope.source), not of \(source)") }
    source = envelope.source
    if let id {
      guard envelope.id.incarnation == id.incarnation, envelope.id.sequence == id.sequence + 1 else {
        return blame("it is event \(envelope.id), but \(id.sequence + 1) of \(id.incarnation) should follow")
      }
    } else if envelope.id.sequence == 1 {
      hash = hash ?? .zero
    }
    guard let hash else { return blame("it is event \(envelope.id.sequence), and the hash before it was not given") }
    go(to: envelope.id, hash.extended(byDigest: ChainHash.digest(of: line)))
  }

  /// Ends: compares with the head that was expected.
  public mutating func finish() -> QueueVerdict {
    if verdict.isGood, let expectedHead, let hash, hash != expectedHead {
      verdict.firstBad = QueueVerdict.Bad(
        place: "the export", reason: "its lines lead to hash \(hash), not to \(expectedHead): one of them was altered")
    }
    return verdict
  }

  private mutating func go(to id: EventID, _ hash: ChainHash) {
    self.id = id
    self.hash = hash
    verdict.good += 1
    verdict.end = (id, hash)
  }

  private mutating func blame(_ reason: String) {
    verdict.firstBad = QueueVerdict.Bad(place: "line \(lineNumber)", reason: reason)
  }
}
