internal import Events

/// What a code says before any map: its form, its elements, and everything that is wrong with it.
public struct DecodedCode: Sendable, Hashable {
  /// The AIM identifier in front of the code (`]d2`), where there is one.
  public var symbology: String?
  public var format: Format
  /// The code itself says what it is: by its AIM identifier, its envelope or its address; nothing was guessed.
  public var isAnnounced = false
  /// In the order of the code, those with a problem among them.
  public var elements: [CodeElement] = []
  /// In the order of their places; empty: nothing is wrong.
  public var problems: [CodeProblem] = []
  /// What is worth a word and makes nothing wrong: what the standard asks of all codes of an item together.
  public var notes: [CodeProblem] = []

  /// In which form a code holds its elements.
  public enum Format: String, Sendable, Hashable, CaseIterable {
    case gs1
    case digitalLink = "digital-link"
    case iso15434
    case epc
    case plain
  }

  public init(symbology: String? = nil, format: Format = .plain) {
    self.symbology = symbology
    self.format = format
  }

  /// The symbology's name for people, where it is known.
  public var symbologyName: String? { symbology.flatMap { AIMIdentifier(Array($0.utf8)) }?.name }

  /// The elements that nothing is wrong with: what a record may keep.
  public var soundElements: [CodeElement] { elements.filter { !$0.isDoubtful } }

  mutating func add(_ kind: CodeProblem.Kind, at place: Int, _ message: String) {
    problems.append(CodeProblem(at: place, kind: kind, message: message))
  }

  /// Brings the problems into the order of their places.
  mutating func sort() {
    problems.sort { $0.at < $1.at }
    notes.sort { $0.at < $1.at }
  }
}

/// One element: an identifier that says what the value is, and the value.
public struct CodeElement: Sendable, Hashable {
  public var identifier: Identifier
  /// As the code has it, escapes of an address resolved.
  public var value: String
  /// The standard's title, `BATCH/LOT`; empty where it has none.
  public var title: String
  /// The value in words, where it is a date, an amount, a code: `2027-11-30`, `12.345 kg`.
  public var meaning: String?
  /// Where the identifier begins: the byte, counted from 1, AIM identifier included.
  public var at: Int
  /// How many bytes of the code the identifier and the value are.
  public var length: Int
  /// Something is wrong with it: nothing may be taken from it.
  public var isDoubtful = false

  /// Whose vocabulary an element is of.
  public enum Identifier: Sendable, Hashable {
    /// A GS1 application identifier, `10`.
    case ai(String)
    /// A data identifier of ANSI MH10.8.2, `1T`.
    case di(String)
    /// A text element identifier of ISO/IEC 15434 format 12, `SER`.
    case tei(String)

    public var text: String {
      switch self {
      case .ai(let text), .di(let text), .tei(let text): text
      }
    }

    /// The name that records give it: `ai`, `di` or `tei`.
    public var kind: String {
      switch self {
      case .ai: "ai"
      case .di: "di"
      case .tei: "tei"
      }
    }
  }

  public init(
    _ identifier: Identifier, value: String, title: String = "", meaning: String? = nil, at: Int = 1, length: Int = 0
  ) {
    self.identifier = identifier
    self.value = value
    self.title = title
    self.meaning = meaning
    self.at = at
    self.length = length
  }
}

extension CodeElement: CustomStringConvertible {
  /// As it is printed below a code: `(10)L2311`.
  public var description: String { "(\(identifier.text))\(value)" }
}

/// Something that is wrong with a code.
public struct CodeProblem: Sendable, Hashable {
  /// The byte, counted from 1, AIM identifier included; one past the end where something is missing there.
  public var at: Int
  public var kind: Kind
  /// What was expected and what was found.
  public var message: String

  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A check digit or check characters that do not fit.
    case checkDigit = "check-digit"
    /// Too short or too long.
    case length
    /// A character that the field does not allow.
    case character
    case date
    case time
    case country
    case currency
    /// Another content that the standard does not allow.
    case value
    /// An identifier that the standard does not have.
    case unknown
    /// Where an identifier should be is something else.
    case identifier
    /// It reads in more than one way.
    case ambiguous
    /// The same identifier again, with another value.
    case repeated
    /// Elements that the standard does not allow together, or that it wants together.
    case pair
    /// Head, tail or structure of a message, an address or a tag.
    case form
    /// A percent-escape that is none.
    case escape
    /// A form of the standard that is not decoded here.
    case unsupported
    /// Something that a map's rule takes from codes, and this one does not have.
    case rule
  }

  public init(at: Int, kind: Kind, message: String) {
    self.at = at
    self.kind = kind
    self.message = message
  }
}

/// Bytes of a code for a message: text as it is, the rest as escapes.
func shown(_ bytes: some Sequence<UInt8>) -> String {
  bytes.map { byte in
    switch byte {
    case 0x1D: "<GS>"
    case 0x1E: "<RS>"
    case 0x04: "<EOT>"
    case 0x21...0x7E: String(UnicodeScalar(byte))
    case 0x20: " "
    default: "\\x" + hex([byte])
    }
  }.joined()
}

/// `1 character`, `2 characters`.
func counted(_ number: Int, _ what: String) -> String { "\(number) \(what)\(number == 1 ? "" : "s")" }

func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
