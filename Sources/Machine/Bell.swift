private import Glibc

/// Ends the wait of a thread from another one, without a descriptor; a ring that nobody waited for ends the next wait.
///
/// For the loops of own threads that wait for a time to come: a timer of the runtime wakes three other threads and
/// costs as much as a poll.
///
/// `@unchecked` because every access to `hasRung` is under `mutex`, a POSIX mutex, which the thread sanitizer understands.
public final class Bell: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
  private var hasRung = false

  public init() {
    pthread_mutex_init(mutex, nil)
    Deadline.prepare(condition)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  public func ring() {
    pthread_mutex_lock(mutex)
    hasRung = true
    pthread_mutex_unlock(mutex)
    pthread_cond_signal(condition)
  }

  /// Blocks the calling thread for so long, or until it rings; true where it rang, now or since the last wait.
  @discardableResult
  public func wait(for duration: Duration) -> Bool {
    var end = Deadline(after: duration).time
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while !hasRung {
      if pthread_cond_timedwait(condition, mutex, &end) == ETIMEDOUT { break }
    }
    defer { hasRung = false }
    return hasRung
  }
}
