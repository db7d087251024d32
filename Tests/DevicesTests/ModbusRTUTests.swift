import Events
import Foundation
import Machine
import TestParts
import Testing

@testable import Devices

/// A serial line with units on it, for a test: a pseudo-terminal whose other side answers as RTU units do.
///
/// `@unchecked` because every access to the mutable fields is under `lock`.
final class TestRTULine: @unchecked Sendable {
  /// What to do with a request, given with its right answer; nil: answer right.
  typealias Mischief = @Sendable (_ request: [UInt8], _ right: [UInt8], _ number: Int) -> [Action]?
  enum Action: Sendable {
    case send([UInt8])
    case pause(Duration)
  }

  private let terminal: PseudoTerminal
  private let lock = NSLock()
  private var requests: [[UInt8]] = []
  private var isStopped = false
  var path: String { terminal.path }
  var seen: [[UInt8]] { lock.withLock { requests } }

  init(_ mischief: @escaping Mischief = { _, _, _ in nil }) throws {
    let terminal = try PseudoTerminal()
    self.terminal = terminal
    Thread.detachNewThread { [weak self] in
      var received: [UInt8] = []
      while let self, !self.lock.withLock({ self.isStopped }) {
        received += terminal.receive(timeoutMilliseconds: 50)
        guard received.count >= 8 else { continue }
        let request = Array(received[..<8])
        received.removeFirst(8)
        let number = self.lock.withLock {
          self.requests.append(request)
          return self.requests.count
        }
        let right = Self.answer(to: request)
        for action in mischief(request, right, number) ?? [.send(right)] {
          switch action {
          case .send(let bytes): try? terminal.send(bytes)
          case .pause(let pause): Thread.sleep(forTimeInterval: pause.inMilliseconds / 1000)
          }
        }
      }
    }
  }

  deinit { lock.withLock { isStopped = true } }

  /// Each register shows its unit in the upper byte and its address in the lower one.
  static func answer(to request: [UInt8]) -> [UInt8] {
    let (address, count) = (Int(request[3]), Int(request[5]))
    let words = (0..<count).flatMap { [request[0], UInt8(truncatingIfNeeded: address + $0)] }
    return framed([request[0], request[1], UInt8(words.count)] + words)
  }

  /// The bytes with their checksum, reckoned another way than ours: with the table's polynomial bit by bit, reversed.
  static func framed(_ bytes: [UInt8]) -> [UInt8] {
    var crc: UInt32 = 0xFFFF
    for byte in bytes {
      for bit in 0..<8 {
        let isOdd = (crc ^ UInt32(byte >> bit)) & 1 == 1
        crc >>= 1
        if isOdd { crc ^= 0xA001 }
      }
    }
    return bytes + [UInt8(crc & 0xFF), UInt8(crc >> 8)]
  }
}

@Suite(.timeLimit(minutes: 5))
struct ModbusRTUTests {
  static let map = """
    kind: modbus
    requests: { timeout: 500ms }
    groups:
      process:
        every: 30ms
        report: always
        tags:
          force: { at: 40008, type: uint16 }
    """

  /// A pseudo-terminal knows no parity.
  static let line = SerialLine(baud: 19200)

  private func unit(_ unit: UInt8, on path: String) throws -> DeviceSettings {
    DeviceSettings(
      name: "unit-\(unit)", station: "ST10", map: try loadedMap(Self.map),
      link: .modbus(.serial(path: path, line: Self.line), unit: unit))
  }

  @Test func `the example of the specification is framed as it prints it`() {
    // Modbus over serial line V1.02, 6.2.2: the checksum of 02 07 is 41 12.
    #expect(TestRTULine.framed([0x02, 0x07]) == [0x02, 0x07, 0x41, 0x12])
    let exchange = Exchange(rtu: 1, question: .read(.holding, address: 0, count: 10))
    #expect(exchange.bytes == [0x01, 0x03, 0x00, 0x00, 0x00, 0x0A, 0xC5, 0xCD])
    #expect(SerialLine.modbus.description == "19200 8E1")
    #expect(SerialLine(baud: 9600, parity: .even).silence == .microseconds(4010))
    #expect(SerialLine(baud: 115_200, parity: .even).silence == .microseconds(1750))
  }

  @Test func `no byte of an RTU answer may be wrong`() throws {
    let exchange = Exchange(rtu: 7, question: .read(.holding, address: 5, count: 2))
    let right = TestRTULine.framed([7, 3, 4, 1, 2, 3, 4])
    #expect(try exchange.answer(in: right) == .data([1, 2, 3, 4]))
    for end in 0..<right.count { #expect(try exchange.answer(in: Array(right[..<end])) == nil) }
    for place in right.indices {
      for bit in 0..<8 {
        var wrong = right
        wrong[place] ^= 1 << UInt8(bit)
        if case .data = try? exchange.answer(in: wrong) { Issue.record("taken for an answer: \(wrong)") }
      }
    }
    #expect(throws: LineFault.leftover(1)) { try exchange.answer(in: right + [0]) }
    #expect(throws: LineFault.ownEcho) { try exchange.answer(in: exchange.bytes) }
    #expect(try exchange.answer(in: TestRTULine.framed([7, 0x83, 2])) == .refused(DeviceException(code: 2)))
  }

  @Test func `several units on one serial line are asked in turn, and a dead one costs the others little`()
    async throws
  {
    let line = try TestRTULine { request, _, _ in request[0] == 2 ? [] : nil }
    let reports = Reports()
    let devices = try (1...3).map { try unit($0, on: line.path) }
    try await running(devices, into: reports) { devices in
      try await eventually("the neighbours have many answers") {
        devices.status[0].good > 30 && devices.status[2].good > 30
      }
      #expect(devices.status[0].faults.isEmpty && devices.status[2].faults.isEmpty)
    }
    #expect(line.seen.filter { $0[0] == 2 }.count <= 6)
    let readings = await reports.readings.filter { $0.device != "unit-2" }
    for reading in readings {
      #expect(reading.tags[0].value == .int(reading.device == "unit-1" ? 0x0107 : 0x0307))
    }
  }

  @Test func `the late answer of one unit is nobody's value, and costs the next unit nothing`() async throws {
    let line = try TestRTULine { request, right, number in
      // Later than the limit, while the other unit is being asked.
      request[0] == 2 && number < 12 ? [.pause(.milliseconds(520)), .send(right)] : nil
    }
    let reports = Reports()
    try await running([unit(1, on: line.path), unit(2, on: line.path)], into: reports) { devices in
      try await eventually("both answer") { devices.status[0].good > 30 && devices.status[1].good > 5 }
      #expect(devices.status[0].faults.isEmpty, "\(devices.status[0].faults)")
      #expect(devices.status[1].faults["timeout"] ?? 0 > 0)
    }
    for reading in await reports.readings where reading.tags[0].value.isGood {
      #expect(reading.tags[0].value == .int(reading.device == "unit-1" ? 0x0107 : 0x0207))
    }
  }

  @Test(arguments: [
    ("checksum", [UInt8(1), 3, 2, 1, 7, 0xFF, 0xFF]), ("unit", TestRTULine.framed([9, 3, 2, 1, 7])),
    ("function", TestRTULine.framed([1, 4, 2, 1, 7])), ("byte-count", TestRTULine.framed([1, 3, 4, 1, 7, 1, 8])),
    ("timeout", [1, 3, 2]),
  ])
  func `a wrong answer on a serial line never becomes a value, and the line is used on`(kind: String, bytes: [UInt8])
    async throws
  {
    let line = try TestRTULine { _, _, number in number == 3 ? [.send(bytes)] : nil }
    let reports = Reports()
    try await running([unit(1, on: line.path)], into: reports) { devices in
      try await eventually("it is back") {
        await reports.states == [.online, .offline, .online] && devices.status[0].good > 5
      }
      #expect(devices.status[0].faults == [kind: 1])
    }
    #expect(await reports.values.filter(\.isGood).allSatisfy { $0 == .int(0x0107) })
  }

  @Test func `a serial line that comes later is found`() async throws {
    let folder = try ScratchFolder()
    let reports = Reports()
    let path = folder.file("adapter")
    try await running([unit(1, on: path)], into: reports) { devices in
      try await eventually("it is away") { await reports.states == [.offline] }
      #expect(devices.status[0].reason?.contains("is it plugged in?") == true)
      let line = try TestRTULine()
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: line.path)
      try await eventually("it answers") { devices.status[0].good > 2 }
    }
    // A busy machine may miss polls after it, which is another hole.
    let holes = await reports.holes.filter { $0.kind != .missedPolls }
    #expect(holes.map(\.kind) == [.deviceOffline], "\(holes)")
  }
}
