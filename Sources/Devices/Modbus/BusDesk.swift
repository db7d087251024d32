import Foundation
import Machine

/// Where the devices of a bus come and go, and where live reads are asked for, while the bus's thread is at work.
///
/// What is wanted waits here and not at the bus's actor, whose thread waits for polls and answers without letting a
/// message in.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class BusDesk: @unchecked Sendable {
  typealias Outcome = Result<[TagReadout], ReadoutFailure>

  /// A device that begins.
  struct Join {
    let member: BusMember
    /// To be resumed when it has ended.
    let ended: CheckedContinuation<Void, Never>
  }

  /// A live read that was asked for.
  struct Order {
    let number: UInt64
    let member: BusMember
    /// Nil: all groups.
    let group: String?
    fileprivate let answer: CheckedContinuation<Outcome, Never>

    func done(_ outcome: Outcome) { answer.resume(returning: outcome) }
    func refuse(_ reason: String) { done(.failure(member.failure(reason))) }
  }

  /// All that is new.
  struct News {
    var joins: [Join] = []
    var leaves: [ObjectIdentifier] = []
    var orders: [Order] = []
    var isEmpty: Bool { joins.isEmpty && leaves.isEmpty && orders.isEmpty }
  }

  private let lock = NSLock()
  private let bell: Bell
  private var news = News()
  private var numbers: UInt64 = 0
  /// Devices that have begun and not ended, and how many of them shall end.
  private var attending = 0
  private var leaving = 0
  private var loop: Task<Void, Never>?
  /// Devices that have ended: nobody will answer for them.
  private var gone: Set<ObjectIdentifier> = []

  /// - Parameter bell: ends the waits of the loop.
  init(bell: Bell) { self.bell = bell }

  /// Has a device take part until the task is cancelled; returns when it has said its last word.
  ///
  /// - Parameter work: the bus's loop, which is started for the first device and ends after the last: no child of one
  ///   device's task, since the others outlive that. Nothing of it outlives the devices' own tasks.
  func attend(_ member: BusMember, work: @escaping @Sendable () async -> Void) async {
    await withTaskCancellationHandler {
      await withCheckedContinuation { ended in
        lock.withLock {
          attending += 1
          gone.remove(ObjectIdentifier(member))
          news.joins.append(Join(member: member, ended: ended))
          if loop == nil { loop = Task { await work() } }
        }
        bell.ring()
      }
    } onCancel: {
      lock.withLock {
        news.leaves.append(ObjectIdentifier(member))
        leaving += 1
        // The last one does not wait for an answer that is on its way.
        if leaving >= attending { loop?.cancel() }
      }
      bell.ring()
    }
  }

  /// Takes all that is new.
  func take() -> News? {
    lock.withLock {
      guard !news.isEmpty else { return nil }
      defer { news = News() }
      return news
    }
  }

  /// A device whose leaving was taken has ended; or it was taken too early, before it joined.
  func ended(_ id: ObjectIdentifier, hasJoined: Bool) {
    lock.withLock {
      guard hasJoined else {
        news.leaves.append(id)
        return
      }
      attending -= 1
      leaving -= 1
      gone.insert(id)
    }
  }

  /// The loop has nothing more to do; who comes in this moment gets a new one, since this one may be cancelled.
  func loopEnded(work: @escaping @Sendable () async -> Void) {
    lock.withLock {
      loop = attending > 0 ? Task { await work() } : nil
      if attending > 0, leaving >= attending { loop?.cancel() }
    }
  }

  /// Asks for a live read and waits for its outcome.
  func order(_ member: BusMember, group: String?) async -> Outcome {
    let number = lock.withLock {
      numbers += 1
      return numbers
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { answer in
        let order = Order(number: number, member: member, group: group, answer: answer)
        let isTaken = lock.withLock {
          guard !gone.contains(ObjectIdentifier(member)), !Task.isCancelled else { return false }
          news.orders.append(order)
          return true
        }
        if isTaken { bell.ring() } else { order.refuse("it does not run") }
      }
    } onCancel: {
      let order = lock.withLock { () -> Order? in
        guard let index = news.orders.firstIndex(where: { $0.number == number }) else { return nil }
        return news.orders.remove(at: index)
      }
      order?.refuse("nobody waits for it any more")
    }
  }
}
