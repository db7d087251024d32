/// The tables of the standards, read once from the data that is built into the program.
enum CodeTables {
  /// By identifier.
  static let applicationIdentifiers: [String: ApplicationIdentifier] = Dictionary(
    applicationRows.flatMap { $0 }.map { ($0.ai, $0) }, uniquingKeysWith: { first, _ in first })

  /// By identifier.
  static let dataIdentifiers: [String: DataIdentifier] = Dictionary(
    rows(of: PackageResources.data_identifiers_txt).compactMap { DataIdentifier(columns: $0) }.map { ($0.di, $0) },
    uniquingKeysWith: { first, _ in first })

  /// ISO 3166-1, number to two letters.
  static let countries = codes("country")
  /// ISO 3166-1, the two letters.
  static let countryLetters = Set(countries.values)
  /// ISO 4217, number to three letters.
  static let currencies = codes("currency")

  /// The identifiers of one line of the table are one item.
  static let applicationRows: [[ApplicationIdentifier]] = rows(of: PackageResources.application_identifiers_txt).map {
    ApplicationIdentifier.read(columns: $0)
  }

  /// The lines of a table that are no comments, in columns.
  static func rows(of bytes: [UInt8]) -> [[String]] {
    String(decoding: bytes, as: UTF8.self).split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
      line.split(separator: "|", omittingEmptySubsequences: false).map { String($0).trimmed }
    }
  }

  private static func codes(_ kind: String) -> [String: String] {
    var codes: [String: String] = [:]
    for row in rows(of: PackageResources.iso_codes_txt) {
      let words = row[0].split(separator: " ")
      guard words.first.map(String.init) == kind else { continue }
      for word in words.dropFirst() { codes[String(word.prefix(3))] = String(word.dropFirst(3)) }
    }
    return codes
  }
}

extension String {
  fileprivate var trimmed: String {
    String(drop { $0 == " " }.reversed().drop { $0 == " " }.reversed())
  }
}

extension ApplicationIdentifier {
  /// Reads one line of the table; empty where it cannot be read (a test holds the table against that).
  fileprivate static func read(columns: [String]) -> [ApplicationIdentifier] {
    guard columns.count >= 3 else { return [] }
    let ends = columns[0].split(separator: "-").map(String.init)
    guard let first = Int(ends[0]), let last = Int(ends[ends.count - 1]), first <= last else { return [] }
    let parts = columns[1].split(separator: " ").map { FieldPart(String($0)) }
    guard !parts.isEmpty, !parts.contains(nil) else { return [] }
    let words = columns.count > 3 ? columns[3].split(separator: " ").map(String.init) : []
    guard let rules = Rules(words) else { return [] }
    return (first...last).map { number in
      let digits = String(number)
      let ai = String(repeating: "0", count: max(0, ends[0].utf8.count - digits.utf8.count)) + digits
      return ApplicationIdentifier(
        ai: ai, title: columns[2], parts: parts.compactMap { $0 }, kind: rules.kind, scope: rules.scope,
        needs: rules.needs, excludes: rules.excludes, link: rules.link, isAttribute: rules.isAttribute,
        decimals: rules.hasDecimals ? Int(ai.suffix(1)) : nil, unit: rules.unit)
    }
  }

  /// The words after the title.
  private struct Rules {
    var kind: CodeKind?
    var scope: CodeScope?
    var needs: [[String]] = []
    var excludes: [String] = []
    var link: [[String]]?
    var isAttribute = true
    var hasDecimals = false
    var unit: String?

    init?(_ words: [String]) {
      for word in words {
        let parts = word.split(separator: ":", maxSplits: 1).map(String.init)
        let rest = parts.count > 1 ? parts[1] : ""
        switch parts[0] {
        case "class":
          guard let kind = CodeKind(rawValue: rest) else { return nil }
          self.kind = kind
        case "within":
          guard let scope = CodeScope(rawValue: rest) else { return nil }
          self.scope = scope
        case "needs": needs = rest.split(separator: ",").map { $0.split(separator: "+").map(String.init) }
        case "not": excludes = rest.split(separator: ",").map(String.init)
        case "link": link = rest.split(separator: "/").map { $0.split(separator: ",").map(String.init) }
        case "path-only": isAttribute = false
        case "decimals": hasDecimals = true
        case "unit": unit = rest
        default: return nil
        }
      }
    }
  }
}

extension FieldPart {
  /// Reads `N6:date`, `X..20` or `[N4:time]`.
  fileprivate init?(_ text: String) {
    let isOptional = text.hasPrefix("[") && text.hasSuffix("]")
    let words = (isOptional ? text.dropFirst().dropLast() : text[...]).split(separator: ":").map(String.init)
    guard let head = words.first, let first = head.first, let characters = Characters(rawValue: first) else {
      return nil
    }
    let isVariable = head.dropFirst().hasPrefix("..")
    guard let length = Int(head.dropFirst(isVariable ? 3 : 1)), length > 0 else { return nil }
    let rule = words.count > 1 ? FieldRule(rawValue: words[1]) : nil
    guard words.count < 2 || rule != nil else { return nil }
    self.init(
      characters: characters, lengths: (isVariable ? 1 : length)...length, isOptional: isOptional, rule: rule)
  }
}
