internal import Glibc
internal import Machine

/// The right to use a queue, held by a lock on a file beside it: the kernel takes it back when the process ends.
struct FileLock: ~Copyable {
  private let descriptor: Descriptor

  /// How long to wait for one who is just going: a daemon that was killed, or a program that another thread of the
  /// process is about to start and that has the descriptor until then.
  private static let patience: Duration = .seconds(1)

  /// Takes the lock, or says who holds it.
  init(path: String, queue: String) throws {
    descriptor = Descriptor(owning: try Self.lock(path, queue: queue))
    let process = Array("\(getpid())\n".utf8)
    ftruncate(descriptor.number, 0)
    _ = pwrite(descriptor.number, process, process.count, 0)
  }

  private static func lock(_ path: String, queue: String) throws(OpeningFailure) -> Int32 {
    let number = Glibc.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard number >= 0 else {
      let failure = SystemFailure(doing: "opening the queue's lock \(path)")
      throw OpeningFailure("\(failure): the folder must exist, and this user must be allowed to write there")
    }
    let deadline = ContinuousClock.now + patience
    var failure: SystemFailure
    repeat {
      if flock(number, LOCK_EX | LOCK_NB) == 0 { return number }
      failure = SystemFailure(doing: "locking \(path)")
      guard failure.code == EWOULDBLOCK else { break }
      // flock itself knows no time limit.
      usleep(20_000)
    } while ContinuousClock.now < deadline
    let holder = holder(number)
    Glibc.close(number)
    guard failure.code == EWOULDBLOCK else { throw OpeningFailure(failure.description) }
    throw OpeningFailure(
      "the queue \(queue) is in use by another lotline\(holder): stop that one first, or name another file in queue.path"
    )
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).filter(\.isNumber)
    return text.isEmpty ? "" : " (process \(text))"
  }
}
