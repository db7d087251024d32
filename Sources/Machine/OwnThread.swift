private import CMachine
private import Glibc

/// A serial executor that owns one thread, for an actor that makes blocking calls.
///
/// The cooperative pool of Swift has one thread a core and does not grow when one blocks: a PLC that
/// never answers would hold up every other task of the process. An actor pinned here blocks only
/// itself. The thread ends when the executor is released.
public final class OwnThread: SerialExecutor {
  private let work: Work

  /// Starts the thread; `name` (15 bytes) is what `top -H` shows.
  public init(name: String) {
    work = Work(name: name)
    work.start()
  }

  deinit { work.stop() }

  public func enqueue(_ job: consuming ExecutorJob) {
    work.add(UnownedJob(job), executor: asUnownedSerialExecutor())
  }

  /// Lets the thread do nothing for so long, and no other job of the executor run; only for a caller on it.
  public func block(for duration: Duration) {
    checkIsolated()
    let (seconds, attoseconds) = duration.components
    var left = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    var rest = timespec()
    while nanosleep(&left, &rest) != 0, errno == EINTR { left = rest }
  }

  public func checkIsolated() {
    precondition(work.isCurrentThread, "called from another thread than the executor's own")
  }
}

/// The queue of jobs that the thread and the executor share, so that the thread keeps only this alive.
///
/// `@unchecked` because every access to the mutable fields is under `mutex`, a POSIX mutex, which the
/// thread sanitizer understands (unlike `Synchronization.Mutex`).
private final class Work: @unchecked Sendable {
  private let name: String
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
  private var jobs: [(UnownedJob, UnownedSerialExecutor)] = []
  private var stopping = false
  private var thread: pthread_t?

  init(name: String) {
    self.name = name
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  var isCurrentThread: Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard let thread else { return false }
    return pthread_equal(thread, pthread_self()) != 0
  }

  func start() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var created = pthread_t()
    let kept = Unmanaged.passRetained(self)
    pthread_mutex_lock(mutex)
    let failure = pthread_create(
      &created, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, kept.toOpaque())
    thread = created
    pthread_mutex_unlock(mutex)
    precondition(failure == 0, "the system gives no further thread (error \(failure))")
  }

  func add(_ job: UnownedJob, executor: UnownedSerialExecutor) {
    pthread_mutex_lock(mutex)
    jobs.append((job, executor))
    pthread_mutex_unlock(mutex)
    // after the mutex is free, or the thread would wake only to wait for it
    pthread_cond_signal(condition)
  }

  func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  private func run() {
    lotline_name_thread(name)
    while let batch = next() {
      for (job, executor) in batch { job.runSynchronously(on: executor) }
    }
  }

  /// Waits for jobs and takes all of them; nil when the executor is gone and nothing is left to do.
  private func next() -> [(UnownedJob, UnownedSerialExecutor)]? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while jobs.isEmpty {  // a while, since a wait may return without a signal
      if stopping { return nil }
      pthread_cond_wait(condition, mutex)
    }
    let taken = jobs
    jobs.removeAll(keepingCapacity: true)
    return taken
  }
}
