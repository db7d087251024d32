import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline decode`: a block of registers, understood in every way.
struct DecodeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "decode", abstract: "Reads a block of a Modbus device and shows every way to understand it.",
    usage: """
      lotline decode HOST[:PORT] ADDRESS COUNT [--unit N] [--expect 50.0 [±0.5]] [--json]
      lotline decode --serial PORT [--line "9600 8N1"] ADDRESS COUNT [--unit N]
      lotline decode --words 4248,0000 [ADDRESS] [--expect 50.0 [±0.5]] [--json]
      """,
    discussion: """
      For whoever knows what the machine shows and not where, or how, the PLC keeps it. ADDRESS is written as in maps: \
      40001, 400001, holding:0, input:0x1F. What matches --expect is marked with * and given as lines for a map; whole \
      numbers are also tried with a scale. Nothing is written to the device.

      Exit status 1 where nothing matches, or the device does not give the block.

      EXAMPLES
        lotline decode 192.168.10.21 40101 4
        lotline decode 192.168.10.21:502 holding:100 4 --unit 1 --expect 50.0 ±0.5
        lotline decode --serial /dev/ttyUSB0 --line "9600 8N1" 40101 4 --unit 3
        lotline decode --words 0000,4248 --expect 50.0
      """)

  @Argument(help: ArgumentHelp("HOST[:PORT], ADDRESS and COUNT (1 to 125), as above.", valueName: "place"))
  var places: [String] = []

  @Option(help: "Words in hex in place of a device, such as 4248,0000.")
  var words: String?

  @Option(help: "The unit id that is asked.")
  var unit: UInt8 = 1

  @Option(
    parsing: .unconditional,
    help: "What the machine shows; ±0.5 after it says how exactly, otherwise its last digit does.")
  var expect: String?

  @Option(help: "How far from --expect a match may be, the same as ±0.5.")
  var tolerance: String?

  @Option(help: "How long the device may take to answer.")
  var timeout = "1s"

  @OptionGroup var way: WayOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    _ = try expectation()
    _ = try source()
  }

  func run() async throws {
    try await reporting {
      let expectation = try expectation()
      let view = BlockView(block: try await source().block(), expectation: expectation)
      if output.json { output.printRaw(view.json) } else { view.show() }
      if let expectation, view.matches.isEmpty {
        complain(view.nearest(to: expectation))
        throw ExitCode(1)
      }
    }
  }

  /// `±0.5`, or `+-0.5` where a keyboard has no ±; the shell leaves it among the places.
  private static func isTolerance(_ text: String) -> Bool { text.hasPrefix("±") || text.hasPrefix("+-") }

  func expectation() throws -> Expectation? {
    let spread = places.first(where: Self.isTolerance)
    guard let expect else {
      if let given = tolerance ?? spread {
        throw ValidationError("\(given) without --expect: say what the machine shows, --expect 50.0")
      }
      return nil
    }
    let parts = expect.replacing("+-", with: "±").split(separator: "±", omittingEmptySubsequences: false)
      .map { $0.trimmingCharacters(in: .whitespaces) }
    guard let number = parts.first.flatMap({ DecimalNumber($0) }), parts.count <= 2 else {
      throw ValidationError("--expect \(expect): a decimal number is asked for, such as 50.0 or 50.0±0.5")
    }
    let given = tolerance ?? (parts.count == 2 ? parts[1] : nil) ?? spread
    guard let given else { return Expectation(number: number, tolerance: Self.halfStep(parts[0])) }
    guard let width = DecimalNumber(given.trimmingCharacters(in: CharacterSet(charactersIn: "±+- "))) else {
      throw ValidationError("\(given): a distance is asked for, such as ±0.5")
    }
    return Expectation(number: number, tolerance: width.double)
  }

  /// Half a step of the last digit: 0.05 of `50.0`, as whoever reads a display to that digit means it.
  private static func halfStep(_ text: String) -> Double {
    let decimals = text.split(separator: ".").dropFirst().first?.count ?? 0
    return DecimalNumber("5e-\(decimals + 1)")?.double ?? 0
  }

  /// Where the block comes from.
  enum Source {
    case given(Block)
    case device(ModbusSurvey, asking: String, ModbusAddress, ModbusAddress.Notation, count: Int, unit: UInt8)

    func block() async throws -> Block {
      switch self {
      case .given(let block): return block
      case .device(let survey, let asking, let address, let notation, let count, let unit):
        switch await survey.look(address.table, address: address.number, count: count, unit: unit) {
        case .data(let bytes):
          return Block(address: address, notation: notation, data: .init(bytes, of: address.table, count: count))
        case .refused(let code, let words):
          let hint = [2, 3].contains(code) ? "; lotline scan finds what may be read" : ""
          throw Asking.Failure(description: "\(asking): \(words)\(hint)")
        case .silent(let words), .broken(let words), .unreachable(let words):
          throw Asking.Failure(description: "\(asking): \(words)")
        }
      }
    }
  }

  private func source() throws -> Source {
    let given = places.filter { !Self.isTolerance($0) }
    if let words {
      guard given.count <= 1, way.serial == nil, way.line == nil, way.framing == nil else {
        throw ValidationError("--words stands in place of a device: beside it goes an ADDRESS, or nothing")
      }
      let (address, notation) = try Self.address(given.first ?? "40001")
      return .given(Block(address: address, notation: notation, data: .words(try Self.parsed(words))))
    }
    let isSerial = way.serial != nil
    guard given.count == (isSerial ? 2 : 3) else {
      throw ValidationError(
        isSerial
          ? "ADDRESS and COUNT are asked for beside --serial, such as 40101 4"
          : "HOST[:PORT], ADDRESS and COUNT are asked for, such as 192.168.10.21:502 40101 4")
    }
    let place = try way.place(isSerial ? nil : given[0])
    let units = WayOptions.units(of: place)
    guard units.contains(Int(unit)) else {
      throw ValidationError("--unit \(unit): \(units.lowerBound) to \(units.upperBound) is asked for on a serial line")
    }
    let (address, notation) = try Self.address(given[given.count - 2])
    let most = address.table.isBits ? 2000 : 125
    guard let count = Int(given[given.count - 1]), (1...most).contains(count), address.number + count <= 65536 else {
      throw ValidationError("COUNT \(given[given.count - 1]): 1 to \(most) is asked for, within the 65536 of the table")
    }
    guard let limit = parseDuration(timeout), limit > .zero else {
      throw ValidationError("--timeout \(timeout): a time such as 500ms or 2s is asked for")
    }
    let survey = ModbusSurvey(place, timeout: limit)
    let what = "\(count) of \(address.table.rawValue):\(address.number)"
    return .device(
      survey, asking: "asking unit \(unit) at \(place) for \(what)", address, notation, count: count, unit: unit)
  }

  /// One place and the way it is written; what may mean two is refused with both.
  static func address(_ text: String) throws -> (ModbusAddress, ModbusAddress.Notation) {
    let readings = ModbusAddress.readings(of: text)
    guard let reading = readings.first else {
      let hint =
        Int(text).map { number in
          ": a bare number says neither the table nor where counting begins: holding:\(number) counts from 0, "
            + "and is \(400_001 + number) counted from 1"
        } ?? ""
      throw ValidationError(
        "ADDRESS \(text): it is written as in maps: 40001, 400001, holding:0, input:0x1F, coil:0\(hint)")
    }
    guard readings.count == 1 else {
      let both = readings.map { "\($0.address.table.rawValue):\($0.address.number)" }.joined(separator: " or ")
      throw ValidationError("ADDRESS \(text) can mean \(both): write the one that is meant")
    }
    guard reading.address.bit == nil else { throw ValidationError("ADDRESS \(text): whole registers are decoded") }
    return reading
  }

  static func parsed(_ text: String) throws -> [UInt16] {
    let parts = text.split { $0 == "," || $0 == " " }
    let words = parts.compactMap { part -> UInt16? in
      let digits = part.lowercased().hasPrefix("0x") ? part.dropFirst(2) : part
      return digits.count <= 4 && digits.allSatisfy(\.isHexDigit) ? UInt16(digits, radix: 16) : nil
    }
    guard words.count == parts.count, !words.isEmpty, words.count <= 125 else {
      throw ValidationError("--words \(text): words of 4 hex digits are asked for, such as 4248,0000")
    }
    return words
  }
}

/// What a technician knows that must be there.
struct Expectation: Sendable {
  let number: DecimalNumber
  let tolerance: Double
}
