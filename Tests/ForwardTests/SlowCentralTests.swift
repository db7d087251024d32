import Foundation
import Glibc
import NIOConcurrencyHelpers
import TestParts
import Testing

@testable import Forward

/// A central, or what answers in its place, that never comes to an end of its answer.
@Suite(.timeLimit(minutes: 5))
struct SlowCentralTests {
  /// What is answered at once, what then comes for ever, and what is told.
  private static let answers: [(first: String, then: String, pause: useconds_t, told: String)] = [
    ("", "H", 50_000, "answer"),
    ("HTTP/1.1 200 OK\r\n", "X", 50_000, "answer"),
    ("HTTP/1.1 200 OK\r\n", "X-A: 1\r\n", 50_000, "answer"),
    ("HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", "{", 50_000, "answer"),
    ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n{\r\n", 50_000, "answer"),
    // As fast as it can: bounded by what is read of it.
    ("HTTP/1.1 200 OK\r\nX-A: ", String(repeating: "x", count: 4096), 0, "HTTP"),
    (
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1000\r\n\(String(repeating: "x", count: 4096))\r\n", 0,
      "larger"
    ),
  ]

  @Test(arguments: answers.indices)
  func `an answer without end is given up as a whole, and its connection is closed`(_ index: Int) async throws {
    let (first, then, pause, told) = Self.answers[index]
    let central = try EndlessCentral(first, then, pause)
    try await Peer.with(ForwardSettings(url: "http://127.0.0.1:\(central.port)")) { peer in
      // What comes without a pause is given up for its length, however slow the machine reads it.
      let deadline: Duration = pause > 0 ? .milliseconds(600) : .seconds(50)
      let request = PeerRequest(path: "/v1/sources/pc1", deadline: deadline)
      do {
        _ = try await peer.send(request)
        Issue.record("it was taken for an answer")
      } catch {
        #expect("\(error)".contains(told), "\(error)")
      }
      do { try await eventually("the connection is closed") { central.wasLeft } } catch { Issue.record(error) }
    }
  }
}

/// Answers one connection for ever, on a thread of its own.
private final class EndlessCentral: Sendable {
  let port: Int
  private let left = NIOLockedValueBox(false)
  private let listener: Int32

  /// It was told that the other end has gone.
  var wasLeft: Bool { left.withLockedValue { $0 } }

  init(_ first: String, _ then: String, _ pause: useconds_t) throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let (socket, left) = (listener, left)
    let listens = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 5) == 0 && getsockname(socket, $0, &length) == 0
      }
    }
    guard listens else { throw Impatience(description: "no port to listen on") }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread {
      let client = accept(socket, nil, nil)
      defer { close(client) }
      var bytes = Array(first.utf8)
      // A send fails once the other end has closed the connection: there is no other way out.
      while bytes.isEmpty || send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL)) > 0 {
        usleep(pause)  // the drip itself
        bytes = Array(then.utf8)
      }
      left.withLockedValue { $0 = true }
    }
  }

  deinit { close(listener) }
}
