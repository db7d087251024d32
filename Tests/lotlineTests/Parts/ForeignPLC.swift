import Events
import TestParts

/// pymodbus as the PLC, with values of every type, and a neighbour on the same bus.
enum ForeignPLC {
  /// How it is reached.
  enum Way: String, CaseIterable {
    case tcp, rtu, serial

    /// Whether what it needs is there.
    static var possible: [Way] { JoinedPorts.isPossible ? allCases : [.tcp, .rtu] }
  }

  /// Starts it; returns once it has said what it is.
  ///
  /// - Parameter port: where it listens; 0 takes a free port.
  static func started(
    _ way: Way, on ports: JoinedPorts?, in folder: ScratchFolder, port: Int64 = 0
  ) async throws -> (plc: Program, hello: JSON) {
    let arguments = [Program.tree + "/Tests/foreign/plc.py", way.rawValue, ports?.theirs ?? String(port)]
    let plc = try Program(Program.python, arguments, in: folder, name: "plc")
    var hello: JSON?
    try await eventually("the PLC says what it has; \(plc.said)") {
      hello = plc.lines.first.flatMap { JSON(Array($0.utf8)) }
      return hello != nil
    }
    guard let hello else { throw Impatience(description: "the PLC says nothing") }
    return (plc, hello)
  }

  /// How the settings say where it is.
  static func link(_ way: Way, port: Int64, on ports: JoinedPorts?, unit: Int) -> String {
    switch way {
    case .tcp: "address: \"127.0.0.1:\(port)\", unit: \(unit)"
    case .rtu: "address: \"127.0.0.1:\(port)\", framing: rtu, unit: \(unit)"
    case .serial: "port: \(ports?.ours ?? ""), line: 19200 8N1, unit: \(unit)"
    }
  }
}
