private import Glibc
private import Machine

/// A scanner without the scanner that listens on a TCP port, as one that the settings name by `address`.
///
/// For tests and `lotline simulate`. It sends to all who are connected, and like a real one forgets a code that nobody
/// was there for. Who connects is let in when the next code is sent. No call of it blocks its thread.
public actor ListeningScanner {
  /// The port, of loopback.
  public nonisolated let port: Int
  private nonisolated let reserved: ReservedPort
  private nonisolated let listener: Int32
  private var readers: [Int32] = []

  /// Listens on `port` of loopback; 0 takes a free one.
  public init(port: Int = 0) throws {
    let reserved = try ReservedPort(port: port)
    self.reserved = reserved
    self.port = reserved.port
    let doing = "opening port \(reserved.port) of 127.0.0.1 for a scanner"
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let number = socket(AF_INET, kind, 0)
    guard number >= 0 else { throw SystemFailure(doing: doing) }
    var reuse: Int32 = 1
    setsockopt(number, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(truncatingIfNeeded: reserved.port).bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let isOpen = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(number, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(number, 16) == 0
      }
    }
    guard isOpen else {
      let failure = SystemFailure(doing: doing)
      close(number)
      throw failure
    }
    listener = number
  }

  deinit {
    for reader in readers { close(reader) }
    close(listener)
  }

  /// Sends `frame`, delimiters included, and waits for what is answered; empty if nothing is within `limit`, nil where
  /// nobody is connected.
  public func scan(_ frame: [UInt8], answerWithin limit: Duration = .seconds(5)) async throws -> [UInt8]? {
    letIn()
    _ = received()  // an answer that came too late belongs to an earlier scan
    send(frame)
    let end = ContinuousClock.now + limit
    while !readers.isEmpty {
      let answer = received()
      if !answer.isEmpty || ContinuousClock.now >= end { return answer }
      try await Task.sleep(for: .milliseconds(2))
    }
    return nil
  }

  private func letIn() {
    while case let reader = retrying({ accept(listener, nil, nil) }), reader >= 0 {
      _ = fcntl(reader, F_SETFD, FD_CLOEXEC)
      _ = fcntl(reader, F_SETFL, O_NONBLOCK)
      readers.append(reader)
    }
  }

  /// Who does not take a whole frame at once has long not read, and is let go.
  private func send(_ bytes: [UInt8]) {
    keep { reader in
      retrying { Glibc.send(reader, bytes, bytes.count, Int32(MSG_NOSIGNAL)) } == bytes.count
    }
  }

  /// What was answered and not fetched yet.
  private func received() -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 256)
    keep { reader in
      while true {
        let count = retrying { recv(reader, &buffer, buffer.count, 0) }
        guard count > 0 else { return count < 0 && errno == EAGAIN }
        answer += buffer[..<count]
      }
    }
    return answer
  }

  /// Closes the connections that are not sound any more.
  private func keep(_ isSound: (Int32) -> Bool) {
    readers.removeAll { reader in
      guard !isSound(reader) else { return false }
      close(reader)
      return true
    }
  }
}
