private import CModbus
import Glibc
import Machine

/// One open connection to a Modbus device, closed when its owner lets go of it.
///
/// libmodbus opens it (names, IPv6, the time limit of connecting); the frames are ours from there on: its own
/// checks let a wrong unit, protocol or length pass, and its time limit is none against an answer that drips.
/// Every call blocks: it belongs on an actor with a thread of its own.
struct ModbusLink: ~Copyable {
  private let context: OpaquePointer
  private let socket: Int32
  private var transaction: UInt16
  /// False after a fault: what would come next is not to be trusted.
  private(set) var isSound = true
  /// What a call of `recv` gives; longer than any frame.
  private var buffer = [UInt8](repeating: 0, count: 512)

  /// No descriptor from here on: libmodbus waits with `select`, which ends the process at 1024.
  ///
  /// Others may open files between the check and the connection, hence the distance.
  private static let highestDescriptor: Int32 = 960
  /// Connecting takes no longer, so that stopping does not either.
  static let longestConnect: Duration = .seconds(5)

  /// Connects to an address within `timeout`; a name would be looked up without a limit (`connected(to:)` does it with one).
  init(host: String, port: Int, timeout: Duration) throws(LineFault) {
    try Self.checkDescriptors()
    guard let context = modbus_new_tcp_pi(host, String(port)) else {
      throw .connect("the host or port cannot be used: \(SystemFailure(doing: "").reason)")
    }
    let limit = min(timeout, Self.longestConnect)
    let (seconds, attoseconds) = limit.components
    modbus_set_response_timeout(context, UInt32(seconds), max(1, UInt32(attoseconds / 1_000_000_000_000)))
    guard modbus_connect(context) == 0 else {
      let failure = SystemFailure(doing: "")
      modbus_free(context)
      throw .connect(
        failure.code == ETIMEDOUT || failure.code == EINPROGRESS
          ? "no connection within \(limit.short)" : "no connection: \(failure.reason)")
    }
    self.context = context
    socket = modbus_get_socket(context)
    transaction = UInt16.random(in: 0...UInt16.max)
  }

  deinit {
    modbus_close(context)
    modbus_free(context)
  }

  /// The lowest free descriptor is the one that the connection would get.
  private static func checkDescriptors() throws(LineFault) {
    let probe = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard probe >= 0 else {
      let failure = SystemFailure(doing: "opening a connection")
      throw .system(doing: failure.doing, reason: failure.reason)
    }
    close(probe)
    guard probe < highestDescriptor else { throw .descriptors(probe) }
  }

  /// Asks and waits for the whole answer, `timeout` altogether; after a fault the link cannot be used again.
  mutating func ask(_ question: Question, unit: UInt8, timeout: Duration) throws(LineFault) -> Answer {
    guard isSound else { throw .closed }
    isSound = false
    transaction &+= 1
    let exchange = Exchange(transaction: transaction, unit: unit, question: question)
    let deadline = ContinuousClock.now + timeout
    try checkSilence()
    try send(exchange.bytes, by: deadline, of: timeout)
    let answer = try receive(exchange, by: deadline, of: timeout)
    isSound = true
    return answer
  }

  /// Nothing may wait before a question: it would be taken for its answer.
  private mutating func checkSilence() throws(LineFault) {
    let count = read()
    if count > 0 { throw .leftover(count) }
    if count == 0 { throw .closed }
    let failure = SystemFailure(doing: "reading from the device")
    if failure.code != EAGAIN { throw Self.fault(failure) }
  }

  private func send(_ bytes: [UInt8], by deadline: ContinuousClock.Instant, of timeout: Duration) throws(LineFault) {
    var sent = 0
    while sent < bytes.count {
      let flags = Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying { Glibc.send(socket, part.baseAddress, part.count, flags) }
      }
      if count > 0 {
        sent += count
        continue
      }
      let failure = SystemFailure(doing: "writing to the device")
      guard failure.code == EAGAIN else { throw Self.fault(failure) }
      try wait(for: POLLOUT, by: deadline) { .timeout(timeout, received: 0) }
    }
  }

  private mutating func read() -> Int {
    let socket = socket
    return buffer.withUnsafeMutableBytes { room in
      retrying { recv(socket, room.baseAddress, room.count, Int32(MSG_DONTWAIT)) }
    }
  }

  private mutating func receive(_ exchange: Exchange, by deadline: ContinuousClock.Instant, of timeout: Duration)
    throws(LineFault) -> Answer
  {
    var received: [UInt8] = []
    while true {
      try wait(for: POLLIN, by: deadline) { .timeout(timeout, received: received.count) }
      let count = read()
      if count == 0 { throw .closed }
      if count < 0 {
        let failure = SystemFailure(doing: "reading from the device")
        if failure.code == EAGAIN { continue }
        throw Self.fault(failure)
      }
      received += buffer[..<count]
      if let answer = try exchange.answer(in: received) { return answer }
    }
  }

  /// Waits in short steps, so that a daemon on its way down is not held up by a device that says nothing.
  private func wait(for events: Int32, by deadline: ContinuousClock.Instant, late: () -> LineFault) throws(LineFault) {
    while true {
      if Task.isCancelled { throw .stopped }
      let left = (deadline - ContinuousClock.now).inMilliseconds
      guard left > 0 else { throw late() }
      var entry = pollfd(fd: socket, events: Int16(events), revents: 0)
      let ready = retrying { poll(&entry, 1, Int32(min(left.rounded(.up), 200))) }
      if ready > 0 { return }
      if ready < 0 {
        let failure = SystemFailure(doing: "waiting for the device")
        throw Self.fault(failure)
      }
    }
  }

  private static func fault(_ failure: SystemFailure) -> LineFault {
    switch failure.code {
    case ECONNRESET, EPIPE: .closed
    default: .system(doing: failure.doing, reason: failure.reason)
    }
  }
}
