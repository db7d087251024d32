import Events
import TestParts
import Testing

@testable import Devices

/// Reads on request, over the connection of a device that is being polled.
@Suite(.timeLimit(minutes: 5))
struct LiveReadoutTests {
  @Test func `a readout goes over the connection of the polls, between them, with words and times`() async throws {
    let plc = try TestPLC()
    (plc[holding: 0], plc[holding: 1]) = (42, 43)
    let reports = Reports()
    let slow = ModbusHostileTests.map.replacing("every: 20ms", with: "every: 60s")
    try await running([settings("press", port: plc.port, map: loadedMap(slow))], into: reports) { line in
      try await eventually("the first poll is there") { await reports.readings.count == 1 }
      let before = Moment.now().time
      let readouts = try await line.readout(of: "press")
      #expect(readouts.map(\.tag) == ["force", "count"] && readouts.map(\.words) == [[42], [43]])
      #expect(readouts.allSatisfy { $0.time >= before })
      plc[holding: 0] = 44
      let again = try await line.readout(of: "press", group: "process")
      #expect(again.map(\.value) == [.int(44), .int(43)])
    }
    #expect(plc.connectionCount == 1)
    #expect(await reports.readings.count == 1, "a readout is no reading")
  }

  @Test func `a readout gets its turn where polls leave no time`() async throws {
    let plc = try TestPLC { _, right in [.pause(.milliseconds(25)), .send(right)] }
    try await running([settings("press", port: plc.port, map: loadedMap(ModbusHostileTests.map))], into: Reports()) {
      line in
      for _ in 0..<5 {
        let readouts = try await line.readout(of: "press")
        #expect(readouts.count == 2)
      }
    }
  }

  @Test func `who asks for what cannot be read is told why`() async throws {
    let plc = try TestPLC { _, _ in [.silence] }
    let map = try loadedMap(ModbusHostileTests.map)
    try await running([settings("press", port: plc.port, map: map)], into: Reports()) { line in
      func reason(_ device: String, _ group: String?) async -> String? {
        do throws(ReadoutFailure) { _ = try await line.readout(of: device, group: group) } catch { return error.reason }
        return nil
      }
      #expect(await reason("pres", nil) == "there is no such device; there are: press")
      #expect(await reason("press", "proces") == "its map has no group \"proces\"; it has: process")
      #expect(await reason("press", nil) == "no answer within 200ms")
      for (group, kind) in [("proces", ReadoutFailure.Kind.unknown), ("process", .away)] {
        let failure = await #expect(throws: ReadoutFailure.self) {
          try await line.readout(of: "press", group: group)
        }
        #expect(failure?.kind == kind)
      }
    }
  }

  @Test func `who waits for a readout while the daemon stops, or gives up, is answered`() async throws {
    let plc = try TestPLC { _, _ in [.silence] }
    let map = try loadedMap(ModbusHostileTests.map.replacing("timeout: 200ms", with: "timeout: 60s"))
    var waiting: Task<[TagReadout], any Error>?
    try await running([settings("press", port: plc.port, map: map)], into: Reports()) { line in
      try await eventually("it waits for an answer") { plc.seen.count == 1 }
      let impatient = Task { try await line.readout(of: "press") }
      impatient.cancel()
      await #expect(throws: ReadoutFailure.self) { try await impatient.value }
      waiting = Task { try await line.readout(of: "press") }
    }
    await #expect(throws: ReadoutFailure.self) { try await waiting?.value }
  }
}
