internal import Events
internal import NIOConcurrencyHelpers

/// What waits to be committed together: producers put their entries here, the queue's thread takes all at once.
///
/// The first to come while nobody drains leads: it calls the queue and drains for all. Those who come
/// before the queue's thread takes the entries follow: they wait for their outcome. None hops more than once each way,
/// and none waits for a timer, but a leader that is in no hurry: it gathers until its time is over or somebody comes
/// who is in a hurry.
struct Mailbox: Sendable {
  typealias Make = @Sendable (Place) -> Entry
  typealias Outcome = Result<Committed, Refusal>

  /// An entry to be made, and who waits for what became of it; nobody for the leader's.
  struct Item: Sendable {
    let make: Make
    let waiter: CheckedContinuation<Outcome?, Never>?
  }

  private struct Content {
    var items: [Item] = []
    var isLed = false
    /// The leader gathers, and nobody has called it yet.
    var isGathering = false
    var gatherer: CheckedContinuation<Void, Never>?
  }

  private let content = NIOLockedValueBox(Content())

  /// True if the caller now leads; false if somebody else does.
  ///
  /// - Parameter gathering: it will wait with `gather` before it drains.
  func lead(_ make: @escaping Make, gathering: Bool = false) -> Bool {
    content.withLockedValue { content in
      guard !content.isLed else { return false }
      content.isLed = true
      content.isGathering = gathering
      content.items.append(Item(make: make, waiter: nil))
      return true
    }
  }

  /// Adds an entry to those that somebody leads; false if nobody does any more.
  ///
  /// - Parameter isUrgent: calls a leader that gathers.
  func follow(_ make: @escaping Make, isUrgent: Bool, _ waiter: CheckedContinuation<Outcome?, Never>) -> Bool {
    let isAdded = content.withLockedValue { content in
      guard content.isLed else { return false }
      content.items.append(Item(make: make, waiter: waiter))
      return true
    }
    if isAdded, isUrgent { call() }
    return isAdded
  }

  /// Waits for company, at most so long; returns at once where the caller was called already.
  func gather(for duration: Duration) async {
    await withTaskGroup(of: Void.self) { group in
      group.addTask {
        // Only cancellation throws: of the caller's task, which then need not wait, or after it was called.
        try? await Task.sleep(for: duration)
        call()
      }
      await withCheckedContinuation { gatherer in
        let waits = content.withLockedValue { content in
          if content.isGathering { content.gatherer = gatherer }
          return content.isGathering
        }
        if !waits { gatherer.resume() }
      }
      group.cancelAll()
    }
  }

  /// Ends the leader's gathering.
  private func call() {
    let gatherer = content.withLockedValue { content in
      content.isGathering = false
      defer { content.gatherer = nil }
      return content.gatherer
    }
    gatherer?.resume()
  }

  /// Takes all entries; whoever comes next leads the next round.
  func take() -> [Item] {
    content.withLockedValue { content in
      content.isLed = false
      content.isGathering = false
      var taken: [Item] = []
      swap(&taken, &content.items)
      content.items.reserveCapacity(min(taken.count, 1024))
      return taken
    }
  }
}
