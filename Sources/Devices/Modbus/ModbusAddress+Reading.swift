import Settings

/// A text that is no address, or may be more than one.
struct AddressProblem: Error, Hashable {
  /// What stands there, and each way in which it may be meant.
  let found: String
  var nearest: String?
}

extension ModbusAddress {
  /// Reads the text of an address.
  ///
  /// What other programs read in different ways is refused with all its readings: KEPServerEX takes 41, 401 and 4001
  /// for 40001, mbpoll takes any number for one counted from 1, Ignition counts HR from 1 unless it is told to count
  /// from 0, and a manual's bare number is as often counted from 0.
  static func read(_ text: String, as notation: Notation) throws(AddressProblem) -> ModbusAddress {
    let dot = text.firstIndex(of: ".")
    let whole = dot.map { String(text[..<$0]) } ?? text
    let place = try Self.place(whole, text, notation)
    guard let dot else { return ModbusAddress(table: place.table, number: place.number, text: text) }
    let bits = String(text[text.index(after: dot)...])
    guard !place.table.isBits else { throw AddressProblem(found: "\"\(text)\", a bit of a \(place.table.word)") }
    let ends = bits.split(separator: "..", omittingEmptySubsequences: false).map { Devices.number(digits: $0) }
    guard ends.count <= 2, let low = ends.first ?? nil, let high = ends.last ?? nil, high <= 15 else {
      throw AddressProblem(found: "\"\(text)\", whose bits are not 0 to 15")
    }
    guard low <= high else { throw AddressProblem(found: "\"\(text)\", whose bits do not begin with the lower one") }
    return ModbusAddress(table: place.table, number: place.number, bits: low...high, text: text)
  }

  private typealias Place = (table: Table, number: Int)

  private static func place(
    _ whole: String, _ text: String, _ notation: Notation
  ) throws(AddressProblem) -> Place {
    if whole.contains(":") { return try named(whole, text) }
    guard let (table, digits) = Table.counted(whole) else { throw doubt(of: whole, text) }
    guard let counted = Devices.number(digits: digits), counted <= 65536 else {
      throw AddressProblem(found: "\"\(text)\", beyond the 65536th of its table")
    }
    guard counted > 0 else {
      throw AddressProblem(
        found:
          "\"\(text)\", which counted from 1 is none, and counted from 0 is \(table.modicon(1)) or \(table.rawValue):0"
      )
    }
    guard notation == .modicon else {
      // Five digits may be a number of the table that a manual counts from 0.
      let other = Devices.number(digits: whole).map { $0 > 65535 ? counted : $0 } ?? counted
      throw AddressProblem(
        found: "\"\(text)\", which counted from 1 is \(table.rawValue):\(counted - 1), and counted from 0 is "
          + "\(table.rawValue):\(other)")
    }
    return (table, counted - 1)
  }

  private static func named(_ whole: String, _ text: String) throws(AddressProblem) -> Place {
    let parts = whole.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    let names = Table.allCases.map(\.rawValue)
    guard parts.count == 2 else { throw AddressProblem(found: "\"\(text)\"") }
    guard let table = Table(rawValue: parts[0]) else {
      throw AddressProblem(
        found: "\"\(text)\", whose table is none",
        nearest: nearestName(to: parts[0], among: names).map { "\($0):\(parts[1])" })
    }
    let number =
      parts[1].hasPrefix("0x") ? hexadecimal(parts[1].dropFirst(2), most: 4) : Devices.number(digits: parts[1])
    guard let number else { throw AddressProblem(found: "\"\(text)\"") }
    guard number <= 65535 else { throw AddressProblem(found: "\"\(text)\", beyond 65535") }
    return (table, number)
  }

  private static func hexadecimal(_ digits: Substring, most: Int) -> Int? {
    guard (1...most).contains(digits.count), digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else { return nil }
    return Int(digits, radix: 16)
  }

  /// What a number without its table may mean.
  private static func doubt(of whole: String, _ text: String) -> AddressProblem {
    var readings: [String] = []
    if whole.hasPrefix("0x") || whole.hasPrefix("0X"), let number = hexadecimal(whole.dropFirst(2), most: 6),
      number <= 65535
    {
      if let coil = Devices.number(digits: whole.dropFirst(2)), coil > 0 {
        readings.append("the coil \(Table.coil.modicon(coil))")
      }
      if number > 0 { readings.append("\(Table.holding.modicon(number)) (counted from 1)") }
      readings.append("holding:\(number) (counted from 0)")
    } else if let number = Devices.number(digits: whole), number <= 65536 {
      if whole.count < 5, let table = whole.first.flatMap({ Table(digit: $0) }),
        let counted = Devices.number(digits: whole.dropFirst()), counted > 0
      {
        readings.append(table.modicon(counted))
      }
      if number > 0 { readings.append("\(Table.holding.modicon(number)) (counted from 1)") }
      if number < 65536 { readings.append("holding:\(number) (counted from 0)") }
    }
    guard let last = readings.popLast() else {
      // %MW100, D100, DB10.DBW4, QW0: where it is on the wire, the PLC's family or its programmer says.
      let isOwnName = text.wholeMatch(of: /%.+|DB[0-9]+.*|[A-Z]{1,2}[0-9]+([.\/][0-9A-Z]+)*/.ignoresCase()) != nil
      return AddressProblem(
        found: isOwnName
          ? "\"\(text)\", the PLC's own name, whose Modbus address its family's map or its programmer knows"
          : "\"\(text)\"")
    }
    let others = readings.isEmpty ? "" : readings.joined(separator: ", ") + " or "
    return AddressProblem(found: "\"\(text)\", which may be \(others)\(last)")
  }
}

extension ModbusAddress.Table {
  /// The first digit of a Modicon address.
  init?(digit: Character) {
    switch digit {
    case "0": self = .coil
    case "1": self = .discrete
    case "3": self = .input
    case "4": self = .holding
    default: return nil
    }
  }

  private var digit: String {
    switch self {
    case .coil: "0"
    case .discrete: "1"
    case .input: "3"
    case .holding: "4"
    }
  }

  /// What people call one of it.
  var word: String {
    switch self {
    case .coil: "coil"
    case .discrete: "discrete input"
    case .input: "input register"
    case .holding: "holding register"
    }
  }

  /// The Modicon address of a place that is counted from 1: five digits where they suffice.
  func modicon(_ counted: Int) -> String {
    let text = String(counted)
    return digit + String(repeating: "0", count: max(0, 4 - text.count)) + text
  }

  /// Takes apart what counts from 1: 40001, 400001, 4x1, HR1; nil where the table is not said for certain.
  static func counted(_ text: String) -> (table: Self, digits: Substring)? {
    let letters = text.prefix { $0.isLetter }.uppercased()
    let names: [String: Self] = ["HR": .holding, "IR": .input, "DI": .discrete, "CO": .coil, "C": .coil]
    if let table = names[letters] {
      let digits = text.dropFirst(letters.count)
      return number(digits: digits).map { _ in (table, digits) }
    }
    guard let table = text.first.flatMap({ Self(digit: $0) }) else { return nil }
    if text.dropFirst().first?.lowercased() == "x" {
      let digits = text.dropFirst(2)
      // 0x10 may be sixteen as well.
      guard table != .coil, (1...6).contains(digits.count), number(digits: digits) != nil else { return nil }
      return (table, digits)
    }
    guard text.count == 5 || text.count == 6, number(digits: text) != nil else { return nil }
    return (table, text.dropFirst())
  }
}
