public import Events
private import NIOConcurrencyHelpers

/// What passed over a wire at one moment, or what this PC noticed about it.
public struct WireEntry: Sendable, Hashable {
  public enum Kind: Sendable, Hashable {
    case sent([UInt8])
    /// Bytes as they came, perhaps a part of a frame; the places of those with a parity or framing error.
    case received([UInt8], damaged: [Int])
    /// A connection that came about or failed, or why an answer was refused.
    case note(String)
    /// The recording ends here in order, and why.
    case ended(String)
  }

  /// When the bytes were handed to the system, or came from it.
  public var moment: Moment
  public var kind: Kind

  public init(moment: Moment, kind: Kind) { (self.moment, self.kind) = (moment, kind) }
}

/// Where a wire in use can be listened to: a Modbus bus, or the line of a scanner.
///
/// While nobody listens, what passes costs a lock that nobody else wants, and nothing is copied.
final class TapPoint: Sendable {
  private struct Listener {
    let number: UInt64
    let continuation: AsyncStream<WireEntry>.Continuation
    /// What it was too slow for.
    var lost: UInt64 = 0
  }

  private struct State {
    var listeners: [Listener] = []
    var numbers: UInt64 = 0
  }

  private let state = NIOLockedValueBox(State())

  /// Entries that wait for a listener; of more than these it is told how many it has missed.
  static let most = 8192

  /// Shows what passes to those who listen; never waits for them.
  func take(_ kind: @autoclosure () -> WireEntry.Kind) {
    state.withLockedValue { state in
      guard !state.listeners.isEmpty else { return }
      let entry = WireEntry(moment: .now(), kind: kind())
      for index in state.listeners.indices { Self.hand(entry, to: &state.listeners[index]) }
    }
  }

  private static func hand(_ entry: WireEntry, to listener: inout Listener) {
    if listener.lost > 0 {
      let note = WireEntry(moment: entry.moment, kind: .note("\(listener.lost) entries were lost here: too many came"))
      if case .enqueued = listener.continuation.yield(note) { listener.lost = 0 }
    }
    if case .dropped = listener.continuation.yield(entry) { listener.lost += 1 }
  }

  /// All that passes from now on; it ends with the wire, and is over when nobody reads it any more.
  func listen() -> AsyncStream<WireEntry> {
    let (stream, continuation) = AsyncStream.makeStream(
      of: WireEntry.self, bufferingPolicy: .bufferingOldest(Self.most))
    let number = state.withLockedValue { state in
      state.numbers += 1
      state.listeners.append(Listener(number: state.numbers, continuation: continuation))
      return state.numbers
    }
    continuation.onTermination = { [weak self] _ in self?.forget(number) }
    return stream
  }

  private func forget(_ number: UInt64) {
    // It is let go of outside of the lock: its end calls back.
    let left = state.withLockedValue { state in
      let left = state.listeners.filter { $0.number == number }
      state.listeners.removeAll { $0.number == number }
      return left
    }
    _ = left
  }
}
