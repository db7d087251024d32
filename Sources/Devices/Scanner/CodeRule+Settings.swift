internal import Settings

extension CodeRule {
  static func rules(_ node: SettingsNode) -> [CodeRule] {
    node.items(of: "rules such as { match: \"^OP-(?<operator>[0-9]{4})$\" }").compactMap { CodeRule($0) }
  }

  private static let form =
    "match: a pattern with a role, (?<unit>…); gs1: roles and application identifiers, { lot: \"10\" }; "
    + "or mh10: roles and data identifiers, { material: \"1T\" }"

  private init?(_ node: SettingsNode) {
    var fields = node.fields(of: "a rule such as { match: \"^OP-(?<operator>[0-9]{4})$\" }")
    defer { fields.close() }
    let matchNode = fields.optional("match")
    let gs1Node = fields.optional("gs1")
    let mh10Node = fields.optional("mh10")
    let scopeNode = fields.optional("scope")
    let placeNode = fields.optional("as")
    let place = placeNode.flatMap { Self.place($0) }
    let elementsNode = gs1Node ?? mh10Node
    if matchNode == nil, elementsNode == nil {
      if node.isMapping { node.refuse(found: "no \"match\", \"gs1\" or \"mh10\"", allowed: Self.form) }
      return nil
    }
    if gs1Node != nil, let mh10Node {
      mh10Node.refuse(found: "\"gs1\" and \"mh10\" in one rule", allowed: "one of them: a label is of one standard")
    }
    let pattern = matchNode.flatMap { Self.pattern($0, needsRole: elementsNode == nil) }
    let elements = elementsNode.flatMap {
      ElementRoles($0, vocabulary: gs1Node == nil ? .mh10 : .gs1, scopeNode, groups: pattern?.groups ?? [])
    }
    if elementsNode == nil, let scopeNode {
      scopeNode.refuse(allowed: "no \"scope\": it is about elements, and the rule has neither gs1 nor mh10")
    }
    guard (matchNode == nil) == (pattern == nil), (elementsNode == nil) == (elements == nil) else { return nil }
    let hasMaterial =
      pattern?.groups.contains("material") == true || elements?.roles.contains { $0.name == "material" } == true
    if let placeNode, !hasMaterial {
      let what = elements == nil ? "the pattern has no (?<material>…)" : "the rule has none"
      placeNode.refuse(allowed: "no \"as\": it names the place of a material, and \(what)")
    }
    self.init(pattern: pattern, elements: elements, place: hasMaterial ? place ?? Self.plainPlace : nil)
  }

  private static func pattern(_ node: SettingsNode, needsRole: Bool) -> Pattern? {
    guard let text = node.text, !node.isEmpty, !text.isEmpty else {
      node.refuse(allowed: "a pattern with a role, (?<unit>…)")
      return nil
    }
    let pattern: Pattern
    do { pattern = try Pattern(text) } catch {
      node.refuse(found: "\(error.found) at character \(error.position) of the pattern", allowed: error.allowed)
      return nil
    }
    for name in pattern.groups where !roles.contains(name) {
      node.refuse(
        found: "unknown role \"\(name)\"", allowed: roles.joined(separator: ", "),
        nearest: nearestName(to: name, among: roles))
    }
    if pattern.groups.isEmpty, needsRole {
      node.refuse(
        found: "a pattern without a role",
        allowed: "a named group, (?<role>…), with one of \(roles.joined(separator: ", "))")
    }
    return pattern
  }

  private static func place(_ node: SettingsNode) -> String? {
    guard let name = node.text, !node.isEmpty, (1...64).contains(name.utf8.count),
      name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") })
    else {
      node.refuse(allowed: "a place: 1 to 64 of A-Z a-z 0-9 - _")
      return nil
    }
    guard name != plainPlace else {
      node.refuse(allowed: "leave it out: material is the place of a rule without \"as\"")
      return nil
    }
    guard !roles.contains(name) else {
      node.refuse(found: "the role \"\(name)\" as a place", allowed: "a name that is not a role's, such as coil")
      return nil
    }
    return name
  }
}
