import Events
import Settings
import TestParts
import Testing

@testable import Devices

@Suite(.timeLimit(.minutes(1)))
struct ModbusSettingsTests {
  private func read(_ fields: String) throws -> (DeviceSettings?, [String]) {
    let folder = try ScratchFolder()
    try folder.write("press.yaml", ModbusHostileTests.map)
    let file = try SettingsFile(name: "edge.yaml", text: "press-1: { \(fields) }\n")
    let maps = MapFolder(path: folder.path)
    let entries = file.root.entries(of: "devices")
    let device = DeviceSettings(name: entries[0].name, station: "ST10", node: entries[0].node, maps: maps)
    do {
      try file.check()
    } catch let error as SettingsError {
      return (device, error.problems.map { $0.description.replacing(folder.path, with: "devices") })
    }
    return (device, [])
  }

  @Test(arguments: [
    ("192.168.10.21:502", "192.168.10.21", 502), ("plc.line3", "plc.line3", 502), ("[fd00::21]:1502", "fd00::21", 1502),
    ("[::1]", "::1", 502),
  ])
  func `a device is a map at an address`(address: String, host: String, port: Int) throws {
    let (device, problems) = try read("map: press, address: \"\(address)\", unit: 7, stations: { process: ST20 }")
    #expect(problems.isEmpty)
    #expect(device?.link == .modbus(.tcp(host: host, port: port), unit: 7))
    #expect(device?.station(ofGroup: "process") == "ST20" && device?.station(ofGroup: nil) == "ST10")
  }

  @Test(arguments: [
    ("address: plc", "edge.yaml:1: press-1: found no \"map\"; allowed: map: the name of a map in devices"),
    (
      "map: pres, address: plc",
      "edge.yaml:1: press-1.map: found \"pres\"; allowed: a map in devices: press; did you mean \"press\"?"
    ),
    (
      "map: press",
      "edge.yaml:1: press-1: found no \"address\"; allowed: address: HOST or HOST:PORT of the Modbus device"
    ),
    (
      "map: press, address: \"plc:99999\"",
      "edge.yaml:1: press-1.address: found \"plc:99999\"; allowed: HOST or HOST:PORT, an IPv6 address in brackets: "
        + "\"[fd00::21]:502\""
    ),
    (
      "map: press, address: plc, unit: 256",
      "edge.yaml:1: press-1.unit: found \"256\"; allowed: a whole number from 0 to 255"
    ),
    (
      "map: press, address: plc, port: /dev/ttyUSB0",
      "edge.yaml:1: press-1.port: found \"port\" of a Modbus device; allowed: address: \"HOST:PORT\""
    ),
    (
      "map: press, address: plc, stations: { proces: ST20 }",
      "edge.yaml:1: press-1.stations.proces: found the group \"proces\"; allowed: a group of the map: process; "
        + "did you mean \"process\"?"
    ),
  ])
  func `a device that cannot be used is named with what is right`(fields: String, message: String) throws {
    #expect(try read(fields).1 == [message])
  }

  @Test func `a technician sees what the device shows, address and words beside it`() async throws {
    let plc = try TestPLC()
    (plc[holding: 0], plc[holding: 1]) = (42, 43)
    let settings = settings("press", port: plc.port, map: try loadedMap(ModbusHostileTests.map))
    let readout = try DeviceReadout(settings)
    let first = try await readout.read()
    #expect(first.map(\.tag) == ["force", "count"])
    #expect(first.map(\.address) == ["40001", "40002"])
    #expect(first.map(\.words) == [[42], [43]])
    #expect(first.map(\.value) == [.int(42), .int(43)])
    plc[holding: 0] = 44
    #expect(try await readout.read().map(\.value) == [.int(44), .int(43)])
    #expect(plc.connectionCount == 1 && plc.written.isEmpty)
    plc.misbehave { _, right in [.send(Array(right[..<6]) + [9] + right[7...])] }
    let failure = await #expect(throws: ReadoutFailure.self) { try await readout.read() }
    #expect(
      failure?.description
        == "reading press at 127.0.0.1:\(plc.port) unit 1: unit 9 answered in place of unit 1: check the unit in the settings"
    )
    plc.misbehave { _, _ in nil }
    #expect(try await readOnce(settings).count == 2)
  }
}
