import Events
import Logging
import NIOConcurrencyHelpers
import TestParts
import Testing

@testable import Devices

/// Readings on their way to the disk hold up nobody, and none that is refused is forgotten.
@Suite(.timeLimit(minutes: 5))
struct HandedReadingTests {
  private typealias Handed = (reading: Reading, outcome: @Sendable (Acceptance) -> Void)

  private static let map = """
    kind: modbus
    addresses: zero-based
    groups:
      process:
        every: 10ms
        report: change
        tags:
          still: { at: "holding:0", type: uint16 }
          moves: { at: "holding:1", type: uint16 }
    """

  @Test func `a device reads on while its readings are on their way, up to a bound, and tells what was refused again`()
    async throws
  {
    let server = try await ModbusServer(count: 10)
    server.update { $0.set(.holding, 0, [7]) }
    let handed = NIOLockedValueBox<[Handed]>([])
    let waited = Reports()
    let line = LineDevices(
      [settings("plc", port: server.port, map: try loadedMap(Self.map))], lastCycles: [:],
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
      sink: { await waited.take($0) },
      readings: { reading, outcome in
        handed.withLockedValue { $0.append((reading, outcome)) }
        return true
      })
    let running = Task { await line.run() }
    defer { running.cancel() }
    // Each poll shows another number; nothing is told of any reading, and still all are read.
    try await eventually("the bound is reached, and what follows is waited for") {
      server.update { $0.set(.holding, 1, [UInt16.random(in: 0...UInt16.max)]) }
      return await !waited.readings.isEmpty
    }
    let before = handed.withLockedValue { $0 }
    #expect(before.count == 64)
    #expect(before[0].reading.tags.map(\.name) == ["still", "moves"])
    #expect(before.dropFirst().allSatisfy { $0.reading.tags.map(\.name) == ["moves"] })
    for (number, one) in before.enumerated() { one.outcome(number == 40 ? .refused("full") : .accepted) }
    try await eventually("all of the group is told again") {
      handed.withLockedValue { $0.dropFirst(64).contains { $0.reading.tags.map(\.name) == ["still", "moves"] } }
    }
    running.cancel()
    await running.value
    await server.stop()
  }
}
