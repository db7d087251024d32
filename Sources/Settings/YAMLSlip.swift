internal import Yams

/// What is wrong with a text that is no YAML, in the words of who wrote it rather than those of a parser.
///
/// A parser stops where it understands no further, which is often a line below the slip. Where the slip can be told from
/// the lines (a tab, a colon without a space, a bracket or a quote that is left open, a value that needs quotes), it is
/// named at its own place; anything else is told as the parser says it.
struct YAMLSlip {
  let line: Int
  var field = ""
  let found: String
  let allowed: String

  private init(_ line: Int, _ found: String, allowed: String) {
    (self.line, self.found, self.allowed) = (line, found, allowed)
  }

  init(_ error: YamlError, in text: String) {
    let lines = YAMLLines(text)
    switch error {
    case .scanner(let context, let what, let mark, _), .parser(let context, let what, let mark, _),
      .composer(let context, let what, let mark, _):
      self =
        Self.known(what, at: mark, since: context?.mark, lines)
        ?? YAMLSlip(
          mark.line, "no valid YAML (\(what) at column \(mark.column))",
          allowed: "YAML: check the indentation, quotes and brackets of this line and the one above")
    case .reader(_, let offset, let value, _): self = Self.unreadable(value, at: offset, text)
    case .duplicatedKeysInMapping(let keys, let context):
      let key = keys.sorted().first ?? ""
      let places = lines.places(of: key, inMappingAt: context.mark)
      self.init(
        places.last ?? context.mark.line, "the same key twice" + (places.count > 1 ? ", as in line \(places[0])" : ""),
        allowed: "each key once")
      field = key
    default: self.init(0, "no valid YAML (\(error))", allowed: "YAML in UTF-8")
    }
  }

  private static func known(_ what: String, at mark: Mark, since start: Mark?, _ lines: YAMLLines) -> YAMLSlip? {
    switch what {
    case "mapping values are not allowed in this context":
      return secondColon(at: mark, lines) ?? oddSpace(near: mark.line, lines) ?? withoutColon(above: mark.line, lines)
        ?? indentation(of: mark.line, lines)
    case "could not find expected ':'": return start.flatMap { withoutColon(in: $0.line, lines) }
    case "did not find expected key", "did not find expected '-' indicator":
      return extra(at: mark, lines) ?? indentation(of: mark.line, lines)
    case "did not find expected ',' or '}'", "did not find expected ',' or ']'":
      return start.flatMap { openQuote(in: $0.line, lines) ?? inBrackets(at: mark, since: $0, lines) }
    case "found unexpected end of stream", "found unexpected document indicator":
      return start.flatMap { openQuote(in: $0.line, lines) }
    case "found unknown escape character", "did not find expected hexdecimal number":
      let shown = lines.text(mark.line).unicodeScalars.dropFirst(mark.column - 1).prefix(2)
      return YAMLSlip(
        mark.line, "\"\(String(String.UnicodeScalarView(shown)))\" in double quotes",
        allowed: "single quotes around such a text, or two backslashes for one")
    case "did not find expected <document start>":
      if lines.above(mark.line).map(lines.content) == "..." {
        return YAMLSlip(mark.line, "text behind the line ...", allowed: "no such line: it ends the document")
      }
      return withoutColon(above: mark.line, lines)
    case "but found another document":
      return YAMLSlip(mark.line, "a second document", allowed: "one: leave out the lines --- and ...")
    case "block sequence entries are not allowed in this context":
      return YAMLSlip(mark.line, "\"- \" behind a key", allowed: "the items of a list in lines of their own")
    case "found a tab character that violates indentation",
      "found a tab character where an indentation space is expected",
      "found character that cannot start any token" where lines[mark] == "\t":
      return YAMLSlip(
        mark.line, "a tab at column \(mark.column)", allowed: "spaces: YAML takes no tabs at the beginning of a line")
    default:
      // Some characters begin something else than a text.
      guard let first = lines[mark], "%@`*&!:,]}|>".unicodeScalars.contains(first), lines.isValue(at: mark)
      else { return nil }
      return YAMLSlip(mark.line, "a value that begins with \"\(first)\"", allowed: "quotes around such a value")
    }
  }

  private static func unreadable(_ value: Int32, at offset: Int?, _ text: String) -> YAMLSlip {
    let before = text.prefix(offset ?? 0)
    let line = before.reduce(1) { $0 + ($1.isNewline ? 1 : 0) }
    let column = before.reversed().prefix { !$0.isNewline }.count + 1
    return YAMLSlip(
      line, "a control character (\(String(max(0, value), radix: 16))h) at column \(column)",
      allowed: "text in UTF-8, without control characters")
  }

  /// A value with a colon and a space in it, as in `a: b: c`.
  private static func secondColon(at mark: Mark, _ lines: YAMLLines) -> YAMLSlip? {
    let before = String(String.UnicodeScalarView(lines.text(mark.line).unicodeScalars.prefix(mark.column - 1)))
    guard before.contains(": ") else { return nil }
    return YAMLSlip(
      mark.line, "a second \": \" in one line, at column \(mark.column)",
      allowed: "quotes around a value that has a colon and a space")
  }

  private static func withoutColon(above line: Int, _ lines: YAMLLines) -> YAMLSlip? {
    lines.above(line).flatMap { withoutColon(in: $0, lines) }
  }

  /// A space that looks like one and is none to YAML, as pages and documents have it.
  private static func oddSpace(near line: Int, _ lines: YAMLLines) -> YAMLSlip? {
    for line in [lines.above(line) ?? line, line] {
      let content = lines.content(line)
      guard let place = content.firstIndex(where: { $0 == "\u{A0}" || $0 == "\u{3000}" }),
        place == content.startIndex || content[..<place].last == ":"
      else { continue }
      return YAMLSlip(
        line, "a \(content[place] == "\u{A0}" ? "no-break" : "wide") space in \"\(printable(content.prefix(60)))\"",
        allowed: "plain spaces")
    }
    return nil
  }

  /// A line that is no key with its value.
  private static func withoutColon(in line: Int, _ lines: YAMLLines) -> YAMLSlip? {
    let content = lines.content(line)
    guard !content.isEmpty, !content.contains(": "), !content.hasSuffix(":"), !content.hasPrefix("- ") else {
      return nil
    }
    let shown = "\"\(printable(content.prefix(60)))\""
    if content.contains("：") {
      return YAMLSlip(line, "\(shown), whose colon is a wide one", allowed: "a colon of ASCII and a space: KEY: VALUE")
    }
    if content.contains(":") {
      return YAMLSlip(line, "\(shown), whose colon has no space behind it", allowed: "KEY: VALUE")
    }
    return YAMLSlip(line, "\(shown), which has no colon", allowed: "a colon and a space behind each key: KEY: VALUE")
  }

  /// A line that belongs neither to the mapping above it nor to one further out.
  private static func indentation(of line: Int, _ lines: YAMLLines) -> YAMLSlip? {
    guard let above = lines.above(line), lines.indent(line) != lines.indent(above) else { return nil }
    return YAMLSlip(
      line,
      "\(spaces(lines.indent(line))) before \"\(printable(lines.content(line).prefix(30)))\", where line \(above) has "
        + "\(lines.indent(above))",
      allowed: "the same indentation for all keys of one mapping, and more only below a key without a value")
  }

  private static func spaces(_ count: Int) -> String { count == 1 ? "1 space" : "\(count) spaces" }

  private static func extra(at mark: Mark, _ lines: YAMLLines) -> YAMLSlip? {
    guard let found = lines[mark], "}],:".unicodeScalars.contains(found) else { return nil }
    if found == ":" { return YAMLSlip(mark.line, "a colon without a key", allowed: "KEY: VALUE") }
    return YAMLSlip(mark.line, "\"\(found)\" at column \(mark.column), which closes nothing", allowed: "leave it out")
  }

  private static func openQuote(in line: Int, _ lines: YAMLLines) -> YAMLSlip? {
    let content = lines.content(line).replacing("\\\"", with: "")
    let isOpen = !content.filter { $0 == "\"" }.count.isMultiple(of: 2)
    guard isOpen || (!content.contains("\"") && !content.filter { $0 == "'" }.count.isMultiple(of: 2)) else {
      return nil
    }
    return YAMLSlip(line, "a quote that is not closed", allowed: "the same quote at the end of the text")
  }

  private static func inBrackets(at mark: Mark, since start: Mark, _ lines: YAMLLines) -> YAMLSlip? {
    guard let open = lines[start], "{[".unicodeScalars.contains(open) else { return nil }
    if mark.line > start.line {
      return YAMLSlip(
        start.line, "\"\(open)\" at column \(start.column), which is not closed",
        allowed: "\"\(open == "{" ? "}" : "]")\" behind its last value, and a comma between two")
    }
    if let inner = lines[mark], "{}[]".unicodeScalars.contains(inner) {
      return YAMLSlip(
        mark.line, "\"\(inner)\" at column \(mark.column), within a value",
        allowed: "quotes around a value that has { } [ ] or a comma")
    }
    return YAMLSlip(
      mark.line, "no comma before column \(mark.column)",
      allowed: "commas between the values in brackets, and quotes around a value that has { } [ ] or a comma")
  }
}

/// The lines of a YAML text, counted from 1.
private struct YAMLLines {
  private let lines: [Substring]

  init(_ text: String) { lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline) }

  func text(_ line: Int) -> Substring { lines.indices.contains(line - 1) ? lines[line - 1] : "" }

  /// The character at a place; nil beyond the end of its line.
  subscript(_ mark: Mark) -> Unicode.Scalar? { text(mark.line).unicodeScalars.dropFirst(mark.column - 1).first }

  /// How many spaces a line begins with.
  func indent(_ line: Int) -> Int { text(line).prefix { $0 == " " }.count }

  /// A line without its indentation and its comment.
  func content(_ line: Int) -> String {
    var shown = text(line).drop { $0 == " " }
    if shown.hasPrefix("#") { return "" }
    if let comment = shown.firstRange(of: " #") { shown = shown[..<comment.lowerBound] }
    while shown.last == " " { shown.removeLast() }
    return String(shown)
  }

  /// The last line with content before another.
  func above(_ line: Int) -> Int? { (1..<max(line, 1)).last { !content($0).isEmpty } }

  /// Whether a place is where a value begins: behind a colon, a comma, a bracket, or a list's dash.
  func isValue(at mark: Mark) -> Bool {
    let before = text(mark.line).unicodeScalars.prefix(mark.column - 1).reversed().drop { $0 == " " }
    return before.first.map { ":,{[-".unicodeScalars.contains($0) } ?? false
  }

  /// The lines that have a key of the mapping that begins at a place.
  func places(of key: String, inMappingAt start: Mark) -> [Int] {
    let indent = start.column - 1
    var places: [Int] = []
    for line in start.line..<max(start.line, lines.count + 1) where !content(line).isEmpty {
      if self.indent(line) < indent { break }
      let shown = content(line)
      if self.indent(line) == indent, [key, "\"\(key)\"", "'\(key)'"].contains(where: { shown.hasPrefix("\($0):") }) {
        places.append(line)
      }
    }
    return Array(places.prefix(2))
  }
}
