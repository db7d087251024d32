import ArgumentParser
import Devices

/// How a Modbus device that no settings name is reached, beside HOST: by a serial line, or through a gateway.
struct WayOptions: ParsableArguments {
  @Option(help: ArgumentHelp("A serial line in place of HOST: Modbus RTU.", valueName: "port"))
  var serial: String?

  @Option(help: "Speed, data bits, parity and stop bits of the serial line; default: 19200 8E1.")
  var line: String?

  @Option(help: ArgumentHelp("rtu for a gateway that hands its serial line through; default: tcp.", valueName: "rtu"))
  var framing: String?

  func validate() throws {
    guard let framing else { return }
    guard ModbusFraming(rawValue: framing) != nil else {
      throw ValidationError("--framing \(framing): tcp or rtu is asked for")
    }
    if serial != nil { throw ValidationError("--framing beside --serial: a serial line is always RTU, leave it out") }
  }

  /// The place that `host` (nil where there is none) and the options name.
  func place(_ host: String?) throws -> ModbusPlace {
    guard let serial else {
      if line != nil { throw ValidationError("--line without --serial: only a serial line has a speed") }
      guard let host, let (name, port) = ModbusPlace.endpoint(host) else {
        let found = host.map { "\($0): " } ?? ""
        throw ValidationError(
          "\(found)HOST or HOST:PORT is asked for, an IPv6 address in brackets; or --serial with a port")
      }
      return framing == "rtu" ? .rtuOverTCP(host: name, port: port) : .tcp(host: name, port: port)
    }
    guard serial.hasPrefix("/") else {
      throw ValidationError("--serial \(serial): the path of a port is asked for, such as /dev/ttyUSB0")
    }
    do { return .serial(path: serial, line: try SerialLine.parsed(line ?? "19200 8E1")) } catch {
      throw ValidationError("--line: \(error)")
    }
  }

  /// Which unit ids a place can have: on a serial line 0 is for all at once, and nobody answers.
  static func units(of place: ModbusPlace) -> ClosedRange<Int> { if case .tcp = place { 0...255 } else { 1...247 } }
}
