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

  /// Waits until `instant` or until the task is cancelled, whichever comes first.
  ///
  /// The thread itself keeps the time, so that an actor of this executor goes on where it waits: `Task.sleep` wakes
  /// three other threads on the way. The actor takes other calls meanwhile.
  public func sleep(until instant: ContinuousClock.Instant) async {
    let alarm = work.newAlarm()
    await withTaskCancellationHandler {
      await withCheckedContinuation { work.set(alarm, at: instant, $0) }
    } onCancel: {
      work.cancel(alarm)
    }
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
  private var alarms: [Alarm] = []
  private var lastAlarm: UInt64 = 0
  private var stopping = false
  private var thread: pthread_t?

  /// Who sleeps until when.
  private struct Alarm {
    let number: UInt64
    let instant: ContinuousClock.Instant
    let waiter: CheckedContinuation<Void, Never>
  }

  init(name: String) {
    self.name = name
    pthread_mutex_init(mutex, nil)
    var attributes = pthread_condattr_t()
    pthread_condattr_init(&attributes)
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)  // a wall clock that is set moves no alarm
    pthread_cond_init(condition, &attributes)
    pthread_condattr_destroy(&attributes)
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
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  func newAlarm() -> UInt64 {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    lastAlarm += 1
    return lastAlarm
  }

  func set(_ number: UInt64, at instant: ContinuousClock.Instant, _ waiter: CheckedContinuation<Void, Never>) {
    pthread_mutex_lock(mutex)
    // a cancellation before this finds nobody to wake, so it is asked about under the mutex
    let waits = !Task.isCancelled
    if waits {
      alarms.append(Alarm(number: number, instant: instant, waiter: waiter))
      pthread_cond_signal(condition)
    }
    pthread_mutex_unlock(mutex)
    if !waits { waiter.resume() }
  }

  func cancel(_ number: UInt64) {
    pthread_mutex_lock(mutex)
    let place = alarms.firstIndex { $0.number == number }
    let alarm = place.map { alarms.remove(at: $0) }
    pthread_mutex_unlock(mutex)
    alarm?.waiter.resume()
  }

  func stop() {
    pthread_mutex_lock(mutex)
    stopping = true
    pthread_cond_signal(condition)
    pthread_mutex_unlock(mutex)
  }

  private func run() {
    lotline_name_thread(name)
    while let round = next() {
      for alarm in round.alarms { alarm.waiter.resume() }
      for (job, executor) in round.jobs { job.runSynchronously(on: executor) }
    }
  }

  /// What is to be done now.
  private struct Round {
    let jobs: [(UnownedJob, UnownedSerialExecutor)]
    let alarms: [Alarm]
  }

  /// Waits for jobs and alarms and takes all that are there; nil when the executor is gone and nothing is left to do.
  private func next() -> Round? {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while true {  // again and again, since a wait may return without a signal
      let due = takeDueAlarms()
      if !jobs.isEmpty || !due.isEmpty {
        let taken = jobs
        jobs.removeAll(keepingCapacity: true)
        return Round(jobs: taken, alarms: due)
      }
      if stopping { return nil }
      wait()
    }
  }

  private func takeDueAlarms() -> [Alarm] {
    guard !alarms.isEmpty else { return [] }
    let now = ContinuousClock.now
    guard alarms.contains(where: { $0.instant <= now }) else { return [] }
    defer { alarms.removeAll { $0.instant <= now } }
    return alarms.filter { $0.instant <= now }
  }

  /// Waits for a signal, or for the first alarm.
  private func wait() {
    guard let first = alarms.map(\.instant).min() else {
      pthread_cond_wait(condition, mutex)
      return
    }
    // both clocks go alike but for the time that the PC sleeps, after which the alarm is late by what was left
    let left = max(first - .now, .zero).components
    var limit = timespec()
    clock_gettime(CLOCK_MONOTONIC, &limit)
    let nanoseconds = limit.tv_nsec + Int(left.attoseconds / 1_000_000_000)
    limit.tv_sec += Int(left.seconds) + nanoseconds / 1_000_000_000
    limit.tv_nsec = nanoseconds % 1_000_000_000
    pthread_cond_timedwait(condition, mutex, &limit)
  }
}
