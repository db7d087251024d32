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
  private let entrance: ModbusEntrance
  private let tables: ModbusTables
  private let fault: @Sendable () -> SimulatedFault
  private let onWrite: @Sendable (ModbusServer.Write) -> Void

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  init(
    _ entrance: ModbusEntrance, tables: ModbusTables, wake: Wake, fault: @escaping @Sendable () -> SimulatedFault,
    onWrite: @escaping @Sendable (ModbusServer.Write) -> Void
  ) {
    self.entrance = entrance
    self.tables = tables
    self.wake = wake
    self.fault = fault
    self.onWrite = onWrite
  }

  /// Opens the port or the serial line and begins to serve; returns once clients can ask.
  ///
  /// Not to be called while it serves.
  func begin() throws {
    wake.clear()
    // No child of anybody's task: a server lives from start to stop, as a PLC does. It occupies this actor's thread
    // and waits in `poll`, where it would not see a cancellation, so the wake ends it.
    switch entrance {
    case .tcp(let host, let port):
      let listener = try ModbusListener(host: host, port: port)
      Task { serve(listener) }
    case .serial(let path, let line, let unit):
      let connection = try ModbusConnection(path: path, line: line, unit: unit)
      Task { serve(connection, path: path, line: line, unit: unit) }
    }
  }

  /// Returns when the thread serves no more: the connections and the port are closed.
  func settle() {}

  private func serve(_ listener: ModbusListener) {
    defer { listener.close() }
    var clients: [ModbusConnection] = []
    while true {
      var waits = [wake.descriptor, listener.socket].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
      waits += clients.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
      guard retrying({ poll(&waits, nfds_t(waits.count), -1) }) > 0, waits[0].revents == 0 else { return }
      // From the last to the first, since a client that left is removed.
      for index in clients.indices.reversed() where waits[index + 2].revents != 0 {
        if !answer(clients[index]) { clients.remove(at: index) }
      }
      if waits[1].revents != 0, let client = listener.accept() { clients.append(client) }
    }
  }

  /// Serves a serial line; one that is gone is opened again once it is back.
  private func serve(_ opened: ModbusConnection, path: String, line: SerialLine, unit: UInt8) {
    var connection: ModbusConnection? = opened
    while true {
      var waits = [pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)]
      waits += [pollfd(fd: connection?.descriptor ?? -1, events: Int16(POLLIN), revents: 0)]
      guard retrying({ poll(&waits, 2, connection == nil ? 250 : -1) }) >= 0, waits[0].revents == 0 else { return }
      if let open = connection {
        if waits[1].revents != 0, !answer(open) { connection = nil }
      } else {
        connection = try? ModbusConnection(path: path, line: line, unit: unit)
      }
    }
  }

  /// Answers one request, well or as its fault says; false if the client is gone or does not speak Modbus.
  private func answer(_ client: ModbusConnection) -> Bool {
    var request: [UInt8]
    switch client.receive() {
    case .request(let bytes): request = bytes
    case .nothing: return true
    case .gone: return false
    }
    let fault = fault()
    if fault.delay > .zero {
      var stop = pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0)
      guard retrying({ poll(&stop, 1, Int32(fault.delay.inMilliseconds)) }) == 0 else { return false }
    }
    switch fault.kind {
    case .silence: return true
    case .refusal(let code): return client.refuse(request, with: code)
    case .wrongUnit: request[client.unitPlace] &+= 1  // the answer repeats the unit of the request
    case .none: break
    }
    let (sent, write) = client.reply(to: request, from: tables)
    if let write { onWrite(write) }
    return sent
  }
}

/// Where requests come from.
enum ModbusEntrance: Sendable {
  case tcp(host: String, port: Int)
  /// RTU, as one unit.
  case serial(path: String, line: SerialLine, unit: UInt8)
}
