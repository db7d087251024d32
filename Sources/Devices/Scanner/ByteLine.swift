private import Glibc
internal import Machine

/// An open descriptor that bytes come from and go to: what a serial port and a connection have in common.
///
/// All calls block the calling thread for at most the time that they are given.
struct ByteLine: ~Copyable {
  private let descriptor: Descriptor
  private let isSocket: Bool

  enum Arrival: Sendable, Hashable {
    case bytes([UInt8])
    /// Nothing in the time given, or woken.
    case nothing
    /// The line is no more; why.
    case gone(String)
  }

  /// Takes over `number`, which must not block.
  init(owning number: Int32, isSocket: Bool) {
    descriptor = Descriptor(owning: number)
    self.isSocket = isSocket
  }

  var number: Int32 { descriptor.number }

  /// Waits for bytes at most `milliseconds`, or until `wake` is signalled.
  borrowing func receive(within milliseconds: Int32, wake: WakeUp) -> Arrival {
    var waited = [
      pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&waited, 2, milliseconds) > 0, waited[0].revents != 0 else { return .nothing }
    if waited[0].revents & Int16(POLLIN) != 0 {
      let number = descriptor.number
      var code: Int32 = 0
      var count = 0
      let bytes = [UInt8](unsafeUninitializedCapacity: 4096) { room, filled in
        count = retrying { read(number, room.baseAddress, room.count) }
        code = errno
        filled = max(0, count)
      }
      if count > 0 { return .bytes(bytes) }
      if count < 0 { return code == EAGAIN ? .nothing : .gone(String(cString: strerror(code))) }
    }
    return .gone(isSocket ? "the other side closed the connection" : "the line was hung up")
  }

  /// Writes all of `bytes` within `milliseconds`; otherwise gives the reason why not.
  borrowing func send(_ bytes: [UInt8], within milliseconds: Int32 = 1000) -> String? {
    let end = ContinuousClock.now + .milliseconds(Int64(milliseconds))
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying {
          isSocket
            ? Glibc.send(descriptor.number, part.baseAddress, part.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
            : write(descriptor.number, part.baseAddress, part.count)
        }
      }
      if count > 0 {
        sent += count
        continue
      }
      let code = errno
      guard count < 0, code == EAGAIN else { return String(cString: strerror(code)) }
      let left = end - ContinuousClock.now
      guard left > .zero else {
        if !isSocket { tcflush(descriptor.number, TCOFLUSH) }  // so that closing does not wait for it either
        return "it takes no bytes"
      }
      var waited = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
      _ = poll(
        &waited, 1,
        max(1, Int32(left.components.seconds * 1000) + Int32(left.components.attoseconds / 1_000_000_000_000_000)))
    }
    return nil
  }
}
