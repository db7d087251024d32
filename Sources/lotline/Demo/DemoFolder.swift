import Devices
import Foundation
import Machine

/// The demo's scratch folder: settings and maps as a technician would write them, logs, queue and store.
struct DemoFolder: Sendable {
  let path: String
  let edgePort: ReservedPort
  let centralPort: ReservedPort
  let stations: [StationPlan]

  static let source = "demo.line1.pc1"
  static let product = "P9"

  /// A station of the demo's line.
  struct StationPlan: Sendable {
    let name: String
    let title: String
    /// The map of its PLC.
    let map: String
    let device: String
    let scanner: String
    let hasCoil: Bool
    /// Where its cycle counter begins; near its end, so that it is seen to wrap.
    let count: UInt64
  }

  static let line = [
    StationPlan(
      name: "ST10", title: "Press", map: "hydraulic-press", device: "press-1", scanner: "gun-1", hasCoil: true,
      count: 65_530),
    StationPlan(
      name: "ST20", title: "Leak test", map: "leak-tester", device: "leak-1", scanner: "gun-2", hasCoil: false, count: 0
    ),
    StationPlan(
      name: "ST30", title: "Screwdriver", map: "screwdriver", device: "screw-1", scanner: "gun-3", hasCoil: false,
      count: 0),
    StationPlan(
      name: "ST40", title: "End of line", map: "end-of-line", device: "eol-1", scanner: "gun-4", hasCoil: false,
      count: 0),
  ]

  /// Why the demo cannot begin.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// Makes the folder and takes the maps that came with this program.
  init(stations: [StationPlan] = line) throws {
    self.stations = stations
    let name = "lotline-demo-\(UUID().uuidString.prefix(8).lowercased())"
    path = FileManager.default.temporaryDirectory.appending(path: name).path
    edgePort = try ReservedPort()
    centralPort = try ReservedPort()
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: try Self.mapsOfThisProgram(), toPath: file("devices"))
  }

  func file(_ name: String) -> String { "\(path)/\(name)" }
  var edgeURL: String { "http://127.0.0.1:\(edgePort.port)" }
  var centralURL: String { "http://127.0.0.1:\(centralPort.port)" }
  var edgeSettings: String { file("edge.yaml") }
  var centralSettings: String { file("central.yaml") }
  /// The scanner's stable name, as udev would make it.
  func link(of scanner: String) -> String { file("by-id-\(scanner)") }

  func remove() { try? FileManager.default.removeItem(atPath: path) }

  /// The folder `devices` in `share/lotline` beside an installed program, or in the tree that it was built in.
  static func mapsOfThisProgram() throws -> String {
    let program = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    var folder = program.deletingLastPathComponent()
    var places = [folder.deletingLastPathComponent().appending(path: "share/lotline/devices").path]
    while folder.path != "/" {
      places.append(folder.appending(path: "devices").path)
      folder = folder.deletingLastPathComponent()
    }
    let found = places.first { FileManager.default.fileExists(atPath: "\($0)/\(line[0].map).yaml") }
    guard let found else {
      throw Failure(
        description: "the demo needs the maps that come with lotline (devices/\(line[0].map).yaml), and none of these "
          + "folders has them: \(places.joined(separator: ", "))")
    }
    return found
  }

  /// The map called `name`, as the simulated PLC is made from it.
  func modbusMap(_ name: String) throws -> ModbusMap {
    let maps = MapFolder(path: file("devices"))
    guard let loaded = maps.map(named: name), case .modbus(let map) = loaded.map else {
      let why = maps.problems.first.map { "\($0)" } ?? "it is not a Modbus map"
      throw Failure(description: "the demo's map \(name): \(why)")
    }
    return map
  }

  /// Writes both settings files; `ports` are the PLCs' by station.
  func write(ports: [String: Int]) throws {
    let stationLines = stations.map { station in
      """
        \(station.name):
          title: \(station.title)
          product: \(Self.product)
          cycle-needs: [operator, lot, unit\(station.hasCoil ? ", materials.coil" : "")]
          unit-ends: cycle
      \(station.hasCoil ? "    places: { coil: { grey: { cycles: 1, time: 0s } } }\n" : "")\
          devices:
            \(station.device): { map: \(station.map), address: "127.0.0.1:\(ports[station.name] ?? 0)", unit: 1 }
            \(station.scanner): { map: line-scanner, port: \(link(of: station.scanner)) }
      """
    }
    try write(
      """
      source: \(Self.source)
      stations:
      \(stationLines.joined(separator: "\n"))
      queue: { path: \(file("queue.db")), limit: 1GB, keep: 1d }
      central: { url: "\(centralURL)" }
      web: { listen: "127.0.0.1:\(edgePort.port)" }
      control: { socket: \(file("edge.sock")) }

      """, to: edgeSettings)
    try write(
      """
      store: { sqlite: \(file("central.db")) }
      web: { listen: "127.0.0.1:\(centralPort.port)" }
      sources:
        \(Self.source): {}
      routes:
        \(Self.product): [\(stations.map(\.name).joined(separator: ", "))]

      """, to: centralSettings)
  }

  private func write(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(filePath: path))
  }
}
