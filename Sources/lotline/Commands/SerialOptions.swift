import ArgumentParser
import Devices

/// The serial line of a simulated PLC, as the command line says it.
struct SerialOptions: ParsableArguments {
  @Option(help: ArgumentHelp("It answers on this port, as one unit, in RTU.", valueName: "port"))
  var serial: String?

  @Option(help: "How bits travel there; a pseudo-terminal knows no parity.")
  var line = "19200 8E1"

  @Option(help: "The unit, 1 to 247.")
  var unit = 1

  func validate() throws {
    guard (1...247).contains(unit) else { throw ValidationError("--unit \(unit): 1 to 247 is asked for") }
    _ = try place()
  }

  /// Nil where it speaks TCP.
  func place() throws -> SimulatedPLC.Place? {
    guard let serial else { return nil }
    return .serial(path: serial, line: try SerialLine.parsed(line), unit: UInt8(unit))
  }
}
