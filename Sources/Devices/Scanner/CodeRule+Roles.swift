internal import Events

extension CodeRule {
  /// What a rule makes of a code.
  enum Claim {
    /// It is not about this code.
    case none
    case roles([ScanData.Role], from: [CodeElement])
    /// It is about this code, and nothing can be taken from it.
    case problem(CodeProblem)
    /// It would be about this code if that were sound; the code itself does not say what it is, so that another rule
    /// may know better.
    case doubt(CodeProblem)
  }

  /// `code` is what the decoder says of the whole payload, whose text begins at `bytes`.
  func claim(text: String, code: DecodedCode, bytes: ArraySlice<UInt8>, year: Int) -> Claim {
    var roles: [ScanData.Role] = []
    if let pattern {
      guard let groups = pattern.match(text) else { return .none }
      if let empty = groups.first(where: { $0.value.isEmpty }) {
        return .problem(
          CodeProblem(at: bytes.startIndex + 1, kind: .rule, message: "the code gives an empty \(empty.name)"))
      }
      roles = groups.map { role($0.name, code: $0.value, scope: nil) }
    }
    guard let elements else { return .roles(roles, from: []) }
    let source = elements.source(code, bytes: bytes, year: year)
    let found = elements.roles.filter { role in source.elements.contains { $0.identifier == role.identifier } }
    guard !found.isEmpty else { return .none }
    if let problem = source.problems.first { return source.isAnnounced ? .problem(problem) : .doubt(problem) }
    for wanted in found {
      guard let element = source.elements.first(where: { $0.identifier == wanted.identifier && !$0.isDoubtful })
      else { continue }
      switch elements.scope(of: wanted, element, in: source) {
      case .success(let scope): roles.append(role(wanted.name, code: element.value, scope: scope))
      case .failure(let fault):
        let problem = CodeProblem(at: element.at, kind: fault.kind, message: fault.message)
        return source.isAnnounced ? .problem(problem) : .doubt(problem)
      }
    }
    return .roles(roles, from: source.soundElements)
  }

  private func role(_ name: String, code: String, scope: String?) -> ScanData.Role {
    let full = name == "material" ? "materials.\(place ?? Self.plainPlace)" : name
    let isName = name == "command" || name == "no-read"
    return ScanData.Role(full, isName ? code : Identifier(code: code, scope: scope).description)
  }
}

extension CodeRule.ElementRoles {
  /// The code's elements in this vocabulary; a text without envelope is data identifiers where the rule says so.
  fileprivate func source(_ code: DecodedCode, bytes: ArraySlice<UInt8>, year: Int) -> DecodedCode {
    guard vocabulary == .mh10, !code.isAnnounced else { return code }
    let bare = DataElements(bytes, now: year)
    var found = DecodedCode(symbology: code.symbology)
    found.elements = bare.elements
    found.problems = bare.problems
    return found
  }

  /// The scope that a role's value is told in; nil: none.
  fileprivate func scope(of role: Role, _ element: CodeElement, in code: DecodedCode) -> Result<String?, FieldFault> {
    guard isScoped, ["unit", "lot", "material", "component", "carrier"].contains(role.name),
      let scope = role.identifier.scope
    else { return .success(nil) }
    for identifier in scope.identifiers {
      guard let found = code.elements.first(where: { $0.identifier == identifier && !$0.isDoubtful }) else { continue }
      return .success("\(scope.name(of: identifier)):\(found.value)")
    }
    guard scope != .supplier else { return .success(nil) }
    return .failure(
      FieldFault(
        .rule,
        "(\(role.identifier.text)), \(element.title), is unique only within the \(scope.title) of the same label, which is not there: "
          + "scope: none takes it alone"))
  }
}

extension CodeElement.Identifier {
  /// Within what a value under this identifier is unique only; nil where it stands alone.
  var scope: CodeScope? {
    switch self {
    case .ai(let ai): CodeTables.applicationIdentifiers[ai]?.scope
    case .di(let di): CodeTables.dataIdentifiers[di]?.scope
    case .tei: nil
    }
  }
}

extension CodeScope {
  /// The word before the colon of a scope.
  fileprivate func name(of identifier: CodeElement.Identifier) -> String {
    switch identifier {
    case .ai("8006"), .ai("8026"): "itip"
    default: rawValue
    }
  }

  /// For a message.
  fileprivate var title: String {
    switch self {
    case .gtin: "GTIN (01)"
    case .gln: "GLN (414)"
    case .cpid: "CPID (8010)"
    case .gsrn: "GSRN (8017, 8018)"
    case .supplier: "supplier (V)"
    }
  }
}
