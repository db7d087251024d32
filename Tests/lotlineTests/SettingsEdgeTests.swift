import Devices
import Events
import Forward
import Settings
import Stations
import TestParts
import Testing

@testable import lotline

@Suite struct SettingsEdgeTests {
  @Test func `settings with all keys are read as they are written`() throws {
    let folder = try SettingsFolder.make()
    let settings = try EdgeSettings.read(folder.file("edge.yaml"))
    #expect(settings.source.description == "plant1.line3.pc1")
    #expect(settings.stations.map(\.name) == ["ST10", "ST20"])
    let station = settings.stations[0]
    #expect(station.title == "Press" && station.product == "P9" && station.unitEnds == .cycle)
    #expect(station.cycleNeeds == ["operator", "lot", "unit", "materials.coil"])
    #expect(station.place("coil").greyCycles == 1 && station.place("coil").greyTime == .zero)
    #expect(settings.devices.map(\.name) == ["press-1", "gun-1", "gun-2"])
    #expect(settings.devices.map(\.station) == ["ST10", "ST10", "ST20"])
    #expect(settings.devices[0].link == .modbus(.tcp(host: "127.0.0.1", port: 502), unit: 1))
    #expect(settings.queue == .init(path: "/tmp/queue.db", limitBytes: 10_000_000_000, keep: .seconds(30 * 86400)))
    #expect(settings.central == PeerSettings(url: "https://trace.plant1:8480", tokenFile: "/t", caFile: "/ca"))
    #expect(settings.web == WebSettings(listen: ListenAddress(host: "127.0.0.1", port: 8470)))
    #expect(settings.control.socket == "/run/lotline/edge.sock")
    #expect(settings.files.map(\.file) == ["edge.yaml", "devices/gun.yaml", "devices/press.yaml"])
    #expect(settings.files.map(\.text) == [SettingsFolder.edge, SettingsFolder.gun, SettingsFolder.press])
  }

  @Test(arguments: [("gzip", true), ("none", false)])
  func `how batches are packed is chosen`(_ word: String, _ compresses: Bool) throws {
    let text = SettingsFolder.edge.replacing("ca-file: /ca }", with: "ca-file: /ca, compress: \(word) }")
    let folder = try SettingsFolder.make(edge: text)
    let central = try EdgeSettings.read(folder.file("edge.yaml")).central
    #expect(text != SettingsFolder.edge && central?.forward.compresses == compresses)
  }

  @Test func `a station without a PLC, a grey zone and a listener for others are read`() throws {
    let text = """
      source: pc1
      stations:
        ST10:
          unit-ends: scan
          cycle: { from: scans, ends: unit }
          places: { coil: { grey: { cycles: 3, time: 90s } }, feeder-12: }
          devices: { gun-1: { map: gun, port: /dev/ttyACM0 } }
      web: { listen: "[::]:8470", certificate-file: /c, key-file: /k, token-file: /t }
      """
    let folder = try SettingsFolder.make(edge: text)
    let settings = try EdgeSettings.read(folder.file("edge.yaml"))
    let station = settings.stations[0]
    #expect(station.unitEnds == .scan && station.cycle == .unitScan)
    #expect(station.place("coil").greyCycles == 3 && station.place("coil").greyTime == .seconds(90))
    #expect(station.places.map(\.name) == ["coil", "feeder-12"])
    #expect(settings.web.listen == ListenAddress(host: "::", port: 8470))
    #expect(settings.web.tokenFile == "/t" && settings.central == nil)
  }

  @Test(arguments: SettingsCase.list(brokenEdge))
  func `broken settings of an edge are refused in one line that mends them`(_ broken: SettingsCase) throws {
    let folder = try SettingsFolder.make(edge: try broken.applied(to: SettingsFolder.edge))
    let found = try problems(in: folder) { _ = try EdgeSettings.read(folder.file("edge.yaml")) }
    #expect(found == broken.problems)
  }

  @Test(arguments: SettingsCase.list(brokenPress))
  func `a broken Modbus map is refused in one line that mends it`(_ broken: SettingsCase) throws {
    let folder = try SettingsFolder.make(press: try broken.applied(to: SettingsFolder.press))
    let found = try problems(in: folder) { _ = try EdgeSettings.read(folder.file("edge.yaml")) }
    #expect(found == broken.problems)
  }

  @Test(arguments: SettingsCase.list(brokenGun))
  func `a broken scanner map is refused in one line that mends it`(_ broken: SettingsCase) throws {
    let folder = try SettingsFolder.make(gun: try broken.applied(to: SettingsFolder.gun))
    let found = try problems(in: folder) { _ = try EdgeSettings.read(folder.file("edge.yaml")) }
    #expect(found == broken.problems)
  }

  @Test func `all problems of all files are told at once, the settings first, each file by lines`() throws {
    let edge = SettingsFolder.edge.replacing("30d", with: "often").replacing("title:", with: "titel:")
    let press = SettingsFolder.press.replacing("float32, unit", with: "float, unit")
    let gun = SettingsFolder.gun.replacing("8N1", with: "9N1")
    let folder = try SettingsFolder.make(edge: edge, press: press, gun: gun)
    let found = try problems(in: folder) { _ = try EdgeSettings.read(folder.file("edge.yaml")) }
    let places = found.map { $0.split(separator: " ").prefix(2).joined(separator: " ") }
    #expect(
      places == [
        "edge.yaml:4: stations.ST10.titel:", "edge.yaml:16: queue.keep:", "devices/gun.yaml:3: line:",
        "devices/press.yaml:12: groups.process.tags.force.type:",
      ])
  }

  @Test func `a file that is not there, or is no YAML, is said so`() throws {
    let folder = try SettingsFolder.make(edge: "source: [a\n")
    #expect(
      try problems(in: folder) { _ = try EdgeSettings.read(folder.file("none.yaml")) }
        == ["none.yaml: found no such file; allowed: a readable YAML file"])
    let found = try problems(in: folder) { _ = try EdgeSettings.read(folder.file("edge.yaml")) }
    #expect(
      found == [
        "edge.yaml:1: found \"[\" at column 9, which is not closed; allowed: \"]\" behind its last value, and a comma between "
          + "two"
      ])
  }

  @Test func `the control socket is where the settings, systemd or the queue have it`() throws {
    let folder = try SettingsFolder.make()
    var settings = try EdgeSettings.read(folder.file("edge.yaml"))
    #expect(settings.controlSocket(environment: ["RUNTIME_DIRECTORY": "/run/x"]) == "/run/lotline/edge.sock")
    settings.control.socket = nil
    #expect(settings.controlSocket(environment: ["RUNTIME_DIRECTORY": "/run/x:/run/y"]) == "/run/x/edge.sock")
    #expect(settings.controlSocket(environment: [:]) == "/tmp/edge.sock")
  }
}
