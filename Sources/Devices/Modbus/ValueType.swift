/// How the bits of a tag are to be understood.
public enum ValueType: String, Sendable, Hashable, CaseIterable {
  case bool, bits, int16, uint16, int32, uint32, int64, uint64, float32, float64, bcd16, bcd32, string

  /// How many registers, or for a coil or discrete input bits, a value takes; 0 for a string, whose length says that.
  public var width: Int {
    switch self {
    case .bool, .bits, .int16, .uint16, .bcd16: 1
    case .int32, .uint32, .float32, .bcd32: 2
    case .int64, .uint64, .float64: 4
    case .string: 0
    }
  }

  public var isNumber: Bool { self != .bool && self != .string }

  /// The raw whole numbers that it can show, of some bits those of 16; nil where there are none.
  public var range: ClosedRange<Int128>? {
    switch self {
    case .int16: Int128(Int16.min)...Int128(Int16.max)
    case .uint16, .bits: 0...Int128(UInt16.max)
    case .int32: Int128(Int32.min)...Int128(Int32.max)
    case .uint32: 0...Int128(UInt32.max)
    case .int64: Int128(Int64.min)...Int128(Int64.max)
    case .uint64: 0...Int128(UInt64.max)
    case .bcd16: 0...9999
    case .bcd32: 0...99_999_999
    case .bool, .float32, .float64, .string: nil
    }
  }
}

/// In which order the bytes of a value arrive, A being the most significant.
///
/// One word is AB as Modbus has it, or BA. Two words: ABCD (big-endian), CDAB (low word first), BADC (bytes swapped in
/// each word), DCBA (little-endian). Four words: all eight ways in which bytes within words, words within pairs and the
/// pairs may be swapped. Each is its own way back, so one code serves reading and writing.
public enum WordOrder: String, Sendable, Hashable, CaseIterable {
  case AB, BA
  case ABCD, CDAB, BADC, DCBA
  case ABCDEFGH, BADCFEHG, GHEFCDAB, HGFEDCBA, CDABGHEF, DCBAHGFE, EFGHABCD, FEHGBADC

  /// Those of a value of so many registers.
  public static func choices(width: Int) -> [WordOrder] { allCases.filter { $0.rawValue.count == width * 2 } }

  /// What a map may say for all of its tags: an order of two words or of four.
  static let ofMaps = choices(width: 2) + choices(width: 4)

  private var swapsBytes: Bool {
    switch self {
    case .BA, .BADC, .DCBA, .BADCFEHG, .HGFEDCBA, .DCBAHGFE, .FEHGBADC: true
    default: false
    }
  }

  private var swapsWords: Bool {
    switch self {
    case .CDAB, .DCBA, .GHEFCDAB, .HGFEDCBA, .CDABGHEF, .DCBAHGFE: true
    default: false
    }
  }

  private var swapsPairs: Bool {
    switch self {
    case .GHEFCDAB, .HGFEDCBA, .EFGHABCD, .FEHGBADC: true
    default: false
    }
  }

  /// The order that a map's own order means for values of so many registers; nil for one, which is as Modbus has it.
  ///
  /// An order of two words means for four that all of them are reversed where the two are: CDAB is GHEFCDAB, the low word
  /// first. An order of four words means for two what it does within each pair.
  func fitting(width: Int) -> WordOrder? {
    guard width > 1 else { return nil }
    return Self.choices(width: width).first { choice in
      choice.swapsBytes == swapsBytes && choice.swapsWords == swapsWords
        && (width == 2 || choice.swapsPairs == (rawValue.count == 8 ? swapsPairs : swapsWords))
    }
  }

  /// The value's bits from those that arrive, both most significant first and at the low end; and the way back.
  func arranged(_ bits: UInt64) -> UInt64 {
    var bits = bits
    if swapsBytes { bits = (bits & 0x00FF_00FF_00FF_00FF) << 8 | (bits >> 8) & 0x00FF_00FF_00FF_00FF }
    if swapsWords { bits = (bits & 0x0000_FFFF_0000_FFFF) << 16 | (bits >> 16) & 0x0000_FFFF_0000_FFFF }
    if swapsPairs { bits = bits << 32 | bits >> 32 }
    return bits
  }
}
