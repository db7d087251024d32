import Devices
import Events
import Foundation
import Logging
import Settings
import TestParts
import Testing

/// Other settings while the devices run.
@Suite(.timeLimit(minutes: 5)) struct LineChangeTests {
  private static let text = """
    kind: modbus
    addresses: zero-based
    groups:
      process: { every: 20ms, report: always, tags: { level: { at: "holding:1", type: uint16 } } }
    """

  private func heard(_ reports: Reports, from device: String, more: Int = 0) async throws {
    let before = await reports.readings.filter { $0.device == device }.count + more
    try await eventually("\(device) is read") {
      await reports.readings.filter { $0.device == device }.count > before
    }
  }

  @Test func `only the device whose map changed gets another connection, and its pause is a hole`() async throws {
    let plcs = try (0..<3).map { _ in try TestPLC() }
    let map = try loadedMap(Self.text)
    let old = plcs.enumerated().map { settings("plc-\($0)", port: $1.port, map: map) }
    let reports = Reports()
    try await running(old, into: reports) { line in
      for device in old { try await heard(reports, from: device.name) }
      let scaled = try loadedMap(Self.text.replacing("type: uint16", with: "type: uint16, scale: 0.1"))
      let new = [old[2], settings("plc-1", port: plcs[1].port, map: scaled), old[0]]
      let difference = line.difference(to: new)
      #expect(difference.restarted == ["plc-1"] && difference.added.isEmpty && difference.removed.isEmpty)
      let good = line.status.map(\.good)
      await line.stop(difference.stopped)
      line.start(new, lastCycles: [:])
      #expect(line.status.map(\.name) == ["plc-2", "plc-1", "plc-0"])
      for device in new { try await heard(reports, from: device.name) }
      #expect(line.status[0].good > good[2] && line.status[2].good > good[0], "the others' counts go on")
      #expect(line.difference(to: new).isEmpty)
    }
    #expect(plcs.map { Set($0.seen.map(\.connection)) } == [[1], [1, 2], [1]])
    let holes = await reports.holes.filter { $0.kind == .deviceOffline }
    #expect(holes.map(\.device) == ["plc-1"] && holes[0].kind == .deviceOffline)
    #expect(try #require(holes[0].from) < #require(holes[0].to))
    #expect(holes[0].reason == "it was restarted to take other settings")
  }

  @Test func `a removed device says its last word and is gone, an added one begins`() async throws {
    let plcs = try (0..<2).map { _ in try TestPLC() }
    let map = try loadedMap(Self.text)
    // Nobody listens at the port of the one that goes: what it leaves is a hole up to its removal.
    let away = try TestPLC()
    away.stop()
    let old = [settings("stays", port: plcs[0].port, map: map), settings("goes", port: away.port, map: map)]
    let reports = Reports()
    try await running(old, into: reports) { line in
      try await heard(reports, from: "stays")
      try await eventually("it is away") { line.status[1].state == .offline }
      let new = [old[0], settings("comes", port: plcs[1].port, map: map)]
      let difference = line.difference(to: new)
      #expect(difference.removed == ["goes"] && difference.added == ["comes"] && difference.restarted.isEmpty)
      await line.stop(difference.stopped)
      let told = await reports.holes.filter { $0.kind == .deviceOffline }
      #expect(told.map(\.device) == ["goes"] && told[0].kind == .deviceOffline)
      #expect(told[0].reason?.hasSuffix("; its settings changed meanwhile") == true)
      line.start(new, lastCycles: [:])
      try await heard(reports, from: "comes")
      #expect(line.status.map(\.name) == ["stays", "comes"])
    }
    #expect(await reports.holes.count { $0.kind == .deviceOffline } == 1, "an added device was not away")
  }

  @Test func `a comment in a map restarts nothing, another station, address or unit does`() throws {
    let map = try loadedMap(Self.text)
    let old = settings("plc", port: 502, map: map)
    func difference(_ new: DeviceSettings) -> DeviceDifference {
      LineDevices([old], lastCycles: [:], logger: .init(label: "test")) { _ in .accepted }.difference(to: [new])
    }
    #expect(difference(settings("plc", port: 502, map: try loadedMap("# why\n" + Self.text))).isEmpty)
    #expect(difference(settings("plc", port: 503, map: map)).restarted == ["plc"])
    #expect(difference(settings("plc", port: 502, map: map, unit: 2)).restarted == ["plc"])
    let moved = DeviceSettings(name: "plc", station: "ST20", map: map, link: old.link)
    #expect(difference(moved).restarted == ["plc"])
    let split = DeviceSettings(
      name: "plc", station: "ST10", groupStations: ["process": "ST20"], map: map, link: old.link)
    #expect(difference(split).restarted == ["plc"])
  }
}
