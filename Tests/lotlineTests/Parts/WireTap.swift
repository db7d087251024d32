import Foundation
import Glibc
import Machine
import TestParts

/// A proxy before a Modbus device that keeps each question which came over the wire, as bytes.
///
/// It answers some itself: every eleventh with exception 6 (busy), and every fiftieth by hanging up.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class WireTap: @unchecked Sendable {
  /// A question as it was on the wire, without the six bytes before the unit.
  struct Question: Hashable {
    let bytes: [UInt8]
    var function: UInt8 { bytes[1] }
    /// The function with its first address: what is asked or written, and where.
    var place: [UInt8] { Array(bytes[1..<4]) }
  }

  let port: Int
  private let target: Int
  private let listener: Int32
  private let lock = NSLock()
  private var all: [Question] = []
  private var accepted = 0
  private var open: Set<Int32> = []

  init(before target: Int) throws {
    self.target = target
    port = try freePort()
    listener = try LoopbackSocket.listening(on: port)
    LoopbackSocket.serve(listener) { [weak self] client in
      guard let self else { return _ = close(client) }
      self.lock.withLock {
        self.accepted += 1
        self.open.insert(client)
      }
      self.serve(client)
    }
  }

  deinit { stop() }

  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    for descriptor in lock.withLock({ open }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  var questions: [Question] { lock.withLock { all } }
  var connections: Int { lock.withLock { accepted } }

  private func serve(_ client: Int32) {
    let server = LoopbackSocket.connected(to: target)
    defer {
      if let server { close(server) }
      lock.withLock { _ = open.remove(client) }
      close(client)
    }
    guard let server else { return }
    while let question = frame(client) {
      let number = lock.withLock {
        all.append(Question(bytes: Array(question[6...])))
        return all.count
      }
      if number % 50 == 0 { return }
      var answer: [UInt8]? = question[..<4] + [0, 3, question[6], question[7] | 0x80, 6]
      if number % 11 != 0 {
        guard send(server, question, question.count, Int32(MSG_NOSIGNAL)) == question.count else { return }
        answer = frame(server)
      }
      guard let answer, send(client, answer, answer.count, Int32(MSG_NOSIGNAL)) == answer.count else { return }
    }
  }

  /// One whole frame; nil at the end of the connection.
  private func frame(_ descriptor: Int32) -> [UInt8]? {
    var received: [UInt8] = []
    var wanted = 6
    while received.count < wanted {
      var buffer = [UInt8](repeating: 0, count: wanted - received.count)
      let count = retrying { recv(descriptor, &buffer, buffer.count, 0) }
      guard count > 0 else { return nil }
      received += buffer[..<count]
      if received.count == 6 { wanted = 6 + (Int(received[4]) << 8 | Int(received[5])) }
    }
    return received
  }
}
