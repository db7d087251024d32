import Events

/// What was handed to queues and what they said of it: the account that the end is compared with.
struct Ledger {
  /// An event that a queue called committed.
  struct Accepted {
    let source: SourceName
    let id: EventID
    let line: [UInt8]
    let payload: String
    let edge: Int
    let step: Int
  }

  private(set) var accepted: [Accepted] = []
  /// The texts of all events that were ever tried: each is used once.
  private(set) var tried: Set<String> = []
  /// Numbers that a queue itself declared lost.
  var declared: [LostEvents] = []

  struct LostEvents: Hashable {
    let incarnation: Incarnation
    let numbers: ClosedRange<UInt64>
  }

  /// A text that no other event has.
  mutating func payload(_ words: String) -> String {
    let text = "\(words) \(tried.count)"
    tried.insert(text)
    return text
  }

  mutating func accept(
    _ committed: Committed, _ events: [Event], _ payloads: [String], source: SourceName, edge: Int, step: Int
  ) {
    for (index, event) in events.enumerated() {
      let id = committed.place.id(index)
      accepted.append(
        Accepted(
          source: source, id: id,
          line: event.line(source: source, incarnation: id.incarnation, sequence: id.sequence),
          payload: payloads[index], edge: edge, step: step))
    }
  }
}
