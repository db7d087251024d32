import ArgumentParser

/// The help of one command, taken apart: for the manual.
struct HelpPage {
  /// The command with those above it: `lotline edge run`.
  let words: [String]
  private(set) var abstract = ""
  /// Paragraphs.
  private(set) var discussion: [String] = []
  private(set) var examples: [String] = []
  private(set) var usage: [String] = []
  /// Arguments, options and subcommands.
  private(set) var sections: [Section] = []

  struct Section {
    let title: String
    var items: [(label: String, text: String)] = []
  }

  /// Wide enough that no line of a help is folded.
  private static let columns = 4000

  init(_ words: [String], _ command: any ParsableCommand.Type) {
    self.words = words
    var part = Part.none
    for line in Lotline.helpMessage(for: command, includeHidden: false, columns: Self.columns)
      .split(separator: "\n", omittingEmptySubsequences: false)
    {
      part = take(String(line), part)
    }
  }

  private enum Part { case none, overview, examples, usage, items }

  private mutating func take(_ line: String, _ part: Part) -> Part {
    if line.hasPrefix("OVERVIEW: ") {
      abstract = String(line.dropFirst(10))
      return .overview
    }
    if line.hasPrefix("USAGE: ") {
      usage.append(String(line.dropFirst(7)))
      return .usage
    }
    if line == "EXAMPLES" { return .examples }
    if line.hasSuffix(":"), !line.hasPrefix(" "), part != .overview {
      sections.append(Section(title: String(line.dropLast())))
      return .items
    }
    let text = line.drop { $0 == " " }
    guard !text.isEmpty else { return part }
    switch part {
    case .none: break
    case .overview: discussion.append(String(text))
    case .examples: examples.append(String(text))
    case .usage: usage.append(String(text))
    case .items: item(line, text)
    }
    return part
  }

  private mutating func item(_ line: String, _ text: Substring) {
    guard !sections.isEmpty, !text.hasPrefix("See '") else { return }
    let last = sections.count - 1
    guard line.hasPrefix("  "), !line.hasPrefix("   ") else {
      guard let item = sections[last].items.indices.last else { return }
      let before = sections[last].items[item].text
      sections[last].items[item].text = before.isEmpty ? String(text) : before + " " + text
      return
    }
    if let gap = text.firstRange(of: "  ") {
      sections[last].items.append((String(text[..<gap.lowerBound]), String(text[gap.lowerBound...].drop { $0 == " " })))
    } else {
      sections[last].items.append((String(text), ""))
    }
  }

  // MARK: As a page of the manual

  /// In the macros of man(7).
  func manual(version: String, date: String) -> String {
    let name = words.joined(separator: "-")
    var lines = [
      ".TH \(name.uppercased()) 1 \(date) \"Lotline \(version)\" \"Lotline\"", ".SH NAME",
      "\(Self.escaped(name)) \\- \(Self.escaped(abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract))",
      ".SH SYNOPSIS",
    ]
    lines.append(usage.map { ".B \"\(Self.escaped($0).replacing("\"", with: "\\(dq"))\"" }.joined(separator: "\n.br\n"))
    if !discussion.isEmpty {
      lines.append(".SH DESCRIPTION")
      lines.append(discussion.map(Self.escaped).joined(separator: "\n.PP\n"))
    }
    for section in sections where !section.items.isEmpty {
      lines.append(".SH \(Self.escaped(section.title))")
      for item in section.items {
        lines += [".TP", ".B \"\(Self.escaped(item.label).replacing("\"", with: "\\(dq"))\""]
        lines.append(item.text.isEmpty ? "\\&" : Self.escaped(item.text))
      }
    }
    if !examples.isEmpty {
      lines += [".SH EXAMPLES", ".nf"] + examples.map(Self.escaped) + [".fi"]
    }
    if words.count > 1 { lines += [".SH SEE ALSO", ".BR lotline (1)"] }
    return lines.joined(separator: "\n") + "\n"
  }

  /// Text that roff takes as it is: no macro, no escape, hyphens that can be copied, all in ASCII.
  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\\": escaped += "\\e"
      case "-": escaped += "\\-"
      case "'": escaped += "\\(aq"
      case "^": escaped += "\\(ha"
      case "~": escaped += "\\(ti"
      case "`": escaped += "\\(ga"
      case _ where scalar.isASCII: escaped.unicodeScalars.append(scalar)
      default:
        let digits = String(scalar.value, radix: 16, uppercase: true)
        escaped += "\\[u\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)]"
      }
    }
    return escaped.hasPrefix(".") ? "\\&" + escaped : escaped
  }
}
