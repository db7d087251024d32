import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline scan`: which units a Modbus device or gateway has, and what of them may be read.
struct ScanCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "scan", abstract: "Finds which unit ids answer at a Modbus device, and which addresses may be read.",
    discussion: """
      It reads only, one request at a time with a pause after each, and says before what it is going to send. What is \
      refused is asked for again in halves, down to single addresses, so that it can take many requests: --addresses \
      and --tables bound them. The answer ends with the line readable for a map.

      Addresses count from 0 here, as on the wire; --notation says how the line for the map is written.

      Exit status 1 where no unit answers.

      EXAMPLES
        lotline scan 192.168.10.21
        lotline scan 192.168.10.21 --units 1..10 --tables holding --addresses 0..999
        lotline scan 192.168.10.40 --units 1..32 --addresses 0..0 --json
        lotline scan --serial /dev/ttyUSB0 --line "9600 8N1" --units 1..3
      """)

  @Argument(help: "HOST or HOST:PORT, an IPv6 address in brackets; or --serial.")
  var host: String?

  @Option(help: ArgumentHelp("The unit ids that are tried, 0 to 255.", valueName: "1..10"))
  var units = "1"

  @Option(help: ArgumentHelp("Of holding, input, coil and discrete.", valueName: "tables"))
  var tables = "holding,input,coil,discrete"

  @Option(help: ArgumentHelp("The addresses of each table that are tried.", valueName: "0..299"))
  var addresses = "0..299"

  @Option(help: "Rest after each answer.")
  var pause = "50ms"

  @Option(help: "How long one answer may take.")
  var timeout = "500ms"

  @Option(help: "How addresses of the line for a map are written: modicon or zero-based.")
  var notation = "modicon"

  @OptionGroup var way: WayOptions
  @OptionGroup var output: OutputOptions

  func validate() throws { _ = try plan() }

  private func plan() throws -> ScanPlan {
    let listed = tables.split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
    let named = listed.compactMap { ModbusAddress.Table(rawValue: $0) }
    guard named.count == listed.count, !named.isEmpty else {
      throw ValidationError("--tables \(tables): some of holding,input,coil,discrete are asked for")
    }
    if way.serial != nil, let host {
      throw ValidationError("\(host) beside --serial: one of them is asked for")
    }
    let place = try way.place(host)
    let possible = WayOptions.units(of: place)
    guard let units = Self.range(units, within: possible) else {
      throw ValidationError(
        "--units \(units): a unit id or a range from \(possible.lowerBound) to \(possible.upperBound) is asked for, such "
          + "as 1..10")
    }
    guard let addresses = Self.range(addresses, within: 0...65535) else {
      throw ValidationError("--addresses \(addresses): a range from 0 to 65535 is asked for, such as 0..299")
    }
    guard let rest = parseDuration(pause), rest <= .seconds(60) else {
      throw ValidationError("--pause \(pause): a time up to 60s is asked for, such as 50ms")
    }
    guard let limit = parseDuration(timeout), limit >= .milliseconds(10), limit <= .seconds(60) else {
      throw ValidationError("--timeout \(timeout): a time from 10ms to 60s is asked for")
    }
    guard let notation = ModbusAddress.Notation(rawValue: notation) else {
      let known = ModbusAddress.Notation.allCases.map(\.rawValue).joined(separator: " or ")
      throw ValidationError("--notation \(notation): \(known) is asked for")
    }
    return ScanPlan(
      host: host ?? place.description, survey: ModbusSurvey(place, timeout: limit), units: units.map { UInt8($0) },
      tables: named,
      addresses: addresses.lowerBound..<(addresses.upperBound + 1), pause: rest, timeout: limit, notation: notation)
  }

  /// `5` or `1..10`.
  private static func range(_ text: String, within limits: ClosedRange<Int>) -> ClosedRange<Int>? {
    let parts = text.replacing("..", with: " ").split(separator: " ").compactMap { Int($0) }
    guard let low = parts.first, let high = parts.last, parts.count <= 2, low <= high, limits.contains(low),
      limits.contains(high), text == (parts.count == 1 ? "\(low)" : "\(low)..\(high)")
    else { return nil }
    return low...high
  }

  func run() async throws {
    try await reporting {
      let plan = try plan()
      for line in plan.announcement { complain(line) }
      let result = try await plan.run { complain($0) }
      if output.json { output.printRaw(result.json) } else { result.show() }
      if result.units.isEmpty { throw ExitCode(1) }
    }
  }
}
