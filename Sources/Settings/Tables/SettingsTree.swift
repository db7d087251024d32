/// What stands in a settings file, without its form: to compare files, and to write one.
public indirect enum SettingsTree: Sendable, Hashable {
  /// A key without a value.
  case nothing
  case text(String)
  case list([SettingsTree])
  case mapping([Entry])

  /// A key with its value, in the order of the file.
  public struct Entry: Sendable, Hashable {
    public var name: String
    public var value: SettingsTree

    public init(_ name: String, _ value: SettingsTree) {
      self.name = name
      self.value = value
    }
  }

  public init(_ node: SettingsNode) {
    if node.isMapping {
      self = .mapping(node.entries(of: "a mapping").map { Entry($0.name, SettingsTree($0.node)) })
    } else if node.isList {
      self = .list(node.items(of: "a list").map { SettingsTree($0) })
    } else if node.isEmpty {
      self = .nothing
    } else {
      self = .text(node.text ?? "")
    }
  }

  /// The value of a key; nil where there is none, or this is no mapping.
  public subscript(_ name: String) -> SettingsTree? { entries?.first { $0.name == name }?.value }

  /// The keys with their values; nil for what is no mapping.
  public var entries: [Entry]? { if case .mapping(let entries) = self { entries } else { nil } }
  public var items: [SettingsTree]? { if case .list(let items) = self { items } else { nil } }
  public var text: String? { if case .text(let text) = self { text } else { nil } }

  /// Whether both say the same: the order of keys means nothing, that of a list does.
  public func says(_ other: SettingsTree) -> Bool {
    switch (self, other) {
    case (.mapping(let mine), .mapping(let others)):
      mine.count == others.count && mine.allSatisfy { entry in other[entry.name].map { entry.value.says($0) } ?? false }
    case (.list(let mine), .list(let others)):
      mine.count == others.count && zip(mine, others).allSatisfy { $0.says($1) }
    default: self == other
    }
  }

  // MARK: As YAML

  /// In one line of YAML.
  public var flow: String {
    switch self {
    case .nothing: return "~"
    case .text(let text): return Self.scalar(text)
    case .list(let items): return "[" + items.map(\.flow).joined(separator: ", ") + "]"
    case .mapping(let entries):
      guard !entries.isEmpty else { return "{}" }
      return "{ " + entries.map { "\(Self.scalar($0.name)): \($0.value.flow)" }.joined(separator: ", ") + " }"
    }
  }

  /// A text so that YAML reads it back as it is.
  public static func scalar(_ text: String) -> String { isPlain(text) ? text : quoted(text) }

  /// A text in quotes: double ones with escapes where it holds what cannot be seen.
  public static func quoted(_ text: String) -> String {
    let isWhollyVisible = text.unicodeScalars.allSatisfy(isVisible)
    if isWhollyVisible, text.contains("\\") || text.contains("\"") {
      return "'" + text.replacing("'", with: "''") + "'"
    }
    var shown = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": shown += "\\\""
      case "\\": shown += "\\\\"
      case "\r": shown += "\\r"
      case "\n": shown += "\\n"
      case "\t": shown += "\\t"
      case _ where isVisible(scalar): shown.unicodeScalars.append(scalar)
      case _ where scalar.value < 0x100: shown += "\\x" + hex(scalar.value, 2)
      case _ where scalar.value < 0x10000: shown += "\\u" + hex(scalar.value, 4)
      default: shown += "\\U" + hex(scalar.value, 8)
      }
    }
    return shown + "\""
  }

  private static func hex(_ value: UInt32, _ digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  private static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: false
    case .spaceSeparator: scalar == " "
    default: true
    }
  }

  /// Nothing that YAML, or a reader of ours, could take for something else.
  private static func isPlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last, last != " ",
      !["~", "null", "Null", "NULL"].contains(text)
    else { return false }
    func isSafe(_ scalar: Unicode.Scalar) -> Bool {
      scalar.properties.isAlphabetic || scalar.properties.numericType != nil
        || "_./+%°µ²³()^-".unicodeScalars.contains(scalar)
    }
    guard text.unicodeScalars.allSatisfy({ isSafe($0) || $0 == " " }) else { return false }
    if text == "-" || text == "." || text.hasPrefix("--") || text.hasPrefix("..") || text.hasPrefix("- ") {
      return false
    }
    return isSafe(first) && first != "%"
  }
}
