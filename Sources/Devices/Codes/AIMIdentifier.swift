/// What stands in front of a code where the scanner says its symbology: `]`, a letter and a modifier (ISO/IEC 15424).
struct AIMIdentifier: Sendable, Hashable {
  let text: String

  /// The identifier at the beginning of `bytes`; nil where there is none.
  init?(_ bytes: [UInt8]) {
    guard bytes.count >= 3, bytes[0] == UInt8(ascii: "]"), isLetter(bytes[1]), isLetter(bytes[2]) || isDigit(bytes[2])
    else { return nil }
    text = String(decoding: bytes[0..<3], as: UTF8.self)
  }

  /// What a code in this symbology holds.
  enum Content: Sendable, Hashable {
    /// FNC1 in the first place: GS1 element strings.
    case elementStrings
    /// A number of GS1 without application identifier, so many digits long: it is a GTIN.
    case gtin(digits: Int)
    /// Anything: what the code says itself decides.
    case open
  }

  /// GS1 General Specifications, section 5.1.2, and the annexes of the symbologies' standards on their modifiers.
  var content: Content {
    switch text {
    // GS1-128; GS1 DataBar and Composite; GS1 DataMatrix, also with ECI; GS1 QR Code, also with ECI; GS1 DotCode, also
    // with ECI; Aztec Code with FNC1 in front, also with ECI.
    case "]C1", "]e0", "]e1", "]e2", "]d2", "]d5", "]Q3", "]Q4", "]J1", "]J4", "]z1", "]z4": .elementStrings
    case "]E0": .gtin(digits: 13)
    case "]E4": .gtin(digits: 8)
    case "]I1": .gtin(digits: 14)
    default: .open
    }
  }

  /// The symbology's name, for people; nil where it is not known here.
  var name: String? {
    switch text {
    case "]C1": return "GS1-128"
    case "]e0": return "GS1 DataBar"
    case "]e1", "]e2": return "GS1 Composite"
    case "]d2", "]d5": return "GS1 DataMatrix"
    case "]Q3", "]Q4": return "GS1 QR Code"
    case "]J1", "]J4": return "GS1 DotCode"
    default: break
    }
    let names: [Character: String] = [
      "A": "Code 39", "C": "Code 128", "d": "Data Matrix", "E": "EAN/UPC", "F": "Codabar", "G": "Code 93",
      "I": "Interleaved 2 of 5", "J": "DotCode", "L": "PDF417", "Q": "QR Code", "S": "2 of 5", "U": "MaxiCode",
      "z": "Aztec Code",
    ]
    return names[text[text.index(after: text.startIndex)]]
  }
}

private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
