private import Glibc

/// The right to use a queue or a store, held by a lock on a file beside it: the kernel takes it back when the process
/// ends.
public struct FileLock: ~Copyable {
  private let descriptor: Descriptor

  /// How long to wait for one who is just going: a daemon that was killed, or a program that another thread of the
  /// process is about to start and that has the descriptor until then.
  private static let patience: Duration = .seconds(1)

  /// Takes the lock at `path`, or says who holds it.
  ///
  /// - Parameters:
  ///   - thing: what it is for, such as `the queue /var/lib/lotline/queue.db`.
  ///   - setting: the setting that would name another one.
  public init(path: String, of thing: String, setting: String) throws(LockFault) {
    descriptor = Descriptor(owning: try Self.lock(path, thing, setting))
    let process = Array("\(getpid())\n".utf8)
    ftruncate(descriptor.number, 0)
    _ = pwrite(descriptor.number, process, process.count, 0)
  }

  private static func lock(_ path: String, _ thing: String, _ setting: String) throws(LockFault) -> Int32 {
    let number = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o640)
    guard number >= 0 else {
      let failure = SystemFailure(doing: "opening the lock \(path) of \(thing)")
      throw LockFault(description: "\(failure): the folder must exist, and this user must be allowed to write there")
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
    close(number)
    guard failure.code == EWOULDBLOCK else { throw LockFault(description: failure.description) }
    throw LockFault(
      description:
        "\(thing) is in use by another lotline\(holder): stop that one first, or name another file in \(setting)",
      isInUse: true)
  }

  private static func holder(_ descriptor: Int32) -> String {
    var bytes = [UInt8](repeating: 0, count: 32)
    let count = pread(descriptor, &bytes, bytes.count, 0)
    let text = String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self).filter(\.isNumber)
    return text.isEmpty ? "" : " (process \(text))"
  }
}

/// Why a lock could not be taken, in one line for people.
public struct LockFault: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
  /// Another process has it.
  public var isInUse = false
}
