internal import Yams

/// The fields of one mapping, asked for by name; what was not asked for is refused by `close()`.
///
/// Each accessor returns nil (or the default) and records a problem where the value does not fit, so
/// that one run shows every problem of a file.
public struct Fields {
  /// The mapping itself.
  public let node: SettingsNode
  let values: [String: (key: Node, value: Node)]
  /// False where no mapping stood there: missing fields are then not worth a word.
  let valid: Bool
  private var asked: [String] = []
  /// Names of the design that are refused: a slip may mean them, but they are not offered.
  private var refused: [String] = []

  init(node: SettingsNode, values: [String: (key: Node, value: Node)], valid: Bool) {
    self.node = node
    self.values = values
    self.valid = valid
  }

  /// The place of a field, nil if the file does not have it.
  public mutating func optional(_ name: String) -> SettingsNode? {
    if !asked.contains(name) { asked.append(name) }
    return values[name].map { node.child(name, $0.value) }
  }

  /// The place of a field that must be there.
  public mutating func required(_ name: String, _ allowed: String) -> SettingsNode? {
    if let found = optional(name) { return found }
    if valid { node.refuse(found: "no \"\(name)\"", allowed: "\(name): \(allowed)") }
    return nil
  }

  /// Whether the file has the field, without reading it.
  public func has(_ name: String) -> Bool { values[name] != nil }

  /// Refuses a field of the design that this version does not build yet.
  public mutating func unsupported(_ name: String, _ what: String? = nil) {
    refused.append(name)
    guard let found = optional(name) else { return }
    found.refuse(found: "\"\(name)\"", allowed: "leave it out: \(what ?? name) is not supported yet")
  }

  /// Refuses the keys that no accessor asked for.
  public func close() {
    for (name, entry) in values where !asked.contains(name) {
      let place = node.child(name, entry.key)
      // { scale: 0,5 } has two keys: scale, and 5 without a value.
      if name.allSatisfy(\.isNumber), node.child(name, entry.value).isEmpty {
        place.refuse(
          found: "\"\(name)\" behind a comma", allowed: "a decimal point where it belongs to the number before: 0.5")
        continue
      }
      place.refuse(
        found: "unknown key \"\(name)\"",
        allowed: asked.filter { !refused.contains($0) }.sorted().joined(separator: ", "),
        nearest: nearestName(to: name, among: asked))
    }
  }
}
