/// Prometheus' text format, written from what the parts say of themselves at the moment of the question.
public struct MetricsText: Sendable {
  public private(set) var text = ""
  private var family = ""

  public static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  public enum Kind: String, Sendable {
    case counter
    case gauge
  }

  public init() {}

  /// Begins a family; its samples follow.
  public mutating func family(_ name: String, _ kind: Kind, _ help: String) {
    family = name
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
  }

  /// A sample of the family that was begun last.
  public mutating func sample(_ value: Double, _ labels: KeyValuePairs<String, String> = [:]) {
    let whole = Int64(exactly: value).map(String.init)
    append(whole ?? (value.isFinite ? "\(value)" : "NaN"), labels)
  }

  public mutating func sample(_ value: some BinaryInteger, _ labels: KeyValuePairs<String, String> = [:]) {
    append(String(value), labels)
  }

  private mutating func append(_ value: String, _ labels: KeyValuePairs<String, String>) {
    text += family
    if !labels.isEmpty {
      text += "{" + labels.map { "\($0.key)=\"\(Self.escape($0.value))\"" }.joined(separator: ",") + "}"
    }
    text += " \(value)\n"
  }

  private static func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "\\": escaped += "\\\\"
      case "\"": escaped += "\\\""
      case "\n": escaped += "\\n"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
