internal import Yams

/// One place in a settings file: its value, its line, and the way to it.
public struct SettingsNode {
  let file: SettingsFile
  /// The way from the top, parts joined by dots.
  public let path: String
  let node: Node

  /// Counted from 1.
  public var line: Int { node.mark?.line ?? 0 }

  /// The text of the value as it stands in the file (`40020.10` stays apart from `40020.1`); nil for a list or mapping.
  public var text: String? {
    guard case .scalar(let scalar) = node else { return nil }
    return scalar.string
  }

  /// The value was written without quotes, so that `true` or `12` mean more than their letters.
  public var isPlain: Bool {
    guard case .scalar(let scalar) = node else { return false }
    return scalar.style == .plain
  }

  /// Nothing stands there: `key:` with no value, or `~`.
  public var isEmpty: Bool { isPlain && ["", "~", "null"].contains(text) }

  /// Whether a mapping stands there, so that a field may be either a value or more.
  public var isMapping: Bool { if case .mapping = node { true } else { false } }
  /// Whether a list stands there.
  public var isList: Bool { if case .sequence = node { true } else { false } }

  /// The entries of a mapping whose keys are names that the user gives, in the order of the file.
  public func entries(of what: String) -> [(name: String, node: SettingsNode)] {
    guard case .mapping(let mapping) = node else {
      if !isEmpty { refuse(found: quoted, allowed: what) }
      return []
    }
    return mapping.compactMap { key, value in
      guard let name = key.string else {
        refuse(found: "a key that is not a text", allowed: what)
        return nil
      }
      return (name, child(name, value))
    }
  }

  /// The items of a list.
  public func items(of what: String) -> [SettingsNode] {
    guard case .sequence(let sequence) = node else {
      refuse(found: quoted, allowed: "a list: \(what)")
      return []
    }
    return sequence.enumerated().map { child("[\($0.offset)]", $0.element) }
  }

  /// The mapping's fields; the reader must end with `Fields.close()`, which names the keys nobody asked for.
  public func fields(of what: String) -> Fields {
    guard case .mapping(let mapping) = node else {
      if !isEmpty { refuse(found: quoted, allowed: what) }
      return Fields(node: self, values: [:], valid: isEmpty)
    }
    var values: [String: (key: Node, value: Node)] = [:]
    for (key, value) in mapping { values[key.string ?? "?"] = (key, value) }
    return Fields(node: self, values: values, valid: true)
  }

  /// Records that what stands here is wrong.
  public func refuse(found: String? = nil, allowed: String, nearest: String? = nil) {
    file.add(
      Problem(file: file.name, line: line, field: path, found: found ?? quoted, allowed: allowed, nearest: nearest))
  }

  /// What stands here, for a message.
  public var quoted: String {
    switch node {
    case .scalar(let scalar): isEmpty ? "nothing" : "\"\(printable(scalar.string.prefix(80)))\""
    case .mapping: "a mapping"
    case .sequence: "a list"
    case .alias: "an alias"
    }
  }

  func child(_ name: String, _ value: Node) -> SettingsNode {
    let joined = path.isEmpty ? name : name.hasPrefix("[") ? path + name : path + "." + name
    return SettingsNode(file: file, path: joined, node: value)
  }
}

/// The text with its control characters and line ends as escapes, so that a message stays one line.
public func printable(_ text: some StringProtocol) -> String {
  var shown = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\r": shown += "\\r"
    case "\n": shown += "\\n"
    case "\t": shown += "\\t"
    case "\u{2028}", "\u{2029}": shown += "\\u{" + String(scalar.value, radix: 16) + "}"
    case _ where scalar.properties.generalCategory == .control:
      shown += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16, uppercase: true)
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return shown
}
