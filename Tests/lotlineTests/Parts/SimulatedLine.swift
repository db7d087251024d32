import Devices
import Events
import TestParts

/// A PLC that makes one piece after another: block, then trigger, then it waits for the acknowledge.
actor SerialPLC {
  /// How it says that a piece is done: a counter, or a bit with its handshake.
  enum Trigger: String {
    case counter, bit
  }

  nonisolated let name: String
  nonisolated let port: Int
  nonisolated let trigger: Trigger
  private let server: ModbusServer
  private let writes: AsyncStream<UInt16>
  /// The serials whose acknowledge was written.
  private(set) var acknowledged: Set<UInt32> = []
  /// Of a bit the piece after each whose handshake was ended.
  ///
  /// Where that end is forgotten, the bit that rises next looks like the one before.
  private(set) var following: Set<UInt32> = []
  /// The acknowledge that will not be there once it is written, as if its write had never come.
  private var losing: UInt16?

  /// So many, named press-1, press-2, …, or flag-1, flag-2, ….
  static func some(_ count: Int, _ trigger: Trigger = .counter) async throws -> [SerialPLC] {
    var plcs: [SerialPLC] = []
    let kind = trigger == .counter ? "press" : "flag"
    for number in 1...count { plcs.append(try await SerialPLC(name: "\(kind)-\(number)", trigger)) }
    return plcs
  }

  init(name: String, _ trigger: Trigger) async throws {
    self.name = name
    self.trigger = trigger
    let (stream, continuation) = AsyncStream.makeStream(of: UInt16.self)
    writes = stream
    let place = trigger.acknowledge
    server = try await ModbusServer(count: 200) { write in
      if write.table == place.table, write.address == place.address, let value = write.values.first {
        continuation.yield(value)
      }
    }
    port = server.port
  }

  /// Whether it lost the acknowledge that it was told to lose.
  var hasLost: Bool { losing == nil }

  /// Loses the next acknowledge that shows `value`: 1 or 0 of a bit.
  func loseNext(_ value: UInt16) { losing = value }

  /// Makes pieces until cancelled; a piece is never started before the one before it was acknowledged.
  func run() async {
    var serial: UInt32 = 0
    var acknowledges = writes.makeAsyncIterator()
    while !Task.isCancelled {
      serial += 1
      let force = (Float(serial) / 4).bitPattern
      let (made, trigger) = (serial, trigger)
      server.update { registers in
        registers.set(
          .holding, 102,
          [
            UInt16(made >> 16), UInt16(truncatingIfNeeded: made), UInt16(force >> 16),
            UInt16(truncatingIfNeeded: force),
          ])
        switch trigger {
        case .counter: registers.set(.holding, 100, [UInt16(truncatingIfNeeded: made)])
        case .bit: registers.set(.coil, 0, [1])
        }
      }
      let expected = trigger == .counter ? UInt16(truncatingIfNeeded: serial) : 1
      guard await wait(for: expected, &acknowledges) else { return }
      acknowledged.insert(serial)
      guard trigger == .bit else { continue }
      server.write(.coil, 0, 0)
      guard await wait(for: 0, &acknowledges) else { return }
      following.insert(serial + 1)
    }
  }

  /// Waits for an acknowledge; false if it is cancelled.
  private func wait(for value: UInt16, _ acknowledges: inout AsyncStream<UInt16>.Iterator) async -> Bool {
    while let written = await acknowledges.next(isolation: #isolation) {
      guard written == value else { continue }
      guard losing == value else { return true }
      // Only bits are told to lose one: what was shown before it is the other value.
      server.write(.coil, trigger.acknowledge.address, 1 - value)
      losing = nil
    }
    return false
  }
}

extension SerialPLC.Trigger {
  /// Where the maps of `LineFolder` have the acknowledge.
  var acknowledge: (table: ModbusServer.Table, address: Int) {
    switch self {
    case .counter: (.holding, 110)
    case .bit: (.coil, 4)
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

  /// Scans a code once, and gives the answer.
  func scan(_ code: String) async throws -> [UInt8] { try await scanner.scan(Array("\(code)\r".utf8)) }

  /// Remembers a code that was acknowledged.
  func note(_ code: String) { acknowledged.insert(code) }

  func run() async {
    var number = 0
    while !Task.isCancelled {
      number += 1
      let code = "SN\(100_000 + number)"
      var unanswered = 0
      while !Task.isCancelled {
        unanswered += 1
        let reply = try? await scanner.scan(Array("\(code)\r".utf8))
        unanswered -= reply?.count ?? 0
        if reply?.first == 0x06 {
          acknowledged.insert(code)
          break
        }
      }
      try? await scanner.passOver(lateAnswers: unanswered)
    }
  }
}
