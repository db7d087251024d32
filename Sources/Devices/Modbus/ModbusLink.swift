private import CModbus
import Glibc
import Machine

/// One open way to Modbus devices, closed when its owner lets go of it: a TCP connection or a serial line.
///
/// libmodbus opens TCP connections (names, IPv6, the time limit of connecting); the frames are ours from there on: its
/// own checks let a wrong unit, protocol or length pass, and its time limit is none against an answer that drips.
/// Every call blocks: it belongs on an actor with a thread of its own.
struct ModbusLink: ~Copyable {
  /// A TCP connection; nil for a serial line.
  private let context: OpaquePointer?
  /// Holds the serial line open; nil for a TCP connection.
  private let port: SerialPort?
  private let descriptor: Int32
  let framing: ModbusFraming
  /// The least silence before a request (Modbus over serial line V1.02, 2.5.1.1); none with Modbus TCP.
  private let silence: Duration
  private var transaction = UInt16.random(in: 0...UInt16.max)
  /// False after a fault that leaves nothing to trust: the link can only be closed.
  private(set) var isSound = true
  /// No question is sent before.
  private(set) var earliest = ContinuousClock.now
  /// What came last on a serial line was no right answer: more of it may be on its way.
  private var isUnquiet = false
  private var overdue = OverdueQuestions()
  /// What a call of `recv` gives; longer than any frame.
  private var buffer = [UInt8](repeating: 0, count: 512)
  private let tap: TapPoint?

  /// No descriptor from here on: libmodbus waits with `select`, which ends the process at 1024.
  ///
  /// Others may open files between the check and the connection, hence the distance.
  private static let highestDescriptor: Int32 = 960
  /// Connecting takes no longer, so that stopping does not either.
  static let longestConnect: Duration = .seconds(5)

  /// Connects to an address within `timeout`; a name would be looked up without a limit (`Dialer` does it with one).
  init(host: String, port: Int, framing: ModbusFraming = .tcp, timeout: Duration, tap: TapPoint? = nil)
    throws(LineFault)
  {
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
    let opened = modbus_get_socket(context)
    // Again, since others that connect at the same moment were shown the same number.
    if let refusal = DescriptorReserve.refusal(of: opened) {
      modbus_close(context)
      modbus_free(context)
      throw .system(doing: refusal.doing, reason: refusal.reason)
    }
    self.context = context
    self.port = nil
    descriptor = opened
    self.framing = framing
    // What lies behind a gateway is a serial line of a speed that we do not know; 19200 is the specification's.
    silence = framing == .rtu ? SerialLine.modbus.silence : .zero
    self.tap = tap
  }

  /// Opens a serial line for us alone.
  init(path: String, line: SerialLine, tap: TapPoint? = nil) throws(LineFault) {
    let opened: SerialPort
    do { opened = try SerialPort(path: path, line: line) } catch { throw .connect(error.reason) }
    context = nil
    descriptor = opened.number
    port = consume opened
    framing = .rtu
    silence = line.silence
    self.tap = tap
    // What came before we were here is nobody's answer.
    isUnquiet = true
  }

  deinit {
    guard let context else { return }
    modbus_close(context)
    modbus_free(context)
  }

  private var isSerial: Bool { context == nil }

  /// The lowest free descriptor is the one that the connection would get.
  private static func checkDescriptors() throws(LineFault) {
    let probe = open("/dev/null", O_RDONLY | O_CLOEXEC)
    guard probe >= 0 else {
      let failure = SystemFailure(doing: "opening a connection")
      throw .system(doing: failure.doing, reason: failure.reason)
    }
    close(probe)
    if let refusal = DescriptorReserve.refusal(of: probe) {
      throw .system(doing: refusal.doing, reason: refusal.reason)
    }
    guard probe < highestDescriptor else { throw .descriptors(probe) }
  }

  /// Sends nothing for so long from now on.
  mutating func rest(for duration: Duration) {
    if duration > .zero { earliest = max(earliest, ContinuousClock.now + duration) }
  }

  /// Asks and waits for the whole answer, `timeout` altogether.
  ///
  /// After a fault a TCP connection cannot be used again. A serial line is the same wire whatever happened on it: it is
  /// used on once it is quiet, and only one that is gone is closed.
  ///
  /// - Parameter rested: the least time from the end of this exchange to the next question.
  mutating func ask(_ question: Question, unit: UInt8, timeout: Duration, rested: Duration = .zero)
    throws(LineFault) -> Answer
  {
    guard isSound else { throw .closed }
    isSound = false
    transaction &+= 1
    let exchange =
      framing == .tcp
      ? Exchange(transaction: transaction, unit: unit, question: question) : Exchange(rtu: unit, question: question)
    do throws(LineFault) {
      try pause(until: earliest)
      if isSerial { try quieten() } else { try checkSilence() }
      let deadline = ContinuousClock.now + timeout
      try send(exchange.bytes, by: deadline, of: timeout)
      let answer = try receive(exchange, by: deadline, of: timeout)
      isSound = true
      rest(for: max(silence, rested))
      return answer
    } catch {
      rest(for: max(silence, rested))
      if isSerial, error.leavesLine {
        isSound = true
        isUnquiet = true
        if case .timeout = error { overdue.note(exchange) }
      }
      throw error
    }
  }

  /// Nothing may wait before a question: it would be taken for its answer.
  private mutating func checkSilence() throws(LineFault) {
    let count = read()
    if count > 0 {
      tap?.take(.received(Array(buffer[..<count]), damaged: []))
      throw .leftover(count)
    }
    if count == 0 { throw .closed }
    let failure = SystemFailure(doing: "reading from the device")
    if failure.code != EAGAIN { throw Self.fault(failure) }
  }

  private func send(_ bytes: [UInt8], by deadline: ContinuousClock.Instant, of timeout: Duration) throws(LineFault) {
    tap?.take(.sent(bytes))
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying {
          isSerial
            ? Glibc.write(descriptor, part.baseAddress, part.count)
            : Glibc.send(descriptor, part.baseAddress, part.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
      }
      if count > 0 {
        sent += count
        continue
      }
      let failure = SystemFailure(doing: "writing to the device")
      guard failure.code == EAGAIN else { throw Self.fault(failure) }
      guard try isReady(for: POLLOUT, by: deadline) else { throw .timeout(timeout, received: 0) }
    }
  }

  private mutating func read() -> Int {
    let (descriptor, isSerial) = (descriptor, isSerial)
    return buffer.withUnsafeMutableBytes { room in
      retrying {
        isSerial
          ? Glibc.read(descriptor, room.baseAddress, room.count)
          : recv(descriptor, room.baseAddress, room.count, Int32(MSG_DONTWAIT))
      }
    }
  }

  private mutating func receive(_ exchange: Exchange, by deadline: ContinuousClock.Instant, of timeout: Duration)
    throws(LineFault) -> Answer
  {
    var received: [UInt8] = []
    while true {
      guard try isReady(for: POLLIN, by: deadline) else { throw .timeout(timeout, received: received.count) }
      let count = read()
      if count == 0 { throw isSerial ? .unplugged : .closed }
      if count < 0 {
        let failure = SystemFailure(doing: "reading from the device")
        if failure.code == EAGAIN { continue }
        throw Self.fault(failure)
      }
      tap?.take(.received(Array(buffer[..<count]), damaged: []))
      received += buffer[..<count]
      if !overdue.isEmpty, overdue.isLate(&received, beside: exchange.unit) { continue }
      if let answer = try exchange.answer(in: received) { return answer }
    }
  }

  /// Waits in short steps, so that a daemon on its way down is not held up by a device that says nothing.
  private func isReady(for events: Int32, by deadline: ContinuousClock.Instant) throws(LineFault) -> Bool {
    while true {
      if Task.isCancelled { throw .stopped }
      let left = (deadline - ContinuousClock.now).inMilliseconds
      guard left > 0 else { return false }
      var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
      let ready = retrying { poll(&entry, 1, Int32(min(left.rounded(.up), 200))) }
      if ready > 0 { return true }
      if ready < 0 {
        let failure = SystemFailure(doing: "waiting for the device")
        throw Self.fault(failure)
      }
    }
  }

  private func pause(until instant: ContinuousClock.Instant) throws(LineFault) {
    while case let left = instant - ContinuousClock.now, left > .zero {
      if Task.isCancelled { throw .stopped }
      let (seconds, attoseconds) = min(left, .milliseconds(200)).components
      var span = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
      nanosleep(&span, nil)
    }
  }

  private static func fault(_ failure: SystemFailure) -> LineFault {
    switch failure.code {
    case ECONNRESET, EPIPE: .closed
    case EIO, ENXIO, ENODEV: .unplugged
    default: .system(doing: failure.doing, reason: failure.reason)
    }
  }
}

// MARK: Serial lines

extension ModbusLink {
  /// How long nothing may come before a line counts as quiet again: USB adapters hand bytes over every 16 ms.
  private static let quiet: Duration = .milliseconds(50)
  /// A line that is not quiet within this is nobody's to use.
  private static let longestNoise: Duration = .seconds(1)

  /// Throws away what came without a question; where there was any, waits until nothing comes any more.
  private mutating func quieten() throws(LineFault) {
    let limit = ContinuousClock.now + Self.longestNoise
    while true {
      let count = read()
      if count == 0 { throw .unplugged }
      if count > 0 {
        tap?.take(.received(Array(buffer[..<count]), damaged: []))
        isUnquiet = true
        guard ContinuousClock.now < limit else { throw .noise }
        continue
      }
      let failure = SystemFailure(doing: "reading from the serial line")
      guard failure.code == EAGAIN else { throw Self.fault(failure) }
      guard isUnquiet else { return }
      if try isReady(for: POLLIN, by: ContinuousClock.now + Self.quiet) { continue }
      isUnquiet = false
    }
  }
}

extension SerialLine {
  /// What the specification asks every device to offer (Modbus over serial line V1.02, 2.5.1).
  static let modbus = SerialLine(baud: 19200, dataBits: 8, parity: .even, stopBits: 1)

  /// Three and a half characters; above 19200 baud 1.75 ms (Modbus over serial line V1.02, 2.5.1.1).
  public var silence: Duration {
    guard baud <= 19200 else { return .microseconds(1750) }
    return .microseconds(3_500_000 * bitsPerByte / baud)
  }

  /// With the start bit, parity and stop bits.
  public var bitsPerByte: Int { 1 + dataBits + (parity == .none ? 0 : 1) + stopBits }
}
