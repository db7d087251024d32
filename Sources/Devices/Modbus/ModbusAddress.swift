/// Where a value is in a Modbus device: a table, a place in it, and perhaps one bit of a register.
public struct ModbusAddress: Sendable, Hashable, CustomStringConvertible {
  public let table: Table
  /// As it goes over the wire: 0 to 65535.
  public let number: Int
  /// A bit of a register, 0 being the least significant.
  public let bit: Int?
  /// As the map writes it.
  public let text: String

  public init(table: Table, number: Int, bit: Int? = nil, text: String) {
    self.table = table
    self.number = number
    self.bit = bit
    self.text = text
  }

  public var description: String { text }

  /// The four tables of a Modbus device; each counts its addresses for itself.
  public enum Table: String, Sendable, Hashable, CaseIterable {
    case coil, discrete, input, holding

    /// The Modbus function that reads it.
    public var readFunction: UInt8 {
      switch self {
      case .coil: 1
      case .discrete: 2
      case .holding: 3
      case .input: 4
      }
    }

    /// Whether it holds single bits, not registers of 16.
    public var isBits: Bool { self == .coil || self == .discrete }

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
  }

  /// How a map writes addresses.
  public enum Notation: String, Sendable, Hashable, CaseIterable {
    /// 40001 or 400001: the first digit is the table, the rest counts from 1.
    case modicon
    /// `holding:0`: the table by name, counted from 0 as on the wire, in decimal or (`0x1F`) in hex.
    case zeroBased = "zero-based"

    /// What a message says is allowed.
    var allowed: String {
      switch self {
      case .modicon:
        "an address of 5 or 6 digits such as 40001 or 400001 (0: coil, 1: discrete input, 3: input register, "
          + "4: holding register; counted from 1), with .0 to .15 for a bit of a register"
      case .zeroBased:
        "holding:0, input:0, coil:0 or discrete:0 and up to 65535, with .0 to .15 for a bit of a register"
      }
    }
  }

  /// Reads the text of an address; nil if it is none in that notation.
  public init?(_ text: String, notation: Notation) {
    let parts = text.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first else { return nil }
    let place: (table: Table, number: Int)?
    switch notation {
    case .modicon: place = Self.modicon(whole)
    case .zeroBased: place = Self.zeroBased(whole)
    }
    guard let place, (0...65535).contains(place.number) else { return nil }
    var bit: Int?
    if parts.count == 2 {
      guard !place.table.isBits, let found = Devices.number(digits: parts[1]), found < 16 else { return nil }
      bit = found
    }
    self.init(table: place.table, number: place.number, bit: bit, text: text)
  }

  private static func modicon(_ text: Substring) -> (Table, Int)? {
    guard text.count == 5 || text.count == 6, let table = text.first.flatMap({ Table(digit: $0) }),
      let counted = Devices.number(digits: text.dropFirst())
    else { return nil }
    return (table, counted - 1)
  }

  private static func zeroBased(_ text: Substring) -> (Table, Int)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let table = Table(rawValue: String(parts[0])) else { return nil }
    if parts[1].hasPrefix("0x") {
      let digits = parts[1].dropFirst(2)
      guard digits.allSatisfy(\.isHexDigit), let number = Int(digits, radix: 16) else { return nil }
      return (table, number)
    }
    return Devices.number(digits: parts[1]).map { (table, $0) }
  }
}

/// A number of ASCII digits alone: no sign, no space.
func number(digits text: some StringProtocol) -> Int? {
  guard !text.isEmpty, text.count <= 9, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
  return Int(text)
}
