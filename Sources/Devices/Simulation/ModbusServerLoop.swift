private import CModbus
private import Glibc
private import Machine

/// Wakes a thread that waits in `poll`: a pipe, set by writing to it.
final class Wake: Sendable {
  /// Readable once the wake is set.
  let descriptor: Int32
  private let other: Int32

  init() throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemFailure(doing: "making a pipe to wake a Modbus server") }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    descriptor = ends[0]
    other = ends[1]
  }

  deinit {
    close(descriptor)
    close(other)
  }

  /// Wakes now, or the next wait at once.
  func set() {
    var byte: UInt8 = 1
    _ = Glibc.write(other, &byte, 1)
  }

  /// Makes it ready to be set again.
  func clear() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while Glibc.read(descriptor, &bytes, bytes.count) > 0 {}
  }
}

/// The clients of a server, served in turn on one thread until the wake is set.
actor ModbusServerLoop {
  nonisolated let wake: Wake
  private let thread = OwnThread(name: "modbus-server")
  private let host: String
  private let port: Int
  private let tables: ModbusTables
  private let fault: @Sendable () -> SimulatedFault
  private let onWrite: @Sendable (ModbusServer.Write) -> Void

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(
    host: String, port: Int, tables: ModbusTables, wake: Wake, fault: @escaping @Sendable () -> SimulatedFault,
    onWrite: @escaping @Sendable (ModbusServer.Write) -> Void
  ) {
    self.host = host
    self.port = port
    self.tables = tables
    self.wake = wake
    self.fault = fault
    self.onWrite = onWrite
  }

  /// Opens the port and begins to serve; returns once clients can connect.
  ///
  /// Not to be called while it serves.
  func begin() throws {
    wake.clear()
    let listener = try ModbusListener(host: host, port: port)
    // No child of anybody's task: a server lives from start to stop, as a PLC does. It occupies this actor's thread
    // and waits in `poll`, where it would not see a cancellation, so the wake ends it.
    Task { serve(listener) }
  }

  /// Returns when the thread serves no more: the connections and the port are closed.
  func settle() {}

  private func serve(_ listener: ModbusListener) {
    defer { listener.close() }
    var clients: [ModbusConnection] = []
    while true {
      var waits = [wake.descriptor, listener.socket].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      waits += clients.map { pollfd(fd: $0.socket, events: Int16(POLLIN), revents: 0) }
      guard retrying({ poll(&waits, nfds_t(waits.count), -1) }) > 0, waits[0].revents == 0 else { return }
      // From the last to the first, since a client that left is removed.
      for index in clients.indices.reversed() where waits[index + 2].revents != 0 {
        if !answer(clients[index]) { clients.remove(at: index) }
      }
      if waits[1].revents != 0, let client = listener.accept() { clients.append(client) }
    }
  }

  /// Answers one request, well or as its fault says; false if the client is gone or does not speak Modbus.
  private func answer(_ client: ModbusConnection) -> Bool {
    guard var request = client.receive() else { return false }
    let fault = fault()
    if fault.delay > .zero {
      var stop = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
      guard retrying({ poll(&stop, 1, Int32(fault.delay.inMilliseconds)) }) == 0 else { return false }
    }
    switch fault.kind {
    case .silence: return true
    case .refusal(let code): return client.refuse(request, with: code)
    case .wrongUnit: request[6] &+= 1  // the answer repeats the unit of the request
    case .none: break
    }
    let (sent, write) = client.reply(to: request, from: tables)
    if let write { onWrite(write) }
    return sent
  }
}

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

/// One client.
final class ModbusConnection {
  let socket: Int32
  private let context: OpaquePointer

  init?(owning socket: Int32) {
    guard let context = modbus_new_tcp("127.0.0.1", 502) else { return nil }  // it never connects
    self.context = context
    self.socket = socket
    var on: Int32 = 1
    setsockopt(socket, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    _ = fcntl(socket, F_SETFD, FD_CLOEXEC)
    modbus_set_socket(context, socket)
    // libmodbus sleeps for the response timeout after a request that it refuses; the others wait that long.
    modbus_set_response_timeout(context, 0, 1000)
  }

  deinit {
    modbus_close(context)
    modbus_free(context)
  }

  /// The next whole request; nil if the client left or its bytes are no request.
  func receive() -> [UInt8]? {
    var request = [UInt8](repeating: 0, count: Int(MODBUS_TCP_MAX_ADU_LENGTH))
    let length = modbus_receive(context, &request)
    return length > 0 ? Array(request.prefix(Int(length))) : nil
  }

  /// Says with an exception that it will not do what was asked; false if that cannot be sent.
  func refuse(_ request: [UInt8], with code: UInt8) -> Bool {
    guard request.count > 7 else { return false }
    let answer: [UInt8] = [request[0], request[1], 0, 0, 0, 3, request[6], request[7] | 0x80, code]
    let sent = answer.withUnsafeBytes { bytes in
      retrying { Glibc.send(socket, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL)) }
    }
    return sent > 0
  }

  func reply(to request: [UInt8], from tables: ModbusTables) -> (sent: Bool, write: ModbusServer.Write?) {
    tables.reply(context, to: request)
  }
}
