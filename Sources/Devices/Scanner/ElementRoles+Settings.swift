internal import Settings

extension CodeRule.ElementRoles {
  /// Reads `{ lot: "10", unit: "21" }`; `scope: none` may stand inside or beside it.
  init?(_ node: SettingsNode, vocabulary: Vocabulary, _ beside: SettingsNode?, groups: [String]) {
    let entries = node.entries(of: vocabulary.form)
    guard !entries.isEmpty else {
      if node.isMapping || node.isEmpty { node.refuse(found: "no role", allowed: vocabulary.form) }
      return nil
    }
    var roles: [Role] = []
    var scopes = [beside].compactMap { $0 }
    for (name, value) in entries {
      guard name != "scope" else {
        scopes.append(value)
        continue
      }
      guard Self.names.contains(name) else {
        value.refuse(
          found: "unknown role \"\(name)\"", allowed: Self.names.joined(separator: ", "),
          nearest: nearestName(to: name, among: Self.names))
        continue
      }
      if groups.contains(name) {
        value.refuse(found: "the role \(name) here and in the pattern", allowed: "each role once")
      }
      if let identifier = vocabulary.identifier(value, role: name) {
        roles.append(Role(name: name, identifier: identifier))
      }
    }
    for scope in scopes where scope.text != "none" {
      scope.refuse(allowed: "none: a lot or a serial number is then told without the GTIN or supplier of its label")
    }
    guard !roles.isEmpty else { return nil }
    self.init(vocabulary: vocabulary, roles: roles, isScoped: scopes.isEmpty)
  }

  /// The roles that elements can have: what a scanner says instead of a code is no element.
  private static let names = CodeRule.roles.filter { $0 != "no-read" }
}

extension CodeRule.ElementRoles.Vocabulary {
  fileprivate var form: String {
    switch self {
    case .gs1: "roles and application identifiers, such as { lot: \"10\", unit: \"21\" }"
    case .mh10: "roles and data identifiers, such as { material: \"1T\" }"
    }
  }

  /// Reads an identifier that may have `role`.
  fileprivate func identifier(_ node: SettingsNode, role: String) -> CodeElement.Identifier? {
    guard let text = node.text, !node.isEmpty, !text.isEmpty else {
      node.refuse(
        allowed: self == .gs1 ? "an application identifier, such as \"10\"" : "a data identifier, such as \"1T\"")
      return nil
    }
    return self == .gs1 ? Self.applicationIdentifier(text, node, role) : Self.dataIdentifier(text, node, role)
  }

  private static func applicationIdentifier(
    _ text: String, _ node: SettingsNode, _ role: String
  ) -> CodeElement.Identifier? {
    let fitting = CodeTables.applicationRows.flatMap { $0 }.filter { $0.kind?.roles.contains(role) == true }
    guard let found = CodeTables.applicationIdentifiers[text] else {
      let titled = fitting.first { $0.title == text.uppercased() || $0.kind?.rawValue == text }?.ai
      node.refuse(
        found: "unknown application identifier \"\(text)\"", allowed: words(fitting.map { ($0.ai, $0.title) }),
        nearest: titled ?? nearestName(to: text, among: fitting.map(\.ai)))
      return nil
    }
    guard found.kind?.roles.contains(role) == true else {
      node.refuse(
        found: "(\(text)), \(found.title), which names no \(role)", allowed: words(fitting.map { ($0.ai, $0.title) }))
      return nil
    }
    return .ai(text)
  }

  private static func dataIdentifier(_ text: String, _ node: SettingsNode, _ role: String) -> CodeElement.Identifier? {
    let fitting = CodeTables.dataIdentifiers.values.filter { $0.kind?.roles.contains(role) == true }
      .sorted { ($0.di.last ?? " ", $0.di.count, $0.di) < ($1.di.last ?? " ", $1.di.count, $1.di) }
    let allowed = words(fitting.map { ($0.di, $0.title) })
    guard DataIdentifier.length(in: Array(text.utf8)[...]) == text.utf8.count else {
      node.refuse(
        found: "no data identifier, \"\(text)\"",
        allowed: "up to three digits and a capital letter, such as \(allowed)",
        nearest: nearestName(to: text.uppercased(), among: fitting.map(\.di)))
      return nil
    }
    // One that the table does not have, or leaves to the parties, may be anything.
    if let kind = CodeTables.dataIdentifiers[text]?.kind, !kind.roles.contains(role) {
      let title = CodeTables.dataIdentifiers[text]?.title ?? ""
      node.refuse(found: "\(text), \(title), which names no \(role)", allowed: allowed)
      return nil
    }
    return .di(text)
  }

  /// `10 (BATCH/LOT), 7020 (REFURB LOT), 90 to 99 (INTERNAL)`.
  private static func words(_ items: [(text: String, title: String)]) -> String {
    let single = items.filter { $0.title != "INTERNAL" }.map { "\($0.text) (\($0.title))" }
    let shown = single.prefix(12) + (single.count > 12 ? ["…"] : [])
    return (shown + (items.contains { $0.title == "INTERNAL" } ? ["90 to 99 (INTERNAL)"] : [])).joined(separator: ", ")
  }
}
