import Foundation
import Glibc
import Machine
import TestParts

/// A proxy between an edge and a central that treats each connection badly in a way of its own.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class FaultProxy: @unchecked Sendable {
  enum Fault: CaseIterable {
    /// Nothing, but that the connection ends after a second or so: the next one comes.
    case none
    /// Every piece comes up to 200 ms late.
    case delay
    /// Reset somewhere within what is asked.
    case cutRequest
    /// Reset somewhere within what is answered.
    case cutAnswer
    /// What was asked arrives, and the answer never does.
    case lostAnswer
    /// From somewhere on nothing goes through, and nothing says so.
    case blackhole
    /// The answer comes byte by byte.
    case drip
    /// All that was asked is asked once more, later, by somebody else.
    case repeated
  }

  let port: Int
  private let target: Int
  private let listener: Int32
  private let lock = NSLock()
  private var met: [Fault: Int] = [:]
  private var isHealed = false
  /// Where it is set each connection is reset after so many bytes of what is asked, or answered.
  private let breath: (fault: Fault, bytes: Int)?

  init(before target: Int, breath: (fault: Fault, bytes: Int)? = nil) throws {
    self.target = target
    self.breath = breath
    port = try freePort()
    listener = try LoopbackSocket.listening(on: port)
    LoopbackSocket.serve(listener) { [weak self] client in
      guard let self else { return _ = close(client) }
      self.serve(client)
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// Connections from now on are treated well.
  func heal() { lock.withLock { isHealed = true } }

  /// How often each fault really happened.
  var counts: [Fault: Int] { lock.withLock { met } }

  /// One of those that happened least.
  private var rarest: Fault {
    let least = Fault.allCases.map { met[$0, default: 0] }.min() ?? 0
    return Fault.allCases.filter { met[$0, default: 0] == least }.randomElement() ?? .none
  }

  private func note(_ fault: Fault) { lock.withLock { met[fault, default: 0] += 1 } }

  private func serve(_ client: Int32) {
    defer { close(client) }
    guard let server = LoopbackSocket.connected(to: target) else { return }
    defer { close(server) }
    let (isWell, fault) = lock.withLock { (isHealed, isHealed ? .none : rarest) }
    let connection = Connection(
      client: client, server: server, fault: breath?.fault ?? fault, bytes: breath?.bytes,
      lasts: isWell || breath != nil)
    if connection.run() { note(fault) }
    if fault == .repeated, !connection.asked.isEmpty { Self.ask(connection.asked, of: target) }
  }

  /// Sends what was asked before, and reads what is answered until nothing more comes.
  private static func ask(_ bytes: [UInt8], of target: Int) {
    guard let server = LoopbackSocket.connected(to: target) else { return }
    defer { close(server) }
    var patience = timeval(tv_sec: 2, tv_usec: 0)
    setsockopt(server, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
    guard send(server, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return }
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while recv(server, &buffer, buffer.count, 0) > 0 {}
  }

  /// One connection with its fault, pumped in both directions by one thread.
  private final class Connection {
    let client: Int32
    let server: Int32
    let fault: Fault
    /// Bytes until the fault comes, of the direction that it is about.
    private var left: Int
    private let end: ContinuousClock.Instant
    private(set) var asked: [UInt8] = []
    private var isBlack = false

    init(client: Int32, server: Int32, fault: Fault, bytes: Int?, lasts: Bool) {
      (self.client, self.server, self.fault) = (client, server, fault)
      left = bytes ?? (fault == .cutAnswer ? Int.random(in: 1...700) : Int.random(in: 1...6000))
      end = .now + (lasts ? .seconds(3600) : .milliseconds(Int.random(in: 300...1500)))
    }

    /// Pumps until either side ends, or the fault ends it; true if the fault happened.
    func run() -> Bool {
      while ContinuousClock.now < end {
        var ready = [
          pollfd(fd: client, events: Int16(POLLIN), revents: 0), pollfd(fd: server, events: Int16(POLLIN), revents: 0),
        ]
        guard retrying({ poll(&ready, 2, 50) }) >= 0 else { return false }
        if ready[0].revents != 0 {
          guard let bytes = receive(client) else { return happens(atEnd: true) }
          asked += asked.count < 1 << 20 ? bytes : []
          if fault == .cutRequest || fault == .blackhole, spend(bytes.count) {
            if fault == .cutRequest { return cut() }
            isBlack = true
          }
          if !isBlack, !pass(bytes, to: server) { return happens(atEnd: true) }
        }
        if ready[1].revents != 0 {
          guard let bytes = receive(server) else { return happens(atEnd: true) }
          if fault == .lostAnswer { return cut() }
          if fault == .cutAnswer, bytes.count > left {
            _ = pass(Array(bytes[..<left]), to: client)
            return cut()
          }
          left -= fault == .cutAnswer ? bytes.count : 0
          if !isBlack, !pass(bytes, to: client) { return happens(atEnd: true) }
        }
      }
      return happens(atEnd: false)
    }

    private func spend(_ count: Int) -> Bool {
      left -= count
      return left <= 0
    }

    /// Whether the fault was there by now, where it does not end the connection itself.
    private func happens(atEnd: Bool) -> Bool {
      switch fault {
      case .none, .delay, .drip, .repeated: !asked.isEmpty
      case .blackhole: isBlack
      case .cutRequest, .cutAnswer, .lostAnswer: false
      }
    }

    private func receive(_ side: Int32) -> [UInt8]? {
      var buffer = [UInt8](repeating: 0, count: 16_384)
      let count = retrying { recv(side, &buffer, buffer.count, 0) }
      return count > 0 ? Array(buffer[..<count]) : nil
    }

    private func pass(_ bytes: [UInt8], to side: Int32) -> Bool {
      if fault == .delay { usleep(UInt32.random(in: 0...200_000)) }
      let step = fault == .drip && side == client ? 1 : bytes.count
      for from in stride(from: 0, to: bytes.count, by: step) {
        let piece = bytes[from..<from + step]
        let sent = piece.withUnsafeBytes { send(side, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard sent == step else { return false }
        if step == 1 { usleep(500) }
      }
      return true
    }

    /// Resets both sides: what was under way is gone.
    private func cut() -> Bool {
      var atOnce = linger(l_onoff: 1, l_linger: 0)
      for side in [client, server] {
        setsockopt(side, SOL_SOCKET, SO_LINGER, &atOnce, socklen_t(MemoryLayout<linger>.size))
      }
      return true
    }
  }
}
