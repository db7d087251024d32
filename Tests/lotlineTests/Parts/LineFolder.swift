import Foundation
import Machine
import TestParts

/// Settings files of a small line on loopback, as a technician would write them.
struct LineFolder {
  let scratch: ScratchFolder
  /// Kept for both daemons while they are down too: else another test's daemon may be given one of them.
  private let ports: (central: ReservedPort, edge: ReservedPort)

  var centralPort: Int { ports.central.port }
  var edgePort: Int { ports.edge.port }

  var edge: String { scratch.file("edge.yaml") }
  var central: String { scratch.file("central.yaml") }
  var centralURL: String { "http://127.0.0.1:\(centralPort)" }
  var edgeURL: String { "http://127.0.0.1:\(edgePort)" }
  static let source = "test.line1.pc1"

  /// A Modbus device with a cycle, whose serial is at holding:102.
  ///
  /// The trigger is a counter at holding:100 with the acknowledge at holding:110, or a bit at coil:0 with it at coil:4.
  struct PLC {
    let name: String
    let port: Int
    var trigger = SerialPLC.Trigger.counter

    init(name: String, port: Int) { (self.name, self.port) = (name, port) }

    init(_ plc: SerialPLC) { (name, port, trigger) = (plc.name, plc.port, plc.trigger) }
  }

  struct Scanner {
    let name: String
    let link: String
  }

  /// Writes both settings files, and maps for presses and scanners; each PLC and scanner pair is a station of its own.
  init(plcs: [PLC], scanners: [Scanner], pulled: Bool = false) throws {
    scratch = try ScratchFolder()
    ports = (try ReservedPort(), try ReservedPort())
    try scratch.write("devices/counter.yaml", Self.pressMap)
    try scratch.write("devices/bit.yaml", Self.flagMap)
    try scratch.write("devices/gun.yaml", Self.scannerMap)
    var stations = ""
    for index in 0..<max(plcs.count, scanners.count) {
      stations += "  ST\(index + 1)0:\n    unit-ends: cycle\n    devices:\n"
      if index < plcs.count {
        let plc = plcs[index]
        stations += "      \(plc.name): { map: \(plc.trigger), address: \"127.0.0.1:\(plc.port)\", unit: 1 }\n"
      }
      if index < scanners.count {
        stations += "      \(scanners[index].name): { map: gun, port: \(scanners[index].link) }\n"
      }
    }
    let push = pulled ? "" : "central: { url: \"\(Self.url(centralPort))\" }\n"
    try scratch.write(
      "edge.yaml",
      """
      source: \(Self.source)
      stations:
      \(stations)queue: { path: \(scratch.file("queue.db")) }
      \(push)web: { listen: "127.0.0.1:\(edgePort)" }
      control: { socket: \(scratch.file("edge.sock")) }

      """)
    let feed = pulled ? "{ pull: \"\(Self.url(edgePort))\" }" : "{}"
    try scratch.write(
      "central.yaml",
      """
      store: { sqlite: \(scratch.file("central.db")) }
      web: { listen: "127.0.0.1:\(centralPort)" }
      sources:
        \(Self.source): \(feed)

      """)
  }

  /// Puts other text in place of some of a file.
  func change(_ file: String, _ text: String, to other: String) throws {
    let before = try String(contentsOfFile: scratch.file(file), encoding: .utf8)
    guard before.contains(text) else { throw Impatience(description: "\(file) has no \"\(text)\"") }
    try scratch.write(file, before.replacing(text, with: other))
  }

  private static func url(_ port: Int) -> String { "http://127.0.0.1:\(port)" }

  func startEdge(environment: [String: String] = [:]) throws -> Program {
    try Program(["edge", "run", "--config", edge], in: scratch, name: "edge", environment: environment)
  }
  func startCentral() throws -> Program {
    try Program(["central", "run", "--config", central], in: scratch, name: "central")
  }

  static let pressMap = """
    kind: modbus
    about: A press whose cycles carry a serial number
    addresses: zero-based
    requests: { timeout: 500ms }
    groups:
      cycle:
        every: 20ms
        trigger: { tag: count, at: "holding:100", type: uint16 }
        acknowledge: { at: "holding:110" }
        tags:
          serial: { at: "holding:102", type: uint32 }
          force: { at: "holding:104", type: float32, unit: kN }

    """

  /// The same press, whose PLC has no counter.
  static let flagMap =
    pressMap
    .replacing(
      "trigger: { tag: count, at: \"holding:100\", type: uint16 }",
      with: "trigger: { tag: done, at: \"coil:0\", type: bool }"
    )
    .replacing("\"holding:110\"", with: "\"coil:4\"")

  static let scannerMap = """
    kind: serial
    about: A scanner that waits for its acknowledge
    line: 9600 8N1
    frame: { end: "\\r" }
    acknowledge: { accepted: "\\x06", refused: "\\x15" }
    codes:
      - { match: "^OP-(?<operator>[0-9]{4})$" }
      - { match: "^(?<unit>SN[0-9]+)$" }
      - { match: "^(?<material>COIL-[0-9]+)$", as: coil }

    """
}
