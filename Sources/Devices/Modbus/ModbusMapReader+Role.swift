import Settings

extension ModbusMapReader {
  /// Reads `role` and, for a material or a component, its place `as`.
  func role(_ fields: inout Fields, type: ValueType?, names: [Int64: String]?, inCycle: Bool) -> String? {
    let place = fields.optional("as")
    guard let node = fields.optional("role") else {
      place?.refuse(found: "\"as\" without \"role\"", allowed: "role: material beside it")
      return nil
    }
    guard let role = node.choice(of: Self.roles, notYet: ["command", "no-read"]) else { return nil }
    guard inCycle else {
      node.refuse(
        found: "\"role\" in a group without a trigger",
        allowed: "leave it out: only a cycle's tags have roles; others are not supported yet")
      return nil
    }
    if role == "result" { checkResult(node, type: type, names: names) }
    guard let place else { return role == "material" ? "materials.material" : role }
    guard role == "material" else {
      place.refuse(found: "\"as\" with role: \(role)", allowed: "leave it out: only a material has a place")
      return role
    }
    guard let name = place.text, isWord(name) else {
      place.refuse(allowed: "the place that the material is loaded at, such as coil")
      return nil
    }
    if Self.roles.contains(name), name != "material" {
      place.refuse(allowed: "a place that is not called like a role")
      return nil
    }
    return "materials.\(name)"
  }

  /// A result is pass or fail and is never guessed from a bare number.
  private func checkResult(_ node: SettingsNode, type: ValueType?, names: [Int64: String]?) {
    if type == .bool, names == nil { return }
    guard let names, names.values.contains("pass") || names.values.contains("fail") else {
      node.refuse(
        found: "role: result without values that say pass or fail",
        allowed: "values such as { 1: pass, 2: fail } beside it, or a bool (true: pass)")
      return
    }
  }
}
