private import CModbus
private import Glibc
private import Machine

/// The open port.
struct ModbusListener {
  let socket: Int32

  init(host: String, port: Int) throws {
    let doing = "opening port \(port) of \(host) for a Modbus server"
    guard let context = modbus_new_tcp(host, Int32(port)) else { throw SystemFailure(doing: doing) }
    defer { modbus_free(context) }
    socket = modbus_tcp_listen(context, 16)
    guard socket >= 0 else { throw SystemFailure(doing: doing) }
    _ = fcntl(socket, F_SETFL, O_NONBLOCK)  // a client that left before it was accepted must not block the others
  }

  func close() { _ = Glibc.close(socket) }

  /// The next client; nil if it is gone already or the process has no descriptor for it.
  func accept() -> ModbusConnection? {
    let accepted = Glibc.accept(socket, nil, nil)
    guard accepted >= 0 else { return nil }
    // libmodbus waits with select(), which ends the process at a descriptor that its sets cannot hold.
    guard accepted < 1024, let connection = ModbusConnection(owning: accepted) else {
      _ = Glibc.close(accepted)
      return nil
    }
    return connection
  }
}

/// One client, or a serial line with who asks on it.
final class ModbusConnection {
  let descriptor: Int32
  private let context: OpaquePointer
  private let isSerial: Bool

  enum Arrival {
    case request([UInt8])
    /// What came was for another unit of the line, or damaged on its way: nobody answers.
    case nothing
    /// The client left, or its bytes are no request.
    case gone
  }

  init?(owning socket: Int32) {
    guard let context = modbus_new_tcp("127.0.0.1", 502) else { return nil }  // it never connects
    self.context = context
    isSerial = false
    descriptor = socket
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    modbus_set_socket(context, socket)
    Self.prepare(context)
  }

  /// Opens a serial line as one of its units.
  init(path: String, line: SerialLine, unit: UInt8) throws {
    let doing = "opening \(path) as unit \(unit) of a serial line"
    let parity = CChar(bitPattern: line.parity.rawValue.utf8.first ?? 0x4E)
    let context = modbus_new_rtu(path, Int32(line.baud), parity, Int32(line.dataBits), Int32(line.stopBits))
    guard let context else { throw SystemFailure(doing: doing) }
    modbus_set_slave(context, Int32(unit))
    guard modbus_connect(context) == 0 else {
      let failure = SystemFailure(doing: doing)
      modbus_free(context)
      throw failure
    }
    self.context = context
    isSerial = true
    descriptor = modbus_get_socket(context)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    Self.prepare(context)
  }

  deinit {
    modbus_close(context)
    modbus_free(context)
  }

  /// libmodbus sleeps for the response timeout after a request that it refuses; the others wait that long.
  private static func prepare(_ context: OpaquePointer) { modbus_set_response_timeout(context, 0, 1000) }

  /// Where a request has its unit; the function follows.
  var unitPlace: Int { isSerial ? 0 : 6 }

  func receive() -> Arrival {
    var request = [UInt8](repeating: 0, count: Int(MODBUS_TCP_MAX_ADU_LENGTH))
    let length = modbus_receive(context, &request)
    if length > 0 { return .request(Array(request.prefix(Int(length)))) }
    guard isSerial else { return .gone }
    let code = errno
    // Its own codes lie above those of the system.
    guard length == 0 || code > MODBUS_ENOBASE || code == ETIMEDOUT || code == EAGAIN else { return .gone }
    modbus_flush(context)
    return .nothing
  }

  /// Says with an exception that it will not do what was asked; false if that cannot be sent.
  func refuse(_ request: [UInt8], with code: UInt8) -> Bool {
    guard request.count > unitPlace + 1 else { return false }
    let body = [request[unitPlace], request[unitPlace + 1] | 0x80, code]
    let answer =
      isSerial ? body + Exchange.checksum(of: body[...]) : [request[0], request[1], 0, 0, 0, UInt8(body.count)] + body
    let sent = answer.withUnsafeBytes { bytes in
      retrying {
        isSerial
          ? Glibc.write(descriptor, bytes.baseAddress, bytes.count)
          : Glibc.send(descriptor, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
      }
    }
    return sent > 0
  }

  /// Answers from the tables: false if that could not be sent, and what was written.
  func reply(to request: [UInt8], from tables: ModbusTables) -> (sent: Bool, write: ModbusServer.Write?) {
    // An exception's answer is unit, function and code, and on a serial line the checksum.
    tables.reply(context, to: request, functionAt: unitPlace + 1, refusalCount: isSerial ? 5 : 9)
  }
}
