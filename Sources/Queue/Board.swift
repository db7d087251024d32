internal import Events
internal import NIOConcurrencyHelpers

/// What the queue's thread makes known to all others, who read it without asking that thread.
struct Board: Sendable {
  private struct Content {
    var status: QueueStatus
    var opening: Opening
    var waiting: [UInt64: Waiter] = [:]
    var nextID: UInt64 = 0
  }

  private struct Waiter {
    let sequence: UInt64
    let continuation: CheckedContinuation<Void, Never>
  }

  private let content: NIOLockedValueBox<Content>

  init(status: QueueStatus, opening: Opening) {
    content = NIOLockedValueBox(Content(status: status, opening: opening))
  }

  var status: QueueStatus {
    var status = content.withLockedValue(\.status)
    if let index = status.incarnations.indices.last {
      status.incarnations[index].last = status.last
      status.incarnations[index].head = status.head
      if status.incarnations[index].first == nil, status.last > 0 { status.incarnations[index].first = 1 }
    }
    return status
  }
  var opening: Opening { content.withLockedValue(\.opening) }

  func update(_ change: (inout QueueStatus) -> Void) { content.withLockedValue { change(&$0.status) } }
  func updateOpening(_ change: (inout Opening) -> Void) { content.withLockedValue { change(&$0.opening) } }

  /// Notes a commit and wakes those who waited for its numbers.
  func advance(to life: Life, _ change: (inout QueueStatus) -> Void) {
    let woken = content.withLockedValue { content -> [Waiter] in
      content.status.last = life.last
      content.status.head = life.head
      change(&content.status)
      guard !content.waiting.isEmpty else { return [] }
      let ready = content.waiting.filter { life.last > $0.value.sequence }
      for id in ready.keys { content.waiting[id] = nil }
      return Array(ready.values)
    }
    for waiter in woken { waiter.continuation.resume() }
  }

  /// Wakes everybody: the numbers begin anew, or no more will come.
  func wakeAll() {
    let woken = content.withLockedValue { content in
      defer { content.waiting = [:] }
      return content.waiting
    }
    for waiter in woken.values { waiter.continuation.resume() }
  }

  /// Returns when a number above `sequence` is on disk, or when the task is cancelled.
  func wait(beyond sequence: UInt64) async {
    let id = content.withLockedValue { content in
      content.nextID += 1
      return content.nextID
    }
    await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        // a cancellation before this finds nobody to wake, so it is asked about under the lock
        let waits = content.withLockedValue { content in
          guard content.status.last <= sequence, content.status.refusing != .closed, !Task.isCancelled else {
            return false
          }
          content.waiting[id] = Waiter(sequence: sequence, continuation: continuation)
          return true
        }
        if !waits { continuation.resume() }
      }
    } onCancel: {
      content.withLockedValue { $0.waiting.removeValue(forKey: id) }?.continuation.resume()
    }
  }
}
