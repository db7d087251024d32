public import Events

extension ScannerMap {
  /// What a map makes of one frame.
  public struct Meaning: Sendable, Hashable {
    /// Without delimiters and AIM identifier; nil where the bytes are no text.
    public var text: String?
    public var symbology: String?
    /// What the code itself says, without what is doubtful.
    public var elements: [ScanData.Element] = []
    /// Empty where no rule matches.
    public var roles: [ScanData.Role] = []
    public var problem: String?

    public init(
      text: String? = nil, symbology: String? = nil, elements: [ScanData.Element] = [], roles: [ScanData.Role] = [],
      problem: String? = nil
    ) {
      self.text = text
      self.symbology = symbology
      self.elements = elements
      self.roles = roles
      self.problem = problem
    }
  }

  /// Reads one frame, with or without its delimiters.
  public func read(frame raw: [UInt8]) -> Meaning { explain(code: frame.payload(of: raw)).meaning }

  /// What a code without delimiters means here, and what it says by itself.
  public func explain(code payload: [UInt8]) -> (meaning: Meaning, code: DecodedCode) {
    guard !payload.isEmpty else { return (Meaning(problem: "an empty frame"), DecodedCode()) }
    // The scanner's own word for a code that it could not read is none of the codes.
    if let noRead, payload == noRead {
      let word = String(decoding: noRead, as: UTF8.self)
      return (Meaning(text: word, roles: [ScanData.Role("no-read", word)]), DecodedCode())
    }
    let text: String
    switch codeText(payload) {
    case .failure(let fault):
      var code = DecodedCode()
      code.add(.character, at: fault.at, fault.message)
      return (Meaning(problem: fault.message + hint(payload)), code)
    case .success(let valid): text = valid
    }
    guard hasAIM, let aim = AIMIdentifier(payload) else { return meaning(of: text, payload, aim: nil) }
    let rest = String(text.unicodeScalars.dropFirst(3))
    guard !rest.isEmpty else {
      let problem = "an AIM identifier, \(aim.text), without a code"
      return (Meaning(text: rest, symbology: aim.text, problem: problem), DecodedCode(symbology: aim.text))
    }
    return meaning(of: rest, payload, aim: aim)
  }

  private func meaning(of text: String, _ payload: [UInt8], aim: AIMIdentifier?) -> (Meaning, DecodedCode) {
    var meaning = Meaning(text: text, symbology: aim?.text)
    let decoder = CodeDecoder(hasAIM: hasAIM, sendsSeparators: sendsSeparators, internals: internals)
    var code = decoder.decode(payload)
    // Codes that say nothing about themselves are taken apart only where a rule asks for elements.
    if !code.isAnnounced, !codes.contains(where: { $0.elements != nil }) { code = DecodedCode(symbology: aim?.text) }
    let bytes = payload[(aim == nil ? 0 : 3)...]
    if code.isAnnounced { meaning.elements = code.soundElements.map { ScanData.Element($0) } }
    var doubt = code.isAnnounced ? code.problems.first : nil
    for rule in codes {
      switch rule.claim(text: text, code: code, bytes: bytes, year: decoder.year) {
      case .none: continue
      case .doubt(let problem): doubt = doubt ?? problem
      case .problem(let problem):
        meaning.problem = Self.words(problem)
        return (meaning, code.with(problem))
      case .roles(let roles, let elements):
        meaning.roles = roles
        if !elements.isEmpty, !code.isAnnounced {
          meaning.elements = elements.map { ScanData.Element($0) }
          code.elements = elements
        }
        return (meaning, code)
      }
    }
    guard let doubt else { return (meaning, code.isAnnounced ? code : DecodedCode(symbology: aim?.text)) }
    meaning.problem = Self.words(doubt)
    return (meaning, code.with(doubt))
  }

  private static func words(_ problem: CodeProblem) -> String {
    problem.kind == .rule ? problem.message : "\(problem.message) (at byte \(problem.at) of the code)"
  }

  /// The application identifiers for internal use that rules ask for.
  private var internals: Set<String> {
    Set(codes.flatMap { $0.elements?.roles ?? [] }.map(\.identifier.text).filter { $0.hasPrefix("9") })
  }

  /// The commonest mistake in a map has a help of its own.
  private func hint(_ payload: [UInt8]) -> String {
    guard frame.end == [0x0D], payload.first == 0x0A else { return "" }
    return ": a scanner that ends its codes with \\r\\n needs frame: { end: \"\\r\\n\" } in its map"
  }
}

extension DecodedCode {
  /// With a problem that a rule found, unless it is there.
  fileprivate func with(_ problem: CodeProblem) -> DecodedCode {
    var code = self
    if !code.problems.contains(problem) {
      code.problems.append(problem)
      code.sort()
    }
    return code
  }
}

extension ScanData.Element {
  init(_ element: CodeElement) {
    self.init(kind: element.identifier.kind, identifier: element.identifier.text, value: element.value)
  }
}
