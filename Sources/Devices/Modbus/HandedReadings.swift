import NIOConcurrencyHelpers

/// Readings of a group that are on their way to the disk, while the group is read on.
///
/// What becomes of them is told on another thread. One that was refused is offered again with the next poll; and no more
/// than a bounded number is on its way, so that a disk that stalls fills no memory.
final class HandedReadings: Sendable {
  private let state = NIOLockedValueBox((count: 0, isRefused: false))
  private static let most = 64

  /// Whether another one may be handed over without waiting for it.
  var hasRoom: Bool { state.withLockedValue { $0.count < Self.most } }

  /// Hands one over; false where it has to be waited for instead.
  func hand(_ reading: Reading, to readings: ReadingSink) -> Bool {
    state.withLockedValue { $0.count += 1 }
    let isTaken = readings(reading) { [state] acceptance in
      state.withLockedValue { state in
        state.count -= 1
        if acceptance != .accepted { state.isRefused = true }
      }
    }
    if !isTaken { state.withLockedValue { $0.count -= 1 } }
    return isTaken
  }

  /// Whether one was refused since this was asked last.
  func takeRefusal() -> Bool {
    state.withLockedValue { state in
      defer { state.isRefused = false }
      return state.isRefused
    }
  }
}
