private import CModbus
private import Glibc
private import Machine

/// A Modbus server in this process, over TCP or on a serial line: the simulated PLC of the demo, of `simulate` and of tests.
///
/// It listens on 127.0.0.1 unless told otherwise, serves many clients on one thread of its own, and holds all
/// four tables. Its port stays reserved while it is stopped, so that a PLC can be away and come back where it was.
public final class ModbusServer: Sendable {
  /// Addresses count from 0, in each of the four tables for itself.
  public typealias Table = ModbusAddress.Table

  /// What a client wrote, as the tables hold it since.
  public struct Write: Sendable, Hashable {
    public let table: Table
    public let address: Int
    /// One per register; 0 or 1 per coil.
    public let values: [UInt16]

    public init(table: Table, address: Int, values: [UInt16]) {
      self.table = table
      self.address = address
      self.values = values
    }
  }

  /// The address it listens on, or the path of its serial line.
  public let host: String
  /// The TCP port, also while stopped; 0 on a serial line.
  public let port: Int
  private let reserved: ReservedPort?
  private let tables: ModbusTables
  private let wake: Wake
  private let running: Running

  /// Reserves the port and listens.
  ///
  /// - Parameters:
  ///   - host: an IPv4 address; anything but loopback lets the whole network write to it.
  ///   - port: 0 takes a free one.
  ///   - count: how many addresses each table has; a request beyond them is refused with exception 2.
  ///   - onWrite: called after the answer to a client's write was sent, on the server's thread: it must not block.
  ///   - fault: what goes wrong with the request that has come; called on the server's thread, which a delay holds up.
  public init(
    host: String = "127.0.0.1", port: Int = 0, count: Int = 65_536,
    onWrite: @escaping @Sendable (Write) -> Void = { _ in },
    fault: @escaping @Sendable () -> SimulatedFault = { SimulatedFault() }
  ) async throws {
    self.host = host
    let reserved = try ReservedPort(host: host, port: port)
    self.reserved = reserved
    self.port = reserved.port
    tables = try ModbusTables(count: count)
    wake = try Wake()
    running = Running(
      ModbusServerLoop(
        .tcp(host: host, port: reserved.port), tables: tables, wake: wake, fault: fault, onWrite: onWrite))
    try await start()
  }

  /// Opens a serial line and answers on it as one unit, in RTU; a line that is gone is opened again once it is back.
  ///
  /// - Parameters:
  ///   - path: the line, or a pseudo-terminal (which knows no parity).
  ///   - unit: 1 to 247; requests for others are left to them.
  ///   - count: as for TCP, and so are the closures.
  public init(
    serial path: String, line: SerialLine, unit: UInt8, count: Int = 65_536,
    onWrite: @escaping @Sendable (Write) -> Void = { _ in },
    fault: @escaping @Sendable () -> SimulatedFault = { SimulatedFault() }
  ) async throws {
    host = path
    port = 0
    reserved = nil
    tables = try ModbusTables(count: count)
    wake = try Wake()
    running = Running(
      ModbusServerLoop(
        .serial(path: path, line: line, unit: unit), tables: tables, wake: wake, fault: fault, onWrite: onWrite))
    try await start()
  }

  deinit { wake.set() }

  /// Listens again on the same port after `stop()`; the tables are as they were.
  public func start() async throws { try await running.start() }

  /// Cuts all connections and closes the port; returns when that is done.
  public func stop() async { await running.stop() }

  /// The value at one address: a register, or 0 or 1.
  public func read(_ table: Table, _ address: Int) -> UInt16 { update { $0[table, address] } }

  /// The values from `address` on.
  public func read(_ table: Table, _ address: Int, count: Int) -> [UInt16] {
    update { registers in (0..<count).map { registers[table, address + $0] } }
  }

  /// Sets the values from `address` on.
  public func write(_ table: Table, _ address: Int, _ values: UInt16...) {
    update { $0.set(table, address, values) }
  }

  /// Changes several values at once: a client sees all of the change or nothing of it.
  ///
  /// `body` runs while clients wait, so it must not block.
  public func update<Result>(_ body: (inout Registers) throws -> Result) rethrows -> Result {
    try tables.update(body)
  }

  /// The tables while nobody else touches them.
  public struct Registers: ~Copyable {
    fileprivate let mapping: UnsafeMutablePointer<modbus_mapping_t>

    /// A register, or 0 or 1; an address beyond the table is a programmer's mistake.
    public subscript(table: Table, address: Int) -> UInt16 {
      get {
        switch table {
        case .coil: UInt16(mapping.pointee.tab_bits[checked(address)])
        case .discrete: UInt16(mapping.pointee.tab_input_bits[checked(address)])
        case .input: mapping.pointee.tab_input_registers[checked(address)]
        case .holding: mapping.pointee.tab_registers[checked(address)]
        }
      }
      set {
        switch table {
        case .coil: mapping.pointee.tab_bits[checked(address)] = newValue == 0 ? 0 : 1
        case .discrete: mapping.pointee.tab_input_bits[checked(address)] = newValue == 0 ? 0 : 1
        case .input: mapping.pointee.tab_input_registers[checked(address)] = newValue
        case .holding: mapping.pointee.tab_registers[checked(address)] = newValue
        }
      }
    }

    /// Sets the values from `address` on.
    public mutating func set(_ table: Table, _ address: Int, _ values: [UInt16]) {
      for (offset, value) in values.enumerated() { self[table, address + offset] = value }
    }

    /// Sets a float32 in two registers, the more significant word first (ABCD).
    public mutating func set(_ table: Table, _ address: Int, float: Float) {
      let bits = float.bitPattern
      set(table, address, [UInt16(truncatingIfNeeded: bits >> 16), UInt16(truncatingIfNeeded: bits)])
    }

    private func checked(_ address: Int) -> Int {
      precondition((0..<Int(mapping.pointee.nb_registers)).contains(address), "address \(address) is not in the table")
      return address
    }
  }
}

/// Whether the server runs.
private actor Running {
  private let loop: ModbusServerLoop
  private var isRunning = false

  init(_ loop: ModbusServerLoop) { self.loop = loop }

  func start() async throws {
    guard !isRunning else { return }
    isRunning = true
    do { try await loop.begin() } catch {
      isRunning = false
      throw error
    }
  }

  func stop() async {
    guard isRunning else { return }
    loop.wake.set()
    await loop.settle()
    isRunning = false
  }
}

/// The four tables behind one lock, in the form that libmodbus answers from.
///
/// `@unchecked` because the mapping is touched under `mutex` alone.
final class ModbusTables: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let mapping: UnsafeMutablePointer<modbus_mapping_t>

  init(count: Int) throws {
    let number = Int32(count)
    guard let mapping = modbus_mapping_new(number, number, number, number) else {
      throw SystemFailure(doing: "making Modbus tables of \(count) addresses")
    }
    self.mapping = mapping
    pthread_mutex_init(mutex, nil)
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
    modbus_mapping_free(mapping)
  }

  func update<Result>(_ body: (inout ModbusServer.Registers) throws -> Result) rethrows -> Result {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    var registers = ModbusServer.Registers(mapping: mapping)
    return try body(&registers)
  }

  /// Lets libmodbus answer `request` from the tables: what was written, and false if the answer could not be sent.
  ///
  /// - Parameters:
  ///   - functionAt: where the request has its function.
  ///   - refusalCount: how long the answer is that refuses it.
  func reply(
    _ context: OpaquePointer, to request: [UInt8], functionAt: Int, refusalCount: Int
  ) -> (sent: Bool, write: ModbusServer.Write?) {
    update { registers in
      let answer = modbus_reply(context, request, Int32(request.count), registers.mapping)
      guard answer > 0 else { return (false, nil) }
      // The answer to a write is longer than a refusal.
      guard answer > refusalCount, let target = WriteTarget(request: request[functionAt...]) else { return (true, nil) }
      let values = (0..<target.count).map { registers[target.table, target.address + $0] }
      return (true, ModbusServer.Write(table: target.table, address: target.address, values: values))
    }
  }
}

/// Where a request writes, from its bytes.
struct WriteTarget: Hashable {
  let table: ModbusServer.Table
  let address: Int
  let count: Int

  /// Takes a request from its function on; nil where it only reads.
  init?(request: ArraySlice<UInt8>) {
    let start = request.startIndex
    func word(_ at: Int) -> Int {
      start + at + 1 < request.endIndex ? Int(request[start + at]) << 8 | Int(request[start + at + 1]) : 0
    }
    guard request.count >= 5 else { return nil }
    switch request[start] {
    case 5: self.init(table: .coil, address: word(1), count: 1)
    case 6, 22: self.init(table: .holding, address: word(1), count: 1)
    case 15: self.init(table: .coil, address: word(1), count: word(3))
    case 16: self.init(table: .holding, address: word(1), count: word(3))
    case 23: self.init(table: .holding, address: word(5), count: word(7))
    default: return nil
    }
  }

  private init(table: ModbusServer.Table, address: Int, count: Int) {
    self.table = table
    self.address = address
    self.count = count
  }
}
