import Foundation
import Machine

/// Live reads that were asked of a running device and wait for its next free moment.
///
/// They wait here and not at the device's actor, whose thread waits for its polls without letting a message in.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class ReadoutOrders: @unchecked Sendable {
  typealias Outcome = Result<[TagReadout], ReadoutFailure>

  struct Order {
    let number: UInt64
    /// Which device of those that share a connection.
    let device: Int
    /// Nil: all groups.
    let group: String?
    fileprivate let answer: CheckedContinuation<Outcome, Never>

    func done(_ outcome: Outcome) { answer.resume(returning: outcome) }
  }

  private let lock = NSLock()
  private let bell: Bell
  private var waiting: [Order] = []
  private var numbers: UInt64 = 0
  private var isClosed = false

  /// - Parameter bell: wakes the loop that takes the orders.
  init(bell: Bell) { self.bell = bell }

  /// The loop that takes orders runs from here on.
  func open() { lock.withLock { isClosed = false } }

  /// The loop has ended: what waits is told so, and what comes is refused at once.
  func close(_ failure: (Order) -> ReadoutFailure) {
    let left = lock.withLock {
      isClosed = true
      defer { waiting = [] }
      return waiting
    }
    for order in left { order.done(.failure(failure(order))) }
  }

  /// The order that came first, which is the taker's to answer.
  func take() -> Order? { lock.withLock { waiting.isEmpty ? nil : waiting.removeFirst() } }

  /// Hands an order to the loop and waits for its outcome; `closed` where the loop has ended.
  func place(device: Int, group: String?, closed: ReadoutFailure) async -> Outcome {
    let number = lock.withLock {
      numbers += 1
      return numbers
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { answer in
        let isTaken = lock.withLock {
          guard !isClosed, !Task.isCancelled else { return false }
          waiting.append(Order(number: number, device: device, group: group, answer: answer))
          return true
        }
        if isTaken { bell.ring() } else { answer.resume(returning: .failure(closed)) }
      }
    } onCancel: {
      let order = lock.withLock { () -> Order? in
        guard let index = waiting.firstIndex(where: { $0.number == number }) else { return nil }
        return waiting.remove(at: index)
      }
      order?.done(.failure(closed))
    }
  }
}
