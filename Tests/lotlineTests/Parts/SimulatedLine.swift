import Devices
import Events
import TestParts

/// A PLC that makes one piece after another: block, then counter, then it waits for the acknowledge.
actor SerialPLC {
  let name: String
  nonisolated let port: Int
  private let server: ModbusServer
  private let writes: AsyncStream<UInt16>
  /// The serials whose acknowledge was written.
  private(set) var acknowledged: Set<UInt32> = []

  /// So many, named press-1, press-2, ….
  static func some(_ count: Int) async throws -> [SerialPLC] {
    var plcs: [SerialPLC] = []
    for number in 1...count { plcs.append(try await SerialPLC(name: "press-\(number)")) }
    return plcs
  }

  init(name: String) async throws {
    self.name = name
    let (stream, continuation) = AsyncStream.makeStream(of: UInt16.self)
    writes = stream
    server = try await ModbusServer(count: 200) { write in
      if write.table == .holding, write.address == 110, let value = write.values.first { continuation.yield(value) }
    }
    port = server.port
  }

  /// Makes pieces until cancelled; a piece is never started before the one before it was acknowledged.
  func run() async {
    var serial: UInt32 = 0
    var acknowledges = writes.makeAsyncIterator()
    while !Task.isCancelled {
      serial += 1
      let force = (Float(serial) / 4).bitPattern
      let made = serial
      server.update { registers in
        registers.set(
          .holding, 102,
          [
            UInt16(made >> 16), UInt16(truncatingIfNeeded: made), UInt16(force >> 16),
            UInt16(truncatingIfNeeded: force),
          ])
        registers.set(.holding, 100, [UInt16(truncatingIfNeeded: made)])
      }
      repeat {
        guard let value = await acknowledges.next(isolation: #isolation) else { return }
        if value == UInt16(truncatingIfNeeded: serial) { break }
      } while true
      acknowledged.insert(serial)
    }
  }
}

/// A scanner whose operator scans the same code again until it beeps.
actor InsistentScanner {
  let name: String
  let link: String
  private let scanner: SimulatedScanner
  private(set) var acknowledged: Set<String> = []

  init(name: String, link: String) throws {
    self.name = name
    self.link = link
    scanner = try SimulatedScanner(link: link)
  }

  func run() async {
    var number = 0
    while !Task.isCancelled {
      number += 1
      let code = "SN\(100_000 + number)"
      while !Task.isCancelled {
        let reply = try? await scanner.scan(Array("\(code)\r".utf8))
        if reply == [0x06] {
          acknowledged.insert(code)
          break
        }
      }
    }
  }
}
