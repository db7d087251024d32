internal import Settings

extension CodeRule {
  static func rules(_ node: SettingsNode) -> [CodeRule] {
    node.items(of: "rules such as { match: \"^OP-(?<operator>[0-9]{4})$\" }").compactMap { CodeRule($0) }
  }

  private init?(_ node: SettingsNode) {
    var fields = node.fields(of: "a rule such as { match: \"^OP-(?<operator>[0-9]{4})$\" }")
    defer { fields.close() }
    let isOther = fields.has("gs1") || fields.has("mh10")
    fields.unsupported("gs1")
    fields.unsupported("mh10")
    let matchNode = isOther ? fields.optional("match") : fields.required("match", "a pattern with a role, (?<unit>…)")
    let pattern = matchNode.flatMap { Self.pattern($0) }
    let placeNode = fields.optional("as")
    let place = placeNode.flatMap { Self.place($0) }
    guard let pattern else { return nil }
    let hasMaterial = pattern.groups.contains("material")
    if let placeNode, !hasMaterial {
      placeNode.refuse(allowed: "no \"as\": it names the place of a material, and the pattern has no (?<material>…)")
    }
    self.init(pattern: pattern, place: hasMaterial ? place ?? Self.plainPlace : nil)
  }

  private static func pattern(_ node: SettingsNode) -> Pattern? {
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
    if pattern.groups.isEmpty {
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
