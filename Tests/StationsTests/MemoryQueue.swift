import Events
import Stations

/// A queue without a disk: numbers entries, keeps what is beside them, refuses and delays when told to.
actor MemoryQueue {
  private(set) var incarnation = Incarnation.random()
  private(set) var entries: [Entry] = []
  private(set) var places: [Place] = []
  private(set) var state: [String: [UInt8]] = [:]
  private var next: UInt64 = 1
  private var refusal: Refusal?
  private var isHeld = false
  private var held: [CheckedContinuation<Void, Never>] = []
  /// How many appends have come, committed or not.
  private(set) var asked = 0

  func append(_ make: @escaping @Sendable (Place) -> Entry) async throws(Refusal) -> Committed {
    asked += 1
    if isHeld { await withCheckedContinuation { held.append($0) } }
    if let refusal { throw refusal }
    let place = Place(incarnation: incarnation, first: next)
    // A commit that failed is made again: what is made first must leave no trace.
    _ = make(Place(incarnation: .random(), first: 7))
    let entry = make(place)
    entries.append(entry)
    places.append(place)
    next += UInt64(entry.events.count)
    for change in entry.state { state[change.key] = change.value }
    return Committed(place: place, count: entry.events.count)
  }

  func refuse(_ refusal: Refusal?) { self.refusal = refusal }

  /// Commits nothing until `release`.
  func hold() { isHeld = true }

  func release() {
    isHeld = false
    for continuation in held { continuation.resume() }
    held = []
  }

  /// A new file, into which the state was taken over.
  func beginNewLife() {
    incarnation = .random()
    next = 1
    entries = []
    places = []
  }

  /// All events as they would stand in the file, by number.
  var lines: [(sequence: UInt64, event: Event)] {
    zip(places, entries).flatMap { place, entry in
      entry.events.enumerated().map { (place.first + UInt64($0.offset), $0.element) }
    }
  }

  /// The events of one type, read back from their bytes.
  func all<Data: EventData>(_ type: Data.Type) -> [(sequence: UInt64, data: Data)] {
    lines.compactMap { line in
      guard let json = JSON(line.event.data), let data = Data(json), data.type == line.event.type else { return nil }
      return (line.sequence, data)
    }
  }
}
