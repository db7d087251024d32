import Devices
import Glibc
import Machine
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5))
struct ModbusServerTests {
  @Test func `a client reads what was set, in each of the four tables`() async throws {
    let server = try await ModbusServer()
    server.write(.holding, 7, 0x1234, 0xFFFF)
    server.write(.input, 7, 99)
    server.write(.coil, 7, 1)
    server.write(.discrete, 8, 1)
    let client = try PlainClient(port: server.port)
    #expect(try client.ask(3, 7, 2) == [3, 4, 0x12, 0x34, 0xFF, 0xFF])
    #expect(try client.ask(4, 7, 1) == [4, 2, 0, 99])
    #expect(try client.ask(1, 7, 2) == [1, 1, 0b01])
    #expect(try client.ask(2, 7, 2) == [2, 1, 0b10])
    await server.stop()
  }

  @Test func `an address beyond the tables is refused, and the connection goes on`() async throws {
    let server = try await ModbusServer(count: 100)
    let client = try PlainClient(port: server.port)
    #expect(try client.ask(3, 99, 2) == [0x83, 2])
    #expect(try client.ask(3, 99, 1) == [3, 2, 0, 0])
    await server.stop()
  }

  @Test func `each kind of write reaches the tables and the observer`() async throws {
    let (writes, observer) = AsyncStream.makeStream(of: ModbusServer.Write.self)
    let server = try await ModbusServer { observer.yield($0) }
    let client = try PlainClient(port: server.port)
    _ = try client.ask([5, 0, 3, 0xFF, 0])
    _ = try client.ask([6, 0, 4, 0x01, 0x02])
    _ = try client.ask([15, 0, 5, 0, 2, 1, 0b10])
    _ = try client.ask([16, 0, 6, 0, 2, 4, 0, 1, 0, 2])
    _ = try client.ask(3, 0, 1)
    observer.finish()
    var seen: [ModbusServer.Write] = []
    for await write in writes { seen.append(write) }
    #expect(
      seen == [
        .init(table: .coil, address: 3, values: [1]), .init(table: .holding, address: 4, values: [0x0102]),
        .init(table: .coil, address: 5, values: [0, 1]), .init(table: .holding, address: 6, values: [1, 2]),
      ])
    #expect(server.read(.holding, 4, count: 4) == [0x0102, 0, 1, 2])
    #expect(server.read(.coil, 3) == 1)
    await server.stop()
  }

  @Test func `a refused write is not observed`() async throws {
    let (writes, observer) = AsyncStream.makeStream(of: ModbusServer.Write.self)
    let server = try await ModbusServer(count: 10) { observer.yield($0) }
    let client = try PlainClient(port: server.port)
    #expect(try client.ask([6, 0, 10, 0, 1]) == [0x86, 2])
    await server.stop()
    observer.finish()
    for await write in writes { Issue.record("observed \(write)") }
  }

  @Test func `a change of many registers is seen whole or not at all`() async throws {
    let server = try await ModbusServer()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        for round in 1...2000 as ClosedRange<UInt16> {
          server.update { registers in for address in 0..<100 { registers[.holding, address] = round } }
        }
      }
      group.addTask {
        let client = try PlainClient(port: server.port)
        for _ in 1...300 {
          let answer = try client.ask(3, 0, 100).dropFirst(2)
          let first = answer.prefix(2)
          #expect(stride(from: 2, to: 202, by: 2).allSatisfy { answer[$0..<$0 + 2].elementsEqual(first) })
        }
      }
      try await group.waitForAll()
    }
    await server.stop()
  }

  @Test func `several clients are served at once, and one that sends rubbish costs only itself`() async throws {
    let server = try await ModbusServer()
    server.write(.holding, 0, 5)
    let clients = try (1...8).map { _ in try PlainClient(port: server.port) }
    let rubbish = try PlainClient(port: server.port)
    rubbish.send([UInt8](repeating: 0xEE, count: 300))
    for client in clients + clients { #expect(try client.ask(3, 0, 1) == [3, 2, 0, 5]) }
    await server.stop()
  }

  @Test func `a stopped server cuts its clients, refuses new ones, and comes back on its port with its values`()
    async throws
  {
    let server = try await ModbusServer()
    server.write(.holding, 0, 5)
    let client = try PlainClient(port: server.port)
    #expect(try client.ask(3, 0, 1) == [3, 2, 0, 5])
    for _ in 1...3 {
      await server.stop()
      #expect(throws: SystemFailure.self) { try PlainClient(port: server.port) }
      #expect(throws: (any Error).self) { try client.ask(3, 0, 1) }
      server.write(.holding, 1, 6)
      try await server.start()
      let again = try PlainClient(port: server.port)
      #expect(try again.ask(3, 0, 2) == [3, 4, 0, 5, 0, 6])
    }
    await server.stop()
  }

  @Test func `a server that is let go closes its port`() async throws {
    var server: ModbusServer? = try await ModbusServer()
    let port = try #require(server?.port)
    _ = try PlainClient(port: port)
    server = nil
    try await eventually("the port is closed") { (try? PlainClient(port: port)) == nil }
  }

  @Test func `a port in use is refused by number`() async throws {
    let server = try await ModbusServer()
    let failure = await #expect(throws: SystemFailure.self) { try await ModbusServer(port: server.port) }
    #expect(failure?.description.contains("port \(server.port)") == true)
    await server.stop()
  }
}

/// A Modbus client of thirty lines that trusts nobody: bytes out, bytes in.
private final class PlainClient {
  private let descriptor: Int32
  private var transaction: UInt8 = 0

  init(port: Int) throws {
    descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    inet_pton(AF_INET, "127.0.0.1", &address.sin_addr)
    let size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let failed = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, size) }
    }
    if failed != 0 { throw SystemFailure(doing: "connecting") }
    var limit = timeval(tv_sec: 10, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
  }

  deinit { close(descriptor) }

  func send(_ bytes: [UInt8]) { _ = Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL)) }

  func ask(_ function: UInt8, _ address: UInt8, _ count: UInt8) throws -> [UInt8] {
    try ask([function, 0, address, 0, count])
  }

  /// Sends one request and gives the answer without its header, which must repeat the request's.
  func ask(_ request: [UInt8]) throws -> [UInt8] {
    transaction &+= 1
    send([0, transaction, 0, 0, 0, UInt8(request.count + 1), 1] + request)
    let header = try receive(7)
    #expect(Array(header[0..<4]) == [0, transaction, 0, 0])
    return try receive(Int(header[5]) - 1)
  }

  private func receive(_ count: Int) throws -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < count {
      var part = [UInt8](repeating: 0, count: count - bytes.count)
      let got = recv(descriptor, &part, part.count, 0)
      guard got > 0 else { throw SystemFailure(doing: "reading an answer") }
      bytes += part.prefix(got)
    }
    return bytes
  }
}
