import Foundation
import Glibc
import Machine

/// A PLC of plain sockets that keeps registers and may answer with any bytes.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class TestPLC: @unchecked Sendable {
  /// What to do instead of the right answer.
  enum Action: Sendable {
    case send([UInt8])
    /// One byte at a time.
    case drip([UInt8], every: Duration)
    case close
    case reset
    case silence
    case pause(Duration)
  }

  struct Request: Sendable {
    /// Counted from 1.
    let connection: Int
    /// Counted from 1, over all connections.
    let number: Int
    let bytes: [UInt8]

    var function: UInt8 { bytes[7] }
    var address: Int { Int(bytes[8]) << 8 | Int(bytes[9]) }
    var count: Int { Int(bytes[10]) << 8 | Int(bytes[11]) }
  }

  struct Write: Sendable, Hashable {
    let function: UInt8
    let address: Int
    let values: [UInt16]
  }

  let port: Int
  private let listener: Int32
  private let lock = NSLock()
  private var holding: [Int: UInt16] = [:]
  private var coils: [Int: Bool] = [:]
  private var open: [Int32] = []
  private var connections = 0
  private var requests: [Request] = []
  private var writes: [Write] = []
  private var mischief: @Sendable (Request, [UInt8]) -> [Action]?

  /// Listens on a free port of loopback; `mischief` gets each request with the right answer, and answers nil to send that.
  init(_ mischief: @escaping @Sendable (Request, [UInt8]) -> [Action]? = { _, _ in nil }) throws {
    self.mischief = mischief
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let descriptor = listener
    let failed = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, length) != 0 || listen(descriptor, 64) != 0 || getsockname(descriptor, $0, &length) != 0
      }
    }
    guard !failed else { throw SystemFailure(doing: "listening for a test") }
    port = Int(UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [weak self, descriptor] in
      while true {
        let accepted = retrying { accept(descriptor, nil, nil) }
        guard accepted >= 0 else { return }
        guard let self else {
          Glibc.close(accepted)
          return
        }
        let number = self.lock.withLock {
          self.connections += 1
          self.open.append(accepted)
          return self.connections
        }
        Thread.detachNewThread { [weak self] in self?.serve(accepted, number) }
      }
    }
  }

  deinit { stop() }

  /// Closes the door and all connections.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    let descriptors = lock.withLock {
      defer { open = [] }
      return open
    }
    for descriptor in descriptors { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  /// Ends the connections that are open now; new ones are welcome.
  func dropConnections() {
    for descriptor in lock.withLock({ open }) { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  var connectionCount: Int { lock.withLock { connections } }
  var seen: [Request] { lock.withLock { requests } }
  var written: [Write] { lock.withLock { writes } }

  subscript(holding address: Int) -> UInt16 {
    get { lock.withLock { holding[address] ?? 0 } }
    set { lock.withLock { holding[address] = newValue } }
  }

  subscript(coil address: Int) -> Bool {
    get { lock.withLock { coils[address] ?? false } }
    set { lock.withLock { coils[address] = newValue } }
  }

  func misbehave(_ mischief: @escaping @Sendable (Request, [UInt8]) -> [Action]?) {
    lock.withLock { self.mischief = mischief }
  }

  private func serve(_ descriptor: Int32, _ connection: Int) {
    defer {
      lock.withLock { open.removeAll { $0 == descriptor } }
      Glibc.close(descriptor)
    }
    var received: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 512)
    while true {
      let count = retrying { recv(descriptor, &buffer, buffer.count, 0) }
      guard count > 0 else { return }
      received += buffer[..<count]
      while received.count >= 12, received.count >= 6 + Int(received[4]) << 8 | Int(received[5]) {
        let end = 6 + (Int(received[4]) << 8 | Int(received[5]))
        let bytes = Array(received[..<end])
        received.removeFirst(end)
        let (request, mischief) = lock.withLock {
          let request = Request(connection: connection, number: requests.count + 1, bytes: bytes)
          requests.append(request)
          return (request, self.mischief)
        }
        let right = answer(to: request)
        for action in mischief(request, right) ?? [.send(right)] {
          guard perform(action, on: descriptor) else { return }
        }
      }
    }
  }

  private func perform(_ action: Action, on descriptor: Int32) -> Bool {
    switch action {
    case .send(let bytes): return send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count
    case .drip(let bytes, let pause):
      for byte in bytes {
        guard send(descriptor, [byte], 1, Int32(MSG_NOSIGNAL)) == 1 else { return false }
        Thread.sleep(forTimeInterval: Double(pause.components.attoseconds) / 1e18)
      }
      return true
    case .close: return false
    case .reset:
      var lingering = linger(l_onoff: 1, l_linger: 0)
      setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &lingering, socklen_t(MemoryLayout<linger>.size))
      return false
    case .silence: return true
    case .pause(let pause):
      Thread.sleep(forTimeInterval: Double(pause.components.attoseconds) / 1e18)
      return true
    }
  }

  /// The answer of a sound PLC, which also does what a write says.
  private func answer(to request: Request) -> [UInt8] {
    let bytes = request.bytes
    var body: [UInt8] = [bytes[6], request.function]
    switch request.function {
    case 1, 2:
      var data = [UInt8](repeating: 0, count: (request.count + 7) / 8)
      for place in 0..<request.count where self[coil: request.address + place] {
        data[place / 8] |= 1 << UInt8(place % 8)
      }
      body += [UInt8(data.count)] + data
    case 3, 4:
      let words = (0..<request.count).map { self[holding: request.address + $0] }
      body += [UInt8(words.count * 2)] + words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    case 5:
      self[coil: request.address] = bytes[10] == 0xFF
      note(request, [bytes[10] == 0xFF ? 1 : 0])
      body += bytes[8..<12]
    case 6:
      self[holding: request.address] = UInt16(request.count)
      note(request, [UInt16(request.count)])
      body += bytes[8..<12]
    case 16:
      let words = (0..<request.count).map { UInt16(bytes[13 + $0 * 2]) << 8 | UInt16(bytes[14 + $0 * 2]) }
      for (place, word) in words.enumerated() { self[holding: request.address + place] = word }
      note(request, words)
      body += bytes[8..<12]
    default: body = [bytes[6], request.function | 0x80, 1]
    }
    return bytes[..<4] + [UInt8(body.count >> 8), UInt8(truncatingIfNeeded: body.count)] + body
  }

  private func note(_ request: Request, _ values: [UInt16]) {
    lock.withLock { writes.append(Write(function: request.function, address: request.address, values: values)) }
  }
}
