private import Glibc
internal import Machine

/// A connection to a scanner that listens on a TCP port.
///
/// All calls block the calling thread for at most the time that they are given.
struct ScannerSocket: ~Copyable {
  private let line: ByteLine

  /// Connects to an address (no name) within `milliseconds`, or until `wake` is signalled.
  init(address: String, port: Int, within milliseconds: Int32, wake: WakeUp) throws(PortFailure) {
    var hints = addrinfo()
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    var list: UnsafeMutablePointer<addrinfo>?
    guard getaddrinfo(address, String(port), &hints, &list) == 0, let found = list?.pointee else {
      throw PortFailure(reason: "\(address) is no address")
    }
    defer { freeaddrinfo(list) }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(found.ai_family, kind, 0)
    guard number >= 0 else { throw PortFailure(reason: "\(SystemFailure(doing: "opening a connection"))") }
    if let refusal = DescriptorReserve.refusal(of: number) {
      close(number)
      throw PortFailure(reason: refusal.description)
    }
    if let reason = Self.connect(number, found, within: milliseconds, wake: wake) {
      close(number)
      throw PortFailure(reason: reason)
    }
    Self.keepAlive(number)
    line = ByteLine(owning: number, isSocket: true)
  }

  /// Why there is no connection; nil where there is one.
  private static func connect(_ number: Int32, _ found: addrinfo, within milliseconds: Int32, wake: WakeUp) -> String? {
    if Glibc.connect(number, found.ai_addr, found.ai_addrlen) == 0 { return nil }
    let code = errno
    guard code == EINPROGRESS else { return "no connection: \(String(cString: strerror(code)))" }
    var waited = [
      pollfd(fd: number, events: Int16(POLLOUT), revents: 0),
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    guard retrying({ poll(&waited, 2, milliseconds) }) > 0, waited[0].revents != 0 else {
      return "no connection within \(milliseconds / 1000) s: is it switched on, and in this network?"
    }
    var failure: Int32 = 0
    var size = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(number, SOL_SOCKET, SO_ERROR, &failure, &size)
    return failure == 0 ? nil : "no connection: \(String(cString: strerror(failure)))"
  }

  /// A scanner that is switched off says nothing; without being asked it would be taken for an idle one for ever.
  private static func keepAlive(_ number: Int32) {
    let options: [(level: Int32, name: Int32, value: Int32)] = [
      (SOL_SOCKET, SO_KEEPALIVE, 1), (Int32(IPPROTO_TCP), TCP_KEEPIDLE, 5), (Int32(IPPROTO_TCP), TCP_KEEPINTVL, 2),
      (Int32(IPPROTO_TCP), TCP_KEEPCNT, 3), (Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, 10_000),
      (Int32(IPPROTO_TCP), TCP_NODELAY, 1),
    ]
    for option in options {
      var value = option.value
      setsockopt(number, option.level, option.name, &value, socklen_t(MemoryLayout<Int32>.size))
    }
  }

  /// Waits for bytes at most `milliseconds`, or until `wake` is signalled.
  borrowing func receive(within milliseconds: Int32, wake: WakeUp) -> ByteLine.Arrival {
    line.receive(within: milliseconds, wake: wake)
  }

  /// Writes all of `bytes` within a second; otherwise gives the reason why not.
  borrowing func send(_ bytes: [UInt8]) -> String? { line.send(bytes) }
}
