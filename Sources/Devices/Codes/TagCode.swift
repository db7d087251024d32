/// An EPC of 96 bits, as RFID tags hold it, to the keys of GS1 (EPC Tag Data Standard, section 14).
struct TagCode {
  private(set) var elements: [CodeElement] = []
  private(set) var problems: [CodeProblem] = []

  /// Twelve bytes, or the 24 hexadecimal digits that a reader sends of them; nil for anything else, or a header that no
  /// EPC has.
  init?(_ code: ArraySlice<UInt8>, now: Int) {
    let bits: [UInt8]
    let isHex: Bool
    switch code.count {
    case 12: (bits, isHex) = (Array(code), false)
    case 24:
      let digits = code.compactMap(hexValue)
      guard digits.count == 24 else { return nil }
      bits = stride(from: 0, to: 24, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
      isHex = true
    default: return nil
    }
    guard let scheme = Scheme(rawValue: bits[0]) else {
      guard let name = Self.otherSchemes[bits[0]] else { return nil }
      problems.append(
        CodeProblem(
          at: code.startIndex + 1, kind: .unsupported,
          message: "\(name), which is not decoded here: SGTIN-96, SSCC-96, GRAI-96 and GIAI-96 are"))
      return
    }
    var reader = BitReader(bytes: bits)
    _ = reader.take(8 + 3)
    let partition = Int(reader.take(3))
    // A byte of the tag is two digits of the text.
    func place(_ bit: Int) -> Int { code.startIndex + bit / (isHex ? 4 : 8) + 1 }
    guard partition <= 6 else {
      problems.append(
        CodeProblem(at: place(11), kind: .form, message: "\(scheme.name) has a partition from 0 to 6, found 7"))
      return
    }
    let sizes = scheme.sizes(partition)
    let company = reader.take(sizes.companyBits)
    let reference = reader.take(sizes.referenceBits)
    if company >= Self.power10(sizes.companyDigits) {
      problems.append(
        CodeProblem(
          at: place(14), kind: .value,
          message:
            "the company prefix has \(counted(sizes.companyDigits, "digit")) in partition \(partition), found \(company)"
        ))
    }
    if scheme != .giai, reference >= Self.power10(sizes.referenceDigits) {
      problems.append(
        CodeProblem(
          at: place(14 + sizes.companyBits), kind: .value,
          message:
            "the \(scheme.referenceName) has \(counted(sizes.referenceDigits, "digit")) in partition \(partition), found \(reference)"
        ))
    }
    let rest = scheme == .giai ? 0 : reader.take(scheme == .sscc ? 24 : 38)
    if scheme == .sscc, rest != 0 {
      problems.append(
        CodeProblem(at: place(72), kind: .value, message: "the last 24 bits of an SSCC-96 are 0, found \(rest)"))
    }
    guard problems.isEmpty else { return }
    let prefix = Self.padded(company, sizes.companyDigits)
    let number = Self.padded(reference, sizes.referenceDigits)
    for (ai, value) in scheme.keys(prefix: prefix, number: number, reference: reference, serial: rest) {
      add(ai, value, at: code.startIndex + 1, length: code.count, now: now)
    }
  }

  private mutating func add(_ ai: String, _ value: String, at: Int, length: Int, now: Int) {
    let definition = CodeTables.applicationIdentifiers[ai]
    var element = CodeElement(.ai(ai), value: value, title: definition?.title ?? "", at: at, length: length)
    let bytes = Array(value.utf8)[...]
    if let fault = definition?.fault(in: bytes, now: now) {
      element.isDoubtful = true
      problems.append(CodeProblem(at: at, kind: fault.kind, message: fault.message))
    } else {
      element.meaning = definition?.meaning(of: bytes, now: now)
    }
    elements.append(element)
  }

  private static func power10(_ digits: Int) -> UInt64 { (0..<digits).reduce(1) { product, _ in product * 10 } }

  private static func padded(_ number: UInt64, _ digits: Int) -> String {
    guard digits > 0 else { return "" }
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
  }

  /// Headers of the standard that are known and not decoded.
  private static let otherSchemes: [UInt8: String] = [
    0x2C: "GDTI-96", 0x2D: "GSRN-96", 0x2E: "GSRNP-96", 0x2F: "USDOD-96", 0x32: "SGLN-96", 0x35: "GID-96",
    0x3C: "CPI-96",
  ]

  /// The schemes that are decoded, by their header.
  enum Scheme: UInt8 {
    case sgtin = 0x30
    case sscc = 0x31
    case grai = 0x33
    case giai = 0x34

    var name: String {
      switch self {
      case .sgtin: "SGTIN-96"
      case .sscc: "SSCC-96"
      case .grai: "GRAI-96"
      case .giai: "GIAI-96"
      }
    }

    var referenceName: String {
      switch self {
      case .sgtin: "indicator and item reference"
      case .sscc: "serial reference"
      case .grai: "asset type"
      case .giai: "asset reference"
      }
    }

    /// The scheme's partition table: how the bits and digits are shared by the company prefix and what follows it.
    func sizes(_ partition: Int) -> (companyBits: Int, companyDigits: Int, referenceBits: Int, referenceDigits: Int) {
      let companyBits = [40, 37, 34, 30, 27, 24, 20][partition]
      let companyDigits = 12 - partition
      return switch self {
      case .sgtin: (companyBits, companyDigits, 44 - companyBits, 1 + partition)
      case .sscc: (companyBits, companyDigits, 58 - companyBits, 5 + partition)
      case .grai: (companyBits, companyDigits, 44 - companyBits, partition)
      case .giai: (companyBits, companyDigits, 82 - companyBits, 0)
      }
    }

    /// The elements that the numbers are, check digits computed.
    func keys(prefix: String, number: String, reference: UInt64, serial: UInt64) -> [(ai: String, value: String)] {
      switch self {
      // The first digit behind the prefix stands before it in the key.
      case .sgtin: [("01", checked("\(number.prefix(1))\(prefix)\(number.dropFirst())")), ("21", String(serial))]
      case .sscc: [("00", checked("\(number.prefix(1))\(prefix)\(number.dropFirst())"))]
      case .grai: [("8003", "0" + checked(prefix + number) + String(serial))]
      case .giai: [("8004", prefix + String(reference))]
      }
    }

    private func checked(_ digits: String) -> String {
      digits + String(UnicodeScalar(CheckDigits.digit(for: digits.utf8)))
    }
  }
}

/// Takes numbers out of bytes, most significant bit first.
private struct BitReader {
  let bytes: [UInt8]
  private var at = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  /// Up to 64 bits.
  mutating func take(_ count: Int) -> UInt64 {
    var number: UInt64 = 0
    for bit in at..<(at + count) { number = number << 1 | UInt64(bytes[bit / 8] >> (7 - bit % 8) & 1) }
    at += count
    return number
  }
}
