public import Events

/// An event that the central refuses for its content: its digest goes in its place, and its row stays here meanwhile.
public struct HeldEvent: Sendable, Hashable {
  public let id: EventID
  /// What the central said last.
  public var why: String
  /// When it was first refused.
  public var since: Timestamp
  /// How often it was sent again and refused again.
  public var resent: UInt64
  /// The last event that the central had when it took this one; nil while it refuses it.
  ///
  /// From then on nothing is held back, but the row stays until more than that is safe: a backup of the central that
  /// was made before has the digest alone.
  var takenAt: EventID?

  public init(id: EventID, why: String, since: Timestamp, resent: UInt64 = 0) {
    self.id = id
    self.why = why
    self.since = since
    self.resent = resent
  }

  /// Names of state under which held events are kept begin with this.
  static let prefix = "held/"

  /// Reads a value of the queue's state; nil where the name is no event's.
  ///
  /// The name alone says that an event is held: what else is kept only tells people about it.
  init?(name: String, value: [UInt8], now: Timestamp) {
    guard name.hasPrefix(Self.prefix), let id = EventID(String(name.dropFirst(Self.prefix.count))) else { return nil }
    let json = JSON(value)
    self.init(
      id: id, why: json?["why"]?.text ?? "no reason was kept", since: json?["since"]?.time ?? now,
      resent: json?["resent"]?.whole.flatMap { UInt64(exactly: $0) } ?? 0)
    takenAt = json?["taken_at"]?.text.flatMap { EventID($0) }
  }

  /// Keeps it.
  var keeping: StateChange {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("since", since)
      writer.field("resent", resent)
      writer.field("why", why)
      writer.field("taken_at", takenAt?.description)
    }
    return StateChange(key: Self.prefix + id.description, value: writer.bytes)
  }

  /// Ends it.
  var ending: StateChange { StateChange(key: Self.prefix + id.description, value: nil) }
}

/// The events that are held, by number.
struct HeldEvents {
  private var byID: [EventID: HeldEvent]

  init(state: [String: [UInt8]] = [:], now: Timestamp = Moment.now().time) {
    byID = [:]
    for (name, value) in state {
      if let event = HeldEvent(name: name, value: value, now: now) { byID[event.id] = event }
    }
  }

  /// How many the central refuses.
  var count: Int { byID.values.count { $0.takenAt == nil } }
  /// Those that the central took, whose rows stay for a while.
  var taken: [HeldEvent] { byID.values.filter { $0.takenAt != nil } }

  subscript(id: EventID) -> HeldEvent? {
    get { byID[id] }
    set { byID[id] = newValue }
  }

  /// Those that the central refuses, the longest held first.
  var list: [HeldEvent] {
    byID.values.filter { $0.takenAt == nil }.sorted {
      ($0.since, $0.id.incarnation.description, $0.id.sequence) < (
        $1.since, $1.id.incarnation.description, $1.id.sequence
      )
    }
  }

  /// The numbers of an incarnation whose rows stay, ascending.
  func numbers(of incarnation: Incarnation) -> [UInt64] {
    byID.keys.filter { $0.incarnation == incarnation }.map(\.sequence).sorted()
  }

  /// The batch with a digest in the place of each line that is held.
  func veiled(_ batch: Batch) -> Batch {
    guard !byID.isEmpty else { return batch }
    let held = numbers(of: batch.incarnation).filter { number in
      batch.first <= number && number <= batch.last
        && byID[EventID(incarnation: batch.incarnation, sequence: number)]?.takenAt == nil
    }
    guard !held.isEmpty else { return batch }
    var lines = batch.lines
    for number in held {
      let index = Int(number - batch.first)
      lines[index] = ChainHash.heldLine(for: lines[index])
    }
    var veiled = Batch(
      incarnation: batch.incarnation, first: batch.first, previous: batch.previous, head: batch.head, lost: batch.lost,
      lines: lines)
    veiled.waiting = batch.waiting
    return veiled
  }
}
