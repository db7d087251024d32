internal import Events
internal import NIOConcurrencyHelpers

/// What waits to be committed together: producers put their entries here, the queue's thread takes all at once.
///
/// The first to come who waits for its commit leads: it calls the queue and drains for all. Those who come before the
/// queue's thread takes the entries follow: they wait for their outcome. None hops more than once each way, and none
/// waits for a timer. Entries that nobody waits for lie here until somebody leads, or until the queue's own time for
/// them is over.
struct Mailbox: Sendable {
  typealias Make = @Sendable (Place) -> Entry
  typealias Outcome = Result<Committed, Refusal>

  /// An entry to be made, and who is told what became of it.
  struct Item: Sendable {
    let make: Make
    let teller: Teller
  }

  enum Teller: Sendable {
    /// The one who drains: it knows by itself.
    case leader
    case waiter(CheckedContinuation<Outcome?, Never>)
    case listener(@Sendable (Outcome) -> Void)
  }

  private struct Content {
    var items: [Item] = []
    var isLed = false
    /// The queue will come by itself.
    var isExpected = false
  }

  private let content = NIOLockedValueBox(Content())

  /// True if the caller now leads; false if somebody else does.
  func lead(_ make: @escaping Make) -> Bool {
    content.withLockedValue { content in
      guard !content.isLed else { return false }
      content.isLed = true
      content.items.append(Item(make: make, teller: .leader))
      return true
    }
  }

  /// Adds an entry to those that somebody leads; false if nobody does any more.
  func follow(_ make: @escaping Make, _ waiter: CheckedContinuation<Outcome?, Never>) -> Bool {
    content.withLockedValue { content in
      guard content.isLed else { return false }
      content.items.append(Item(make: make, teller: .waiter(waiter)))
      return true
    }
  }

  /// Adds an entry that nobody waits for; true if the queue has to be told to come for it.
  func offer(_ make: @escaping Make, _ listener: @escaping @Sendable (Outcome) -> Void) -> Bool {
    content.withLockedValue { content in
      content.items.append(Item(make: make, teller: .listener(listener)))
      guard !content.isLed, !content.isExpected else { return false }
      content.isExpected = true
      return true
    }
  }

  /// Takes all entries; whoever comes next leads the next round.
  ///
  /// - Parameter isLeader: nothing where somebody else leads, who comes for them.
  func take(isLeader: Bool) -> [Item] {
    content.withLockedValue { content in
      if content.isLed, !isLeader { return [] }
      content.isLed = false
      content.isExpected = false
      var taken: [Item] = []
      swap(&taken, &content.items)
      content.items.reserveCapacity(min(taken.count, 1024))
      return taken
    }
  }
}
