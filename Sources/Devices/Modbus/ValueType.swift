/// How the bits of a tag are to be understood.
public enum ValueType: String, Sendable, Hashable, CaseIterable {
  case bool, int16, uint16, int32, uint32, float32

  /// Types of the design that this version refuses by name.
  static let notYet = ["int64", "uint64", "float64", "bcd16", "bcd32", "string", "bits"]

  /// How many registers, or for a coil or discrete input bits, a value takes.
  public var width: Int {
    switch self {
    case .bool, .int16, .uint16: 1
    case .int32, .uint32, .float32: 2
    }
  }

  public var isNumber: Bool { self != .bool }

  /// The raw whole numbers that it can show; nil where there are none.
  public var range: ClosedRange<Int64>? {
    switch self {
    case .int16: Int64(Int16.min)...Int64(Int16.max)
    case .uint16: 0...Int64(UInt16.max)
    case .int32: Int64(Int32.min)...Int64(Int32.max)
    case .uint32: 0...Int64(UInt32.max)
    case .bool, .float32: nil
    }
  }
}

/// In which order the bytes of a value arrive, A being the most significant.
///
/// One word is AB as Modbus has it, or BA. Two words: ABCD (big-endian), CDAB (low word first), BADC (bytes
/// swapped in each word), DCBA (little-endian).
public enum WordOrder: String, Sendable, Hashable, CaseIterable {
  case AB, BA, ABCD, CDAB, BADC, DCBA

  /// Those of a value of so many registers.
  static func choices(width: Int) -> [WordOrder] { width == 1 ? [.AB, .BA] : [.ABCD, .CDAB, .BADC, .DCBA] }

  /// Orders of 64 bits, which this version refuses by name.
  static let notYet = [
    "ABCDEFGH", "BADCFEHG", "GHEFCDAB", "HGFEDCBA", "CDABGHEF", "DCBAHGFE", "EFGHABCD", "FEHGBADC",
  ]

  /// Where in the bytes that arrive the value's first, second … byte is; the same table serves the way back.
  var places: [Int] {
    switch self {
    case .AB: [0, 1]
    case .BA: [1, 0]
    case .ABCD: [0, 1, 2, 3]
    case .CDAB: [2, 3, 0, 1]
    case .BADC: [1, 0, 3, 2]
    case .DCBA: [3, 2, 1, 0]
    }
  }
}
