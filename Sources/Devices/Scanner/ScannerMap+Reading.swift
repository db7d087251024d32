public import Events

extension ScannerMap {
  /// What a map makes of one frame.
  public struct Meaning: Sendable, Hashable {
    /// Without delimiters and AIM identifier; nil where the bytes are no text.
    public var text: String?
    public var symbology: String?
    /// Empty where no rule matches.
    public var roles: [ScanData.Role] = []
    public var problem: String?

    public init(
      text: String? = nil, symbology: String? = nil, roles: [ScanData.Role] = [], problem: String? = nil
    ) {
      self.text = text
      self.symbology = symbology
      self.roles = roles
      self.problem = problem
    }
  }

  /// Reads one frame, with or without its delimiters.
  public func read(frame raw: [UInt8]) -> Meaning {
    let payload = frame.payload(of: raw)
    guard !payload.isEmpty else { return Meaning(problem: "an empty frame") }
    let text: String
    switch validText(payload) {
    case .failure(let fault): return Meaning(problem: fault.problem + hint(payload))
    case .success(let valid): text = valid
    }
    guard hasAIM, let symbology = aimIdentifier(text) else { return meaning(of: text, symbology: nil) }
    let code = String(text.unicodeScalars.dropFirst(3))
    guard !code.isEmpty else {
      return Meaning(text: code, symbology: symbology, problem: "an AIM identifier, \(symbology), without a code")
    }
    return meaning(of: code, symbology: symbology)
  }

  private func meaning(of text: String, symbology: String?) -> Meaning {
    var meaning = Meaning(text: text, symbology: symbology)
    for rule in codes {
      guard let groups = rule.pattern.match(text) else { continue }
      if let empty = groups.first(where: { $0.value.isEmpty }) {
        meaning.problem = "the code gives an empty \(empty.name)"
        return meaning
      }
      meaning.roles = groups.map { group in
        let name = group.name == "material" ? "materials.\(rule.place ?? CodeRule.plainPlace)" : group.name
        return ScanData.Role(name, group.value)
      }
      break
    }
    return meaning
  }

  /// `]`, a letter and a modifier (ISO/IEC 15424) at the beginning; nil where there is none.
  private func aimIdentifier(_ text: String) -> String? {
    let head = Array(text.utf8.prefix(3))
    guard head.count == 3, head[0] == UInt8(ascii: "]"), isLetter(head[1]), isLetter(head[2]) || isDigit(head[2])
    else { return nil }
    return String(decoding: head, as: UTF8.self)
  }

  private func isLetter(_ byte: UInt8) -> Bool { (0x41...0x5A).contains(byte & 0xDF) }
  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  /// The commonest mistake in a map has a help of its own.
  private func hint(_ payload: [UInt8]) -> String {
    guard frame.end == [0x0D], payload.first == 0x0A else { return "" }
    return ": a scanner that ends its codes with \\r\\n needs frame: { end: \"\\r\\n\" } in its map"
  }
}

/// Why bytes are no text.
private struct TextFault: Error {
  let problem: String
}

/// The text of `bytes`, if they are UTF-8 without control characters.
///
/// HT, EOT and the separators FS, GS, RS, US stay: codes in the forms of GS1 and ISO/IEC 15434 contain them.
private func validText(_ bytes: [UInt8]) -> Result<String, TextFault> {
  var parser = Unicode.UTF8.ForwardParser()
  var rest = bytes.makeIterator()
  var place = 1
  var text = String.UnicodeScalarView()
  while true {
    switch parser.parseScalar(from: &rest) {
    case .valid(let units):
      let scalar = Unicode.UTF8.decode(units)
      if scalar.properties.generalCategory == .control, !allowedControls.contains(scalar.value) {
        let code = String(scalar.value, radix: 16, uppercase: true)
        return .failure(
          TextFault(problem: "the control character 0x\(code.count < 2 ? "0" : "")\(code) at byte \(place) of the code")
        )
      }
      text.append(scalar)
      place += units.count
    case .emptyInput: return .success(String(text))
    case .error: return .failure(TextFault(problem: "not valid UTF-8 at byte \(place) of the code"))
    }
  }
}

private let allowedControls: Set<UInt32> = [0x09, 0x04, 0x1C, 0x1D, 0x1E, 0x1F]
