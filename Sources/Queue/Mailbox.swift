internal import Events
internal import NIOConcurrencyHelpers

/// What waits to be committed together: producers put their entries here, the queue's thread takes all at once.
///
/// The first to come while nobody drains leads: it calls the queue and drains for all. Those who come
/// before the queue's thread takes the entries follow: they wait for their outcome. No entry waits for
/// a timer, and none hops more than once each way.
struct Mailbox: Sendable {
  typealias Make = @Sendable (Place) -> Entry
  typealias Outcome = Result<Committed, Refusal>

  /// An entry to be made, and who waits for what became of it; nobody for the leader's, which is the first.
  struct Item: Sendable {
    let make: Make
    let waiter: CheckedContinuation<Outcome?, Never>?
  }

  private struct Content {
    var items: [Item] = []
    var isLed = false
  }

  private let content = NIOLockedValueBox(Content())

  /// True if the caller now leads, its entry first; false if somebody else does.
  func lead(_ make: @escaping Make) -> Bool {
    content.withLockedValue { content in
      guard !content.isLed else { return false }
      content.isLed = true
      content.items.append(Item(make: make, waiter: nil))
      return true
    }
  }

  /// Adds an entry to those that somebody leads; false if nobody does any more.
  func follow(_ make: @escaping Make, _ waiter: CheckedContinuation<Outcome?, Never>) -> Bool {
    content.withLockedValue { content in
      guard content.isLed else { return false }
      content.items.append(Item(make: make, waiter: waiter))
      return true
    }
  }

  /// Takes all entries; whoever comes next leads the next round.
  func take() -> [Item] {
    content.withLockedValue { content in
      content.isLed = false
      var taken: [Item] = []
      swap(&taken, &content.items)
      content.items.reserveCapacity(min(taken.count, 1024))
      return taken
    }
  }
}
