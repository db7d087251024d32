import Events
import Settings
import TestParts
import Testing

@testable import Devices

@Suite(.timeLimit(minutes: 5))
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
    ("port: /dev/ttyUSB0", ModbusPlace.serial(path: "/dev/ttyUSB0", line: SerialLine(baud: 19200, parity: .even))),
    ("port: /dev/ttyUSB0, line: 9600 8N2", .serial(path: "/dev/ttyUSB0", line: SerialLine(stopBits: 2))),
    ("address: \"10.0.0.5:4001\", framing: rtu", .rtuOverTCP(host: "10.0.0.5", port: 4001)),
    ("address: PLC.line3, framing: tcp", .tcp(host: "plc.line3", port: 502)),
  ])
  func `a device is reached over TCP or a serial line, with either framing`(fields: String, place: ModbusPlace) throws {
    let (device, problems) = try read("map: press, \(fields), unit: 7")
    #expect(problems.isEmpty && device?.link == .modbus(place, unit: 7) && device?.connection == .shared(atMost: 1))
    let own = try read("map: press, address: plc, connection: own").0
    #expect(own?.connection == .own)
    let two = try read("map: press, address: plc, connection: 2").0
    #expect(two?.connection == .shared(atMost: 2))
  }

  @Test(arguments: [
    ("port: /dev/ttyUSB0, line: 9600 8N1", "port: /dev/ttyUSB0", "line", "line: 19200 8E1"),
    ("address: plc, framing: rtu", "address: plc", "framing", "framing: tcp"),
  ])
  func `devices that say different things of one bus are told apart from the others`(
    fields: String, other: String, field: String, allowed: String
  ) throws {
    let mine = try #require(try read("map: press, \(fields)").0)
    let its = try #require(try read("map: press, \(other), unit: 2").0)
    let conflict = try #require(mine.conflict(with: its))
    #expect(conflict.field == field && conflict.allowed == "\(allowed) on the same bus")
    #expect(its.conflict(with: its) == nil)
  }

  @Test func `devices that share the connections of an address agree on how many; one with its own need not`() throws {
    let one = try #require(try read("map: press, address: plc").0)
    let two = try #require(try read("map: press, address: plc, connection: 2, unit: 2").0)
    let own = try #require(try read("map: press, address: plc, connection: own, unit: 3").0)
    let conflict = try #require(two.conflict(with: one))
    #expect(conflict.field == "connection" && conflict.found == "connection: 2")
    #expect(conflict.allowed == "connection: 1, as others at this address have it, or own")
    #expect(own.conflict(with: two) == nil && two.conflict(with: own) == nil)
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
      "edge.yaml:1: press-1.address: found \"address\" beside \"port\"; allowed: either address (TCP) or port (a serial line)"
    ),
    (
      "map: press, port: ttyUSB0",
      "edge.yaml:1: press-1.port: found \"ttyUSB0\"; allowed: a path that begins with /, such as /dev/serial/by-id/..."
    ),
    (
      "map: press, port: /dev/ttyUSB0, unit: 248",
      "edge.yaml:1: press-1.unit: found \"248\"; allowed: a whole number from 1 to 247"
    ),
    (
      "map: press, port: /dev/ttyUSB0, line: 9600 7E1",
      "edge.yaml:1: press-1.line: found 9600 7E1; allowed: 8 data bits and no flow control: RTU sends whole bytes of any value"
    ),
    (
      "map: press, address: plc, framing: ascii",
      "edge.yaml:1: press-1.framing: found \"ascii\"; allowed: tcp, rtu"
    ),
    (
      "map: press, address: plc, connection: 17",
      "edge.yaml:1: press-1.connection: found \"17\"; allowed: shared, own, or how many the devices at the address may "
        + "share, 1 to 16"
    ),
    (
      "map: press, address: plc, line: 9600 8N1",
      "edge.yaml:1: press-1.line: found \"line\" without \"port\"; allowed: leave it out, or name the serial port"
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
