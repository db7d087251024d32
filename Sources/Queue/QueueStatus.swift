public import Events

/// How the queue stands: what pages, metrics and the forwarder show without asking the disk.
public struct QueueStatus: Sendable, Hashable {
  public var incarnation: Incarnation
  /// The last number that is on disk; 0 before the first.
  public var last: UInt64 = 0
  /// The chain's hash after `last`.
  public var head: ChainHash = .zero
  /// Rows of all incarnations.
  public var rows: UInt64 = 0
  /// Bytes in use by rows and journal.
  public var bytes: Int = 0
  public var limitBytes: Int
  /// How far each consumer is, by its name; only the receipts of its latest incarnation.
  public var consumers: [String: ConsumerStatus] = [:]
  /// All incarnations that are known here, oldest first; the last is the current one.
  public var incarnations: [IncarnationStatus] = []
  /// Whether the disk space that lets a full disk be drained is held back.
  public var isReserveHeld = true
  /// Why nothing can be appended now; nil while the queue accepts.
  public var refusing: Refusal?
  /// Periodic entries refused since the queue was opened, because it was nearly full.
  public var shed: UInt64 = 0
  /// Numbers found damaged since opening: a row whose bytes are not what was hashed.
  public var damaged: [EventID] = []
  /// Events that the central refuses for their content, the longest held first; the last may be on trial.
  public var held: [HeldEvent] = []
  /// The last time that the primary consumer had less than it had said before.
  public var rewind: Rewind?
  public var counts = QueueCounts()

  public init(incarnation: Incarnation, limitBytes: Int) {
    self.incarnation = incarnation
    self.limitBytes = limitBytes
  }

  public var accepts: Bool { refusing == nil }

  /// Whether readings that come at a rate are left out, so that scans and cycles still have room.
  public var isThinning: Bool { !accepts || bytes >= limitBytes / 100 * Limit.periodicPercent }
}

/// What the queue did since it was opened.
public struct QueueCounts: Sendable, Hashable {
  public var events: UInt64 = 0
  /// Commits of entries: each one flush of the disk's cache.
  public var commits: UInt64 = 0
  public var checkpoints: UInt64 = 0
  public var removed: UInt64 = 0
  /// Of these, rows that were not safe at the central.
  public var released: UInt64 = 0
  /// Times that the primary consumer had less than it had said before.
  public var rewinds: UInt64 = 0
  /// Commits that failed; each closed the file and opened it again.
  public var failures: UInt64 = 0
}

/// The central has less of an incarnation than it said before: it was put back from a backup, or is another one.
public struct Rewind: Sendable, Hashable, CustomStringConvertible {
  public let incarnation: Incarnation
  /// It had everything up to here.
  public let from: UInt64
  /// It has everything up to here.
  public let to: UInt64
  public let at: Timestamp
  /// Whether all that it lacks is still here.
  public let isHere: Bool

  public var description: String {
    "the central has the events of \(incarnation) up to \(to) only, and had them up to \(from): it was put back from a "
      + "backup, or is another one. "
      + (isHere
        ? "It gets again what it lacks" : "It gets again what is still here; what is not will be a sequence-hole there")
  }
}

/// How far one consumer has the current incarnation.
public struct ConsumerStatus: Sendable, Hashable {
  public var incarnation: Incarnation
  public var receivedThrough: UInt64
  public var safeThrough: UInt64
  /// Whether its receipts let rows go.
  public var frees: Bool
}

/// One life of the queue as far as it is still known here.
public struct IncarnationStatus: Sendable, Hashable {
  public var incarnation: Incarnation
  /// The oldest row that is still here; nil if none is.
  public var first: UInt64?
  /// The last number that was ever given, as far as it is known.
  public var last: UInt64
  /// The hash after `last`.
  public var head: ChainHash
  /// Why it began.
  public var why: String
  /// `received_through` by consumer.
  public var received: [String: UInt64] = [:]
  /// `safe_through` by consumer.
  public var safe: [String: UInt64] = [:]
}

/// What opening the queue found.
public struct Opening: Sendable, Hashable {
  /// The file's earlier life and why it ended; nil where the current one simply went on.
  public var previous: StartedData.Previous?
  /// The last beat or event before this start; nil in a new file.
  public var alive: Timestamp?
  /// Whether the last daemon closed the queue in order; true in a new file.
  public var stoppedCleanly: Bool = true
  /// Where the damaged file was put as evidence.
  public var setAside: String?
  /// Rows of the damaged file that are in the new one.
  public var salvaged: UInt64 = 0
  /// Numbers of an earlier incarnation that could not be recovered.
  public var lost: [LostNumbers] = []
  /// Whether rows are still being taken over; `salvaged` and `lost` are not final until then.
  public var isSalvaging = false
  /// Whether the state (contexts, last cycles) came through.
  public var keptState: Bool = true

  public init() {}
}

/// Numbers of one incarnation that nobody has any more.
public struct LostNumbers: Sendable, Hashable, CustomStringConvertible {
  public let incarnation: Incarnation
  public let numbers: ClosedRange<UInt64>

  public init(incarnation: Incarnation, numbers: ClosedRange<UInt64>) {
    self.incarnation = incarnation
    self.numbers = numbers
  }

  public var description: String { "\(incarnation):\(numbers.lowerBound)-\(numbers.upperBound)" }
}

/// Why a question to the queue has no answer, or a receipt is not believed.
public enum QueueFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// Numbers to come: `head` is the last there is.
  case beyondEnd(head: UInt64)
  case unknownIncarnation(Incarnation)
  case wrongSource(SourceName)
  /// The receipt's hash is not the chain's at that number.
  case wrongHash(at: UInt64, expected: ChainHash, found: ChainHash)
  case unordered(received: UInt64, safe: UInt64)
  /// As many events are held as may be.
  case tooManyHeld(Int)
  case failing(String)

  public var description: String {
    switch self {
    case .beyondEnd(let head): "the number is still to come: the last event is \(head)"
    case .unknownIncarnation(let incarnation): "the queue knows no incarnation \(incarnation)"
    case .wrongSource(let name): "the receipt is for source \(name), which is not the one of this queue"
    case .wrongHash(let number, let expected, let found):
      "the receipt's hash after event \(number) is \(found), the queue's is \(expected): the two do not hold the same events"
    case .unordered(let received, let safe):
      "the receipt calls events safe through \(safe) but received only through \(received)"
    case .tooManyHeld(let count):
      "\(count) events are held back already, which is the limit: find out why the central refuses so many"
    case .failing(let why): "the queue cannot read: \(why)"
    }
  }
}

/// What a check of the chain found.
public struct QueueVerdict: Sendable, Hashable, CustomStringConvertible {
  /// Lines whose bytes lead to the hash that stands for them.
  public var good: UInt64 = 0
  /// The first event that is not as it was written, and what is wrong with it.
  public var firstBad: Bad?
  /// Numbers that are not here between or before those that are; freed rows are among them.
  public var missing: [LostNumbers] = []
  /// The incarnation of the last line and the hash after it.
  public var end: (id: EventID, head: ChainHash)? {
    get { endID.flatMap { id in endHead.map { (id, $0) } } }
    set {
      endID = newValue?.id
      endHead = newValue?.head
    }
  }
  private var endID: EventID?
  private var endHead: ChainHash?

  public init() {}

  public struct Bad: Sendable, Hashable {
    /// The event as its place names it, or the line's number in an export.
    public let place: String
    public let reason: String
  }

  public var isGood: Bool { firstBad == nil }

  public var description: String {
    if let firstBad { return "\(firstBad.place): \(firstBad.reason)" }
    guard let end else { return "no events" }
    return "\(good) events are as they were written; the last is \(end.id), the hash after it \(end.head)"
  }
}
