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
  ///
  /// - Parameter borrowing: a job that comes from another own thread, while there is nothing else to do, runs on that
  ///   thread: it may block, its actor waits for the job anyway, and two threads need not be woken. The jobs still run
  ///   one after the other.
  public init(name: String, borrowing: Bool = false) {
    work = Work(name: name, isBorrowing: borrowing)
    work.start()
  }

  deinit { work.stop() }

  public func enqueue(_ job: consuming ExecutorJob) {
    work.add(UnownedJob(job), executor: asUnownedSerialExecutor())
  }

  /// Runs `work` on the executor's own thread after so long; where one is scheduled already, that one alone, at its time.
  ///
  /// The executor of the actor that `work` belongs to: `assumeIsolated` holds in it.
  public func schedule(after delay: Duration, _ work: @escaping @Sendable () -> Void) {
    self.work.schedule(at: Deadline(after: delay), work)
  }

  public func checkIsolated() {
    precondition(work.isCurrentThread, "called from another thread than the executor runs on")
  }
}

/// The queue of jobs that the thread and the executor share, so that the thread keeps only this alive.
///
/// `@unchecked` because every access to the mutable fields is under `mutex`, a POSIX mutex, which the
/// thread sanitizer understands (unlike `Synchronization.Mutex`).
private final class Work: @unchecked Sendable {
  private let name: String
  private let isBorrowing: Bool
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)
  private var jobs: [(UnownedJob, UnownedSerialExecutor)] = []
  private var stopping = false
  private var scheduled: (at: Deadline, work: @Sendable () -> Void)?
  /// The thread that runs jobs now: our own, or one that is borrowed.
  private var runner: pthread_t?

  init(name: String, isBorrowing: Bool) {
    self.name = name
    self.isBorrowing = isBorrowing
    pthread_mutex_init(mutex, nil)
    Deadline.prepare(condition)
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
    guard let runner else { return false }
    return pthread_equal(runner, pthread_self()) != 0
  }

  func start() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 512 * 1024)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    defer { pthread_attr_destroy(&attributes) }
    var created = pthread_t()
    let kept = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &created, &attributes,
      { argument in
        guard let argument else { return nil }
        Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().run()
        return nil
      }, kept.toOpaque())
    precondition(failure == 0, "the system gives no further thread (error \(failure))")
  }

  func add(_ job: UnownedJob, executor: UnownedSerialExecutor) {
    if isBorrowing, Lender.isHere, begin() {
      // The job may let go of the last reference to our actor, and so to us.
      withExtendedLifetime(self) {
        // What this job starts elsewhere runs elsewhere: no thread is borrowed twice.
        Lender.isHere = false
        job.runSynchronously(on: executor)
        Lender.isHere = true
        end()
      }
      return
    }
    pthread_mutex_lock(mutex)
    jobs.append((job, executor))
    pthread_mutex_unlock(mutex)
    // after the mutex is free, or the thread would wake only to wait for it
    pthread_cond_signal(condition)
  }

  func schedule(at deadline: Deadline, _ work: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(mutex)
    let isFirst = scheduled == nil
    if isFirst { scheduled = (deadline, work) }
    pthread_mutex_unlock(mutex)
    if isFirst { pthread_cond_signal(condition) }
  }

  func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  /// Takes the right to run a job on this thread; false where somebody runs one, or some wait.
  private func begin() -> Bool {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    guard runner == nil, jobs.isEmpty else { return false }
    runner = pthread_self()
    return true
  }

  /// Gives the right back, and what came meanwhile to our own thread.
  private func end() {
    pthread_mutex_lock(mutex)
    runner = nil
    let isMore = !jobs.isEmpty || stopping || scheduled?.at.isPast == true
    pthread_mutex_unlock(mutex)
    if isMore { pthread_cond_signal(condition) }
  }

  private func run() {
    lotline_name_thread(name)
    Lender.isHere = true
    while let turn = next() {
      switch turn {
      case .jobs(let batch): for (job, executor) in batch { job.runSynchronously(on: executor) }
      case .scheduled(let work): work()
      }
    }
  }

  private enum Turn {
    case jobs([(UnownedJob, UnownedSerialExecutor)])
    case scheduled(@Sendable () -> Void)
  }

  /// Waits for jobs and takes all of them, or for what is scheduled; nil when the executor is gone and nothing is left.
  private func next() -> Turn? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    if let runner, pthread_equal(runner, pthread_self()) != 0 { self.runner = nil }
    while true {  // a loop, since a wait may return without a signal
      if runner == nil {
        if let due = scheduled, stopping || due.at.isPast {
          scheduled = nil
          runner = pthread_self()
          return .scheduled(due.work)
        }
        if !jobs.isEmpty {
          let taken = jobs
          jobs.removeAll(keepingCapacity: true)
          runner = pthread_self()
          return .jobs(taken)
        }
        if stopping { return nil }
      }
      if let due = scheduled, !due.at.isPast {
        var until = due.at.time
        pthread_cond_timedwait(condition, mutex, &until)
      } else {
        pthread_cond_wait(condition, mutex)
      }
    }
  }
}

/// Marks the own threads, which may be borrowed while they run a job of theirs.
private enum Lender {
  private static let key: pthread_key_t = {
    var key = pthread_key_t()
    let failure = pthread_key_create(&key, nil)
    precondition(failure == 0, "the system gives no further key (error \(failure))")
    return key
  }()

  static var isHere: Bool {
    get { pthread_getspecific(key) != nil }
    set { pthread_setspecific(key, newValue ? UnsafeRawPointer(bitPattern: 1) : nil) }
  }
}
