/// Where a value is in a Modbus device: a table, a place in it, and perhaps some bits of a register.
public struct ModbusAddress: Sendable, Hashable, CustomStringConvertible {
  public let table: Table
  /// As it goes over the wire: 0 to 65535.
  public let number: Int
  /// Bits of a register, 0 being the least significant; nil for whole registers, and in tables of bits.
  public let bits: ClosedRange<Int>?
  /// As the map writes it.
  public let text: String

  public init(table: Table, number: Int, bit: Int? = nil, text: String) {
    self.init(table: table, number: number, bits: bit.map { $0...$0 }, text: text)
  }

  public init(table: Table, number: Int, bits: ClosedRange<Int>?, text: String) {
    self.table = table
    self.number = number
    self.bits = bits
    self.text = text
  }

  /// The bit of a register, where it is a single one.
  public var bit: Int? { bits.flatMap { $0.count == 1 ? $0.lowerBound : nil } }

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
  }

  /// How a map writes addresses.
  public enum Notation: String, Sendable, Hashable, CaseIterable {
    /// 40001, 400001, 4x1 or HR1: the table by its digit or letters, the rest counts from 1.
    ///
    /// `holding:0` is understood too, since it says itself how it counts.
    case modicon
    /// `holding:0`: the table by name, counted from 0 as on the wire, in decimal or (`0x1F`) in hex.
    case zeroBased = "zero-based"

    /// What a message says is allowed.
    var allowed: String {
      let bits = "and .3 or .4..7 behind it for bits of a register"
      return switch self {
      case .modicon:
        "40001, 400001, 4x1 or HR1 (counted from 1; 0 or CO: coil, 1 or DI: discrete input, 3 or IR: input register, "
          + "4 or HR: holding register), holding:0 (counted from 0), \(bits)"
      case .zeroBased: "holding:0, input:0, coil:0 or discrete:0 and up to 65535, \(bits)"
      }
    }
  }

  /// Reads the text of an address; nil if it is none in that notation, or may be more than one.
  public init?(_ text: String, notation: Notation) {
    guard let address = try? Self.read(text, as: notation) else { return nil }
    self = address
  }
}

/// A number of ASCII digits alone: no sign, no space.
func number(digits text: some StringProtocol) -> Int? {
  guard !text.isEmpty, text.count <= 9, text.allSatisfy({ $0.isASCII && $0.isNumber }) else { return nil }
  return Int(text)
}
