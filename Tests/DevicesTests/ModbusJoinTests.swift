import Events
import TestParts
import Testing

@testable import Devices

/// Values out of joined answers are those that each tag would show if it were read alone.
@Suite(.timeLimit(minutes: 5))
struct ModbusJoinTests {
  /// A tag of any type in any order, somewhere in the first addresses of a table.
  private static func tag(_ numbers: inout Seeded, _ name: String, within: Int) -> ModbusTag {
    let table = ModbusAddress.Table.allCases.randomElement(using: &numbers) ?? .holding
    let types = ValueType.allCases
    let type = table.isBits ? ValueType.bool : types.randomElement(using: &numbers) ?? .int16
    let length = type == .string ? Int.random(in: 1...9, using: &numbers) : 0
    let width = type == .string ? (length + 1) / 2 : type.width
    let low = Int.random(in: 0...15, using: &numbers)
    var bits: ClosedRange<Int>?
    if type == .bool, !table.isBits { bits = low...low }
    if type == .bits { bits = low...Int.random(in: low...15, using: &numbers) }
    let first = Int.random(in: 0...(within - width), using: &numbers)
    return ModbusTag(
      name: name, address: ModbusAddress(table: table, number: first, bits: bits, text: ""), type: type,
      order: WordOrder.choices(width: max(1, type.width)).randomElement(using: &numbers), length: length,
      encoding: TextEncoding.allCases.randomElement(using: &numbers) ?? .ascii)
  }

  private static func limits(_ numbers: inout Seeded) -> RequestLimits {
    var limits = RequestLimits()
    limits.maxRegisters = Int.random(in: 5...60, using: &numbers)
    limits.maxGap = Int.random(in: 0...12, using: &numbers)
    return limits
  }

  @Test(arguments: 0..<6)
  func `joined answers give the values of single ones, for any map and any memory`(seed: UInt64) {
    var numbers = Seeded(seed: seed &+ 500)
    for _ in 0..<120 {
      let within = Int.random(in: 20...200, using: &numbers)
      var memory: [ModbusAddress.Table: [UInt16]] = [:]
      for table in ModbusAddress.Table.allCases {
        memory[table] = (0..<within).map { _ in UInt16.random(in: 0...(table.isBits ? 1 : .max), using: &numbers) }
      }
      func answer(_ request: PlannedRequest) -> [UInt8] {
        let words = Array((memory[request.table] ?? [])[request.range])
        guard request.table.isBits else { return words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] } }
        return stride(from: 0, to: words.count, by: 8).map { start in
          (start..<min(start + 8, words.count)).reduce(0) { $0 | UInt8(words[$1]) << UInt8($1 - start) }
        }
      }
      let tags = (0..<Int.random(in: 1...40, using: &numbers)).map { Self.tag(&numbers, "t\($0)", within: within) }
      let requests = RequestPlan.joined(tags, limits: Self.limits(&numbers))
      #expect(requests.reduce(0) { $0 + $1.tags.count } == tags.count)
      for request in requests {
        let joined = answer(request)
        for tag in request.tags {
          let single = RequestPlan.single(tag)
          #expect(tag.value(in: joined, from: request.address) == tag.value(in: answer(single), from: single.address))
        }
      }
    }
  }

  @Test func `a server gives the same values to joined requests and to one for each tag`() async throws {
    var numbers = Seeded(seed: 77)
    let server = try await ModbusServer(count: 400)
    server.update { registers in
      for table in ModbusAddress.Table.allCases {
        for address in 0..<400 {
          registers[table, address] = UInt16.random(in: 0...(table.isBits ? 1 : .max), using: &numbers)
        }
      }
    }
    for _ in 0..<4 {
      let tags = (0..<60).map { Self.tag(&numbers, "t\($0)", within: 400) }
      let limits = Self.limits(&numbers)
      let joined = try await read([tags], limits, server)
      let single = try await read(tags.map { [$0] }, limits, server)
      #expect(
        joined.count == 60 && joined.map(\.value) == single.map(\.value) && joined.map(\.raw) == single.map(\.raw))
      #expect(joined.contains { $0.value.isGood })
    }
    await server.stop()
  }

  private func read(_ groups: [[ModbusTag]], _ limits: RequestLimits, _ server: ModbusServer) async throws
    -> [TagReadout]
  {
    let map = ModbusMap(
      requests: limits,
      groups: groups.enumerated().map { ModbusGroup(name: "g\($0.offset)", every: .seconds(1), tags: $0.element) })
    let loaded = LoadedMap(name: "any", file: "any.yaml", text: "", map: .modbus(map))
    return try await readOnce(settings("plc", port: server.port, map: loaded))
  }
}
