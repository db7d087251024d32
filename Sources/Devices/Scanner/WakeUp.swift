private import Glibc

/// Ends a wait in `poll` from another thread; once signalled it stays so.
final class WakeUp: Sendable {
  /// To be polled for input; -1 where the system gave no pipe, and a wait then ends by its own time.
  let descriptor: Int32
  private let signalling: Int32

  init() {
    var ends: [Int32] = [-1, -1]
    if pipe(&ends) == 0 {
      for end in ends {
        _ = fcntl(end, F_SETFD, FD_CLOEXEC)
        _ = fcntl(end, F_SETFL, O_NONBLOCK)
      }
    } else {
      ends = [-1, -1]
    }
    descriptor = ends[0]
    signalling = ends[1]
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
    if signalling >= 0 { close(signalling) }
  }

  func signal() {
    var byte: UInt8 = 1
    if signalling >= 0 { _ = write(signalling, &byte, 1) }
  }

  /// Blocks the calling thread for `milliseconds`, or until it is signalled.
  func wait(milliseconds: Int32) {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    _ = poll(&waited, 1, milliseconds)
  }
}
