import Foundation
import Glibc
import Machine
import TestParts

/// Passes connections on to a central, and cuts off one answer when it is told to: it reads all of it and gives nothing of it.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class AnswerRelay: @unchecked Sendable {
  let port: Int
  private let target: Int
  private let listener: Int32
  private let lock = NSLock()
  private var severs = false
  private var severed = false

  init(before target: Int) throws {
    self.target = target
    port = try freePort()
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard Self.with(port, { bind(listener, $0, $1) }) == 0, listen(listener, 16) == 0 else {
      throw SystemFailure(doing: "listening for a test")
    }
    let descriptor = listener
    Thread.detachNewThread { [weak self] in
      while true {
        let client = retrying { accept(descriptor, nil, nil) }
        guard client >= 0 else { return }
        guard let self else { return _ = close(client) }
        self.serve(client)
      }
    }
  }

  deinit {
    shutdown(listener, Int32(SHUT_RDWR))
    close(listener)
  }

  /// Cuts off the next answer to a batch.
  func severNext() { lock.withLock { (severs, severed) = (true, false) } }
  var hasSevered: Bool { lock.withLock { severed } }

  private static func with(_ port: Int, _ call: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    return withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }

  private func serve(_ client: Int32) {
    let server = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard Self.with(target, { connect(server, $0, $1) }) == 0 else {
      close(server)
      close(client)
      return
    }
    let posted = Posted()
    Thread.detachNewThread { [weak self] in
      self?.pass(client, server) { bytes in
        if bytes.starts(with: Array("POST ".utf8)) { posted.isPost = true }
        return true
      }
    }
    Thread.detachNewThread { [weak self] in
      self?.pass(server, client) { _ in
        guard let self, posted.isPost else { return true }
        posted.isPost = false
        return self.lock.withLock {
          guard self.severs else { return true }
          (self.severs, self.severed) = (false, true)
          return false
        }
      }
      close(server)
      close(client)
    }
  }

  /// Whether the question that is under way is a batch; one thread sets it before the answer can come to the other.
  private final class Posted: @unchecked Sendable {
    private let lock = NSLock()
    private var value = false
    var isPost: Bool {
      get { lock.withLock { value } }
      set { lock.withLock { value = newValue } }
    }
  }

  private func pass(_ from: Int32, _ to: Int32, _ mayPass: ([UInt8]) -> Bool) {
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = retrying { read(from, &buffer, buffer.count) }
      guard count > 0, mayPass(Array(buffer[..<count])) else { break }
      var sent = 0
      while sent < count {
        let written = buffer.withUnsafeBytes { bytes in
          retrying { send(to, bytes.baseAddress! + sent, count - sent, Int32(MSG_NOSIGNAL)) }
        }
        guard written > 0 else { break }
        sent += written
      }
      guard sent == count else { break }
    }
    for descriptor in [from, to] { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }
}
