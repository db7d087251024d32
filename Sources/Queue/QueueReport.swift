public import Events
internal import Machine

/// What is in a queue, and why it is not empty.
public struct QueueReport: Sendable, Hashable {
  /// One incarnation that still has rows.
  public struct Life: Sendable, Hashable {
    public let incarnation: Incarnation
    /// The oldest row, and the last number given.
    public let first: UInt64
    public let last: UInt64
    public let rows: UInt64
    /// When the oldest event that is still here was made.
    public let oldest: Timestamp?
    /// How far the central has it, and how far in a backup.
    public let received: UInt64
    public let safe: UInt64
    /// Events that the central refuses.
    public let held: UInt64

    /// Events that the central has not.
    public var unsent: UInt64 { last - min(last, max(received, first - 1)) }
    /// Events that the central has, and has in no backup yet.
    public var unsafe: UInt64 { min(last, received) - min(min(last, received), max(safe, first - 1)) }
    /// Events that are safe, and still here.
    public var kept: UInt64 { rows - min(rows, unsent + unsafe) }
  }

  public let path: String
  public let lives: [Life]
  public let bytes: Int
  /// The most that it may use; nil where that is not known.
  public var limitBytes: Int?
  /// What may still be written until events are refused; nil where that is not known.
  public var freeBytes: Int?
  /// Why nothing is taken now.
  public var refusing: String?

  public var rows: UInt64 { lives.reduce(0) { $0 + $1.rows } }
  public var oldest: Timestamp? { lives.compactMap(\.oldest).min() }

  /// Why it is not empty, each reason a sentence; `keep` is how long rows stay that are safe.
  ///
  /// - Parameter central: how the sending stands, in words.
  public func reasons(keep: String?, central: String) -> [String] {
    func sum(_ part: (Life) -> UInt64) -> UInt64 { lives.reduce(0) { $0 + part($1) } }
    func counted(_ count: UInt64) -> String { count == 1 ? "1 event" : "\(count) events" }
    var reasons: [String] = []
    let (unsent, unsafe, kept, held) = (sum(\.unsent), sum(\.unsafe), sum(\.kept), sum(\.held))
    if unsent > 0 { reasons.append("\(counted(unsent)) not at the central yet: \(central)") }
    if held > 0 { reasons.append("\(counted(held)) held back, because the central does not take what they say") }
    if unsafe > 0 { reasons.append("\(counted(unsafe)) at the central, and in no backup of it yet") }
    if kept == 1, rows == 1 {
      reasons.append("the last event stays, so that the chain goes on from it")
    } else if kept > 0 {
      reasons.append("\(counted(kept)) safe at the central, kept for \(keep ?? "as long as queue.keep says")")
    }
    return reasons
  }

  public func write(to writer: inout JSONWriter) {
    writer.field("path", path)
    writer.field("events", rows)
    writer.field("bytes", bytes)
    writer.field("limit_bytes", limitBytes)
    writer.field("free_bytes", freeBytes)
    writer.field("refusing", refusing)
    writer.field("oldest", oldest)
    writer.key("incarnations")
    writer.array { writer in
      for life in lives {
        writer.object { writer in
          writer.field("incarnation", life.incarnation.description)
          writer.field("first", life.first)
          writer.field("last", life.last)
          writer.field("events", life.rows)
          writer.field("oldest", life.oldest)
          writer.field("received_through", life.received)
          writer.field("safe_through", life.safe)
          writer.field("held", life.held)
        }
      }
    }
  }
}

extension QueueReport {
  /// Reads what `write` wrote; nil for anything else.
  public init?(_ json: JSON) {
    guard let path = json["path"]?.text, let bytes = json["bytes"]?.whole, let items = json["incarnations"]?.items
    else { return nil }
    self.path = path
    self.bytes = Int(bytes)
    limitBytes = json["limit_bytes"]?.whole.map { Int($0) }
    freeBytes = json["free_bytes"]?.whole.map { Int($0) }
    refusing = json["refusing"]?.text
    lives = items.compactMap { item in
      func number(_ name: String) -> UInt64 { item[name]?.whole.flatMap { UInt64(exactly: $0) } ?? 0 }
      guard let incarnation = item["incarnation"]?.text.flatMap({ Incarnation($0) }) else { return nil }
      return Life(
        incarnation: incarnation, first: number("first"), last: number("last"), rows: number("events"),
        oldest: item["oldest"]?.time, received: number("received_through"), safe: number("safe_through"),
        held: number("held"))
    }
  }

  /// Looks into a queue file that no daemon has open, or a copy; reads only, and blocks while it does.
  public static func ofQueue(at path: String) throws -> QueueReport {
    do {
      return try QueueFile.reading(path) { connection in
        let positions = try QueueFile.positions(in: connection)
        let held = HeldEvents(state: try QueueFile.state(prefix: HeldEvent.prefix, in: connection))
        let lives = try QueueFile.lives(in: connection).compactMap { life in
          try Life(life, positions, held, in: connection)
        }
        let pages = Int(try connection.pragma("page_count") ?? "") ?? 0
        let free = Int(try connection.pragma("freelist_count") ?? "") ?? 0
        return QueueReport(path: path, lives: lives, bytes: (pages - free) * QueueFile.pageSize)
      }
    } catch let failure as SQLiteFailure {
      throw OpeningFailure("\(path) cannot be read: \(failure)")
    }
  }
}

extension QueueReport.Life {
  /// Nil where no row of it is left.
  fileprivate init?(
    _ life: Queue.Life, _ positions: [QueueFile.Position], _ held: HeldEvents, in connection: Connection
  ) throws(SQLiteFailure) {
    let ends = try connection.statement("SELECT min(key), max(key) FROM events WHERE key BETWEEN ?1 AND ?2")
    ends.bind(1, life.key(0).packed)
    ends.bind(2, life.key(RowKey.lastSequence).packed)
    defer { ends.reset() }
    guard try ends.step(), !ends.isNull(0) else { return nil }
    first = RowKey(packed: ends.int(0)).sequence
    last = max(life.last, RowKey(packed: ends.int(1)).sequence)
    incarnation = life.incarnation
    rows = last - min(life.removed, last)
    let line = try connection.statement("SELECT line FROM events WHERE key = ?1")
    line.bind(1, ends.int(0))
    defer { line.reset() }
    oldest = try line.step() ? (try? Envelope(line: line.bytes(0)))?.time : nil
    let position = positions.first { $0.frees && $0.ordinal == life.ordinal }
    received = position?.received ?? 0
    safe = position?.safe ?? 0
    self.held = UInt64(held.numbers(of: life.incarnation).count)
  }
}

extension EventQueue {
  /// What is in the queue, and how much more may be.
  public func report() throws(QueueFault) -> QueueReport {
    let file = try reading()
    do throws(SQLiteFailure) {
      var lives: [QueueReport.Life] = []
      for life in file.lives {
        if let life = try QueueReport.Life(life, positions, held, in: file.connection) { lives.append(life) }
      }
      let used = file.usedBytes
      // Pages that are free within the file take rows although the disk is full.
      let onDisk = disk.free.map { max(0, $0 - disk.neededBytes) + file.freeBytes }
      return QueueReport(
        path: settings.path, lives: lives, bytes: used, limitBytes: settings.limitBytes,
        freeBytes: max(0, min(settings.limitBytes - used, onDisk ?? .max)), refusing: status.refusing?.description)
    } catch { throw failed(reading: error) }
  }
}
