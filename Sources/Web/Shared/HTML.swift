/// Markup in which whatever was interpolated as text has been escaped.
///
/// `"<td>\(scan)</td>" as HTML` is safe whatever a scanner read: literals are markup, interpolated text
/// never is. Only an interpolated `HTML` goes in as it is.
public struct HTML: Sendable, Hashable, ExpressibleByStringInterpolation, CustomStringConvertible {
  public private(set) var description: String

  public init(stringLiteral markup: String) { description = markup }
  public init(stringInterpolation: StringInterpolation) { description = stringInterpolation.markup }

  /// Any text, escaped.
  public init(text: String) { description = Self.escape(text) }

  public static func + (a: HTML, b: HTML) -> HTML { HTML(stringLiteral: a.description + b.description) }
  public static func += (a: inout HTML, b: HTML) { a.description += b.description }

  /// `&`, `<`, `>`, both quotes, and control characters, which no page may contain.
  static func escape(_ text: String) -> String {
    var escaped = ""
    escaped.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      case "'": escaped += "&#39;"
      case "\u{1D}": escaped += "\u{241D}"
      case "\n", "\t": escaped.unicodeScalars.append(scalar)
      case "\u{00}"..<"\u{20}": escaped.unicodeScalars.append(Unicode.Scalar(0x2400 + scalar.value) ?? "?")
      case "\u{7F}"..<"\u{A0}", "\u{202A}"..<"\u{202F}", "\u{2066}"..<"\u{206A}": escaped += "\u{FFFD}"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  /// Collects literals as they are and values escaped.
  public struct StringInterpolation: StringInterpolationProtocol, Sendable {
    fileprivate var markup = ""

    public init(literalCapacity: Int, interpolationCount: Int) { markup.reserveCapacity(literalCapacity * 2) }
    public mutating func appendLiteral(_ literal: String) { markup += literal }
    public mutating func appendInterpolation(_ html: HTML) { markup += html.description }
    public mutating func appendInterpolation(_ text: String) { markup += HTML.escape(text) }
    public mutating func appendInterpolation(_ number: some BinaryInteger) { markup += String(number) }
    public mutating func appendInterpolation(_ value: some CustomStringConvertible) {
      markup += HTML.escape(value.description)
    }
  }
}

extension Sequence<HTML> {
  /// One after the other.
  public func joined() -> HTML { reduce(into: "") { $0 += $1 } }

  /// One after the other with markup in between.
  public func joined(separator: HTML) -> HTML {
    reduce(into: nil as HTML?) { all, next in all = all.map { $0 + separator + next } ?? next } ?? ""
  }
}
