private import Glibc

/// A TCP port that is bound and not listened on: connections are refused, and nobody else can take it.
///
/// A server that sets `SO_REUSEADDR` can still listen on it, in this process or another, stop, and come back. Without
/// the reservation a client that tries again and again on loopback may one day be given this very port as its own,
/// connect to itself, and keep the server from coming back.
public final class ReservedPort: Sendable {
  /// The port's number.
  public let port: Int
  private let descriptor: Int32

  /// Takes `port` of the IPv4 address `host`; 0 takes a free one.
  public init(host: String = "127.0.0.1", port: Int = 0) throws {
    let doing = "reserving port \(port) of \(host)"
    let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { throw SystemFailure(doing: doing) }
    var reuse: Int32 = 1
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: port).bigEndian
    let isAddress = inet_pton(AF_INET, host, &address.sin_addr) == 1
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, length) == 0 && getsockname(number, $0, &length) == 0
      }
    }
    guard isAddress, bound else {
      let failure = isAddress ? SystemFailure(doing: doing) : SystemFailure(doing: doing, code: EINVAL)
      close(number)
      throw failure
    }
    descriptor = number
    self.port = Int(in_port_t(bigEndian: address.sin_port))
  }

  deinit { close(descriptor) }
}
