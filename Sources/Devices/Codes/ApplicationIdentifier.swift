/// One application identifier of GS1: what its data field holds, and what it goes together with.
struct ApplicationIdentifier: Sendable, Hashable {
  let ai: String
  let title: String
  let parts: [FieldPart]
  /// What of a line it can name.
  let kind: CodeKind?
  let scope: CodeScope?
  /// One of these sets has to be on the same item, `n` standing for any digit; empty: it needs nothing.
  let needs: [[String]]
  /// Never together with one of these; `n` stands for any digit.
  let excludes: [String]
  /// The orders in which its qualifiers follow it in a GS1 Digital Link; nil where it is no key of one.
  let link: [[String]]?
  /// It may stand in the query of a GS1 Digital Link.
  let isAttribute: Bool
  /// How many of the last digits are decimals; nil where the value is no amount.
  let decimals: Int?
  let unit: String?

  var minLength: Int { parts.reduce(0) { $0 + ($1.isOptional ? 0 : $1.lengths.lowerBound) } }
  var maxLength: Int { parts.reduce(0) { $0 + $1.lengths.upperBound } }

  /// Where the data field ends by its length alone, without a separator (GS1 General Specifications, table 7.8.5-1).
  var isPredefined: Bool { Self.predefinedLength(of: ai) != nil }

  /// By an identifier's first two digits: the length of its data field where that is fixed for ever.
  static func predefinedLength(of ai: some StringProtocol) -> Int? {
    guard let first = Int(ai.prefix(2)) else { return nil }
    switch first {
    case 0: return 18
    case 1, 2, 3: return 14
    case 4: return 16
    case 11...19: return 6
    case 20: return 2
    case 31...36: return 6
    case 41: return 13
    default: return nil
    }
  }

  /// By its first two digits: how long an identifier is, also one that is not assigned (table 7.8.1-1); nil: none can be.
  static func length(of first: Int) -> Int? {
    switch first {
    case 0...4, 10...22, 30, 37, 90...99: 2
    case 23...25, 40...42, 71: 3
    case 31...36, 39, 43, 70, 72, 80...82: 4
    default: nil
    }
  }
}

/// What of a line an element can name.
enum CodeKind: String, Sendable, Hashable, CaseIterable {
  case product, lot, serial, key, order, person, `internal`
  /// They name something, and no role of a line.
  case place, supplier, extra
  /// Named by the standard, and nothing that a role could be.
  case other

  /// The roles that may be taken from it.
  var roles: [String] {
    switch self {
    case .product: ["product"]
    case .lot: ["lot", "material", "component"]
    case .serial: ["unit", "material", "component", "carrier"]
    case .key: ["unit", "material", "component", "carrier"]
    case .order: ["order"]
    case .person: ["operator"]
    case .internal:
      ["operator", "lot", "unit", "product", "material", "component", "order", "carrier", "command"]
    case .extra, .place, .supplier, .other: []
    }
  }
}

/// Within what a value is unique only.
enum CodeScope: String, Sendable, Hashable, CaseIterable {
  case gtin, gln, cpid, gsrn, supplier

  /// The identifiers whose value is the scope, the best first.
  var identifiers: [CodeElement.Identifier] {
    switch self {
    case .gtin: [.ai("01"), .ai("03"), .ai("02"), .ai("8006"), .ai("8026")]
    case .gln: [.ai("414")]
    case .cpid: [.ai("8010")]
    case .gsrn: [.ai("8018"), .ai("8017")]
    case .supplier: [.di("V"), .di("12V"), .di("1V"), .di("3V"), .di("2V")]
    }
  }
}

/// One part of a data field.
struct FieldPart: Sendable, Hashable {
  let characters: Characters
  let lengths: ClosedRange<Int>
  let isOptional: Bool
  let rule: FieldRule?

  /// The sets of GS1 General Specifications, section 7.11.
  enum Characters: Character, Sendable, Hashable {
    case digits = "N"
    case set82 = "X"
    case set39 = "Y"
    /// Of base64url (RFC 4648).
    case set64 = "Z"

    func contains(_ byte: UInt8) -> Bool {
      switch self {
      case .digits: isDigit(byte)
      case .set82:
        (0x25...0x3F).contains(byte) || byte == 0x21 || byte == 0x22 || (0x41...0x5A).contains(byte) || byte == 0x5F
          || (0x61...0x7A).contains(byte)
      case .set39:
        isDigit(byte) || (0x41...0x5A).contains(byte) || byte == 0x23 || byte == 0x2D || byte == 0x2F
      case .set64:
        isDigit(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D || byte == 0x5F
          || byte == 0x3D
      }
    }

    /// What it allows, for a message.
    var words: String {
      switch self {
      case .digits: "digits"
      case .set82: "letters, digits and !\"%&'()*+,-./_:;<=>?"
      case .set39: "capital letters, digits and #-/"
      case .set64: "letters, digits, - and _"
      }
    }
  }
}

/// What a part of a data field must be, beside its characters and length.
enum FieldRule: String, Sendable, Hashable, CaseIterable {
  case check
  case checkPair = "check-pair"
  case checkPairLetter = "check-pair-letter"
  case prefix
  case date, date0, time, hour, minute, second
  case fullDate = "full-date"
  case timeOr9999 = "time-or-9999"
  case country, country2, currency
  case countryOr999 = "country-or-999"
  case zero, nonzero
  case noLeadingZero = "no-leading-zero"
  case winding, sex, piece, media, percent, iban, latitude, longitude, minus, importer, of
  case yesNo = "yes-no"
}
