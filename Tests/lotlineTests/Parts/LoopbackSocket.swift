import Foundation
import Glibc
import Machine
import TestParts

/// TCP sockets on the loopback, for proxies that threads of their own serve.
enum LoopbackSocket {
  static func listening(on port: Int) throws -> Int32 {
    let listener = make()
    guard with(port, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else {
      throw SystemFailure(doing: "listening for a test")
    }
    return listener
  }

  /// Nil where nobody listens.
  static func connected(to port: Int) -> Int32? {
    let server = make()
    guard with(port, { connect(server, $0, $1) }) == 0 else {
      close(server)
      return nil
    }
    return server
  }

  /// Serves each connection on a thread of its own, until the listener is shut down.
  static func serve(_ listener: Int32, _ body: @escaping @Sendable (Int32) -> Void) {
    Thread.detachNewThread {
      while true {
        let client = retrying { accept(listener, nil, nil) }
        guard client >= 0 else { return _ = close(listener) }
        Thread.detachNewThread { body(client) }
      }
    }
  }

  private static func make() -> Int32 {
    socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  }

  private static func with(_ port: Int, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        call($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}
