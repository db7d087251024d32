/// What is committed together or not at all: events, and the state that changes with them.
public struct Entry: Sendable, Hashable {
  public var events: [Event]
  /// State that stands beside the events and outlives their rows: contexts, each device's last cycle.
  public var state: [StateChange]
  /// Whether it may be thinned when the queue fills up: true for periodic readings alone.
  public var isPeriodic: Bool

  public init(events: [Event], state: [StateChange] = [], isPeriodic: Bool = false) {
    self.events = events
    self.state = state
    self.isPeriodic = isPeriodic
  }
}

/// A value kept by name beside the events.
public struct StateChange: Sendable, Hashable {
  public let key: String
  /// Nil removes it.
  public let value: [UInt8]?

  public init(key: String, value: [UInt8]?) {
    self.key = key
    self.value = value
  }
}

/// Where in the chain an entry goes: known in the commit only.
public struct Place: Sendable, Hashable {
  public let incarnation: Incarnation
  /// The number that the entry's first event gets.
  public let first: UInt64

  public init(incarnation: Incarnation, first: UInt64) {
    self.incarnation = incarnation
    self.first = first
  }

  /// The id of the entry's event at `index`, counted from 0.
  public func id(_ index: Int) -> EventID { EventID(incarnation: incarnation, sequence: first + UInt64(index)) }
}

/// An entry that is on disk.
public struct Committed: Sendable, Hashable {
  public let place: Place
  public let count: Int

  public init(place: Place, count: Int) {
    self.place = place
    self.count = count
  }
}

/// Why an entry was not committed: nothing of it is kept, and nobody may say that it was accepted.
public enum Refusal: Error, Sendable, Hashable, CustomStringConvertible {
  /// The queue's limit is reached; the text says what to do.
  case full(String)
  /// The disk or the file failed; the text says what and why.
  case failing(String)
  case closed

  public var description: String {
    switch self {
    case .full(let why): "the queue is full: \(why)"
    case .failing(let why): "the queue cannot write: \(why)"
    case .closed: "the queue is closed"
    }
  }
}

/// Appends an entry durably: returns after the commit, or throws and nothing is kept.
///
/// The entry is made inside the commit, when its place is known. It may be made more than once (a commit
/// that failed is tried again elsewhere), so `make` must depend on nothing but its argument and what it captured.
public typealias Append =
  @Sendable (_ make: @escaping @Sendable (Place) -> Entry) async throws(Refusal) -> Committed

/// Hands an entry over and goes on at once: its commit comes soon, shared with others, and `outcome` is told after it.
///
/// `outcome` is called once, on the queue's thread, and must not block. Entries are committed in the order in which
/// they are handed over, those that are appended in between included.
public typealias Offer =
  @Sendable (
    _ make: @escaping @Sendable (Place) -> Entry, _ outcome: @escaping @Sendable (Result<Committed, Refusal>) -> Void
  ) -> Void
