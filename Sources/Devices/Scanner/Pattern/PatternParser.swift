/// What a pattern consists of, before it becomes a program.
indirect enum PatternNode {
  case set(ScalarSet)
  /// The beginning of the text.
  case start
  /// The end of the text.
  case end
  case sequence([PatternNode])
  /// The first one that leads to a match wins.
  case alternation([PatternNode])
  /// A named group, by its number.
  case group(Int, PatternNode)
  case repetition(PatternNode, least: Int, most: Int?, greedy: Bool)

  var isAssertion: Bool {
    switch self {
    case .start, .end: true
    default: false
    }
  }
}

/// Reads a pattern; what a matcher without backtracking cannot do is refused by name.
struct PatternParser {
  private let scalars: [Unicode.Scalar]
  private var index = 0
  private var names: [String] = []

  static let longestText = 1000
  static let deepestGroup = 20
  static let largestCount = 1000

  /// Reads all of `text`; gives its top node and the names of its groups in their order.
  static func parse(_ text: String) throws(PatternFault) -> (node: PatternNode, names: [String]) {
    var parser = PatternParser(scalars: Array(text.unicodeScalars))
    guard parser.scalars.count <= longestText else {
      throw PatternFault(
        at: longestText + 1, found: "a pattern of \(parser.scalars.count) characters",
        allowed: "at most \(longestText) characters")
    }
    let node = try parser.alternation(depth: 0)
    guard parser.index == parser.scalars.count else {
      throw parser.fault(found: "\")\" without its \"(\"", allowed: "\\) for the character itself")
    }
    return (node, parser.names)
  }

  private init(scalars: [Unicode.Scalar]) { self.scalars = scalars }

  private var next: Unicode.Scalar? { index < scalars.count ? scalars[index] : nil }

  private func fault(at position: Int? = nil, found: String, allowed: String) -> PatternFault {
    PatternFault(at: (position ?? index) + 1, found: found, allowed: allowed)
  }

  /// Passes over `text` if it stands here.
  private mutating func skip(_ text: String) -> Bool {
    let wanted = Array(text.unicodeScalars)
    guard scalars[index...].starts(with: wanted) else { return false }
    index += wanted.count
    return true
  }

  private mutating func alternation(depth: Int) throws(PatternFault) -> PatternNode {
    var branches = [try sequence(depth: depth)]
    while skip("|") { branches.append(try sequence(depth: depth)) }
    return branches.count == 1 ? branches[0] : .alternation(branches)
  }

  private mutating func sequence(depth: Int) throws(PatternFault) -> PatternNode {
    var parts: [PatternNode] = []
    while let scalar = next, scalar != "|", scalar != ")" {
      let atom = try atom(depth: depth)
      parts.append(try quantified(atom))
    }
    return parts.count == 1 ? parts[0] : .sequence(parts)
  }

  private mutating func atom(depth: Int) throws(PatternFault) -> PatternNode {
    let scalar = scalars[index]
    switch scalar {
    case "(": return try group(depth: depth)
    case "[": return .set(try characterClass())
    case "\\": return .set(try escape())
    case "*", "+", "?":
      throw fault(
        found: "\"\(scalar)\" with nothing before it to repeat", allowed: "\\\(scalar) for the character itself")
    case "{": throw fault(found: "\"{\" with nothing before it to repeat", allowed: "\\{ for the character itself")
    default: break
    }
    index += 1
    switch scalar {
    case ".": return .set(.any)
    case "^": return .start
    case "$": return .end
    default: return .set(ScalarSet(scalar))
    }
  }

  // MARK: Groups

  private static let refusedGroups: [(opening: String, what: String)] = [
    ("(?=", "lookahead"), ("(?!", "negative lookahead"), ("(?<=", "lookbehind"), ("(?<!", "negative lookbehind"),
    ("(?>", "an atomic group"), ("(?#", "a comment"), ("(?(", "a condition"), ("(?|", "a branch reset"),
    ("(?P", "a group in Python's form"), ("(?'", "a group name in quotes"),
  ]

  private mutating func group(depth: Int) throws(PatternFault) -> PatternNode {
    let opening = index
    guard depth < Self.deepestGroup else {
      throw fault(found: "groups nested deeper than \(Self.deepestGroup)", allowed: "fewer groups within groups")
    }
    for (text, what) in Self.refusedGroups where skip(text) {
      throw fault(
        at: opening, found: "\(what), \"\(text)\"",
        allowed: "groups (…), (?:…) and (?<role>…); \(what) is not supported")
    }
    var number: Int?
    if skip("(?<") {
      number = try groupName()
    } else if !skip("(?:") {
      guard !skip("(?") else {
        throw fault(
          at: opening, found: "flags, \"(?\"", allowed: "groups (…), (?:…) and (?<role>…); flags are not supported")
      }
      index += 1
    }
    let inner = try alternation(depth: depth + 1)
    guard skip(")") else { throw fault(at: opening, found: "\"(\" without its \")\"", allowed: "a closing )") }
    return number.map { .group($0, inner) } ?? inner
  }

  private mutating func groupName() throws(PatternFault) -> Int {
    let begin = index
    while let scalar = next, scalar != ">" {
      guard scalar.isASCII, scalar.properties.isAlphabetic || scalar.properties.numericType != nil || scalar == "-"
      else { throw fault(found: "\"\(scalar)\" in a group's name", allowed: "letters, digits and - up to the >") }
      index += 1
    }
    let name = String(String.UnicodeScalarView(scalars[begin..<index]))
    guard skip(">") else { throw fault(at: begin, found: "a group's name without its end", allowed: "(?<role>…)") }
    guard !name.isEmpty else { throw fault(at: begin, found: "a group without a name", allowed: "(?<role>…)") }
    guard !names.contains(name) else {
      throw fault(
        at: begin, found: "a second group \"\(name)\"",
        allowed: "each name once in a pattern: put the alternatives into one group, (?<\(name)>…|…)")
    }
    names.append(name)
    return names.count - 1
  }

  // MARK: Repetition

  private mutating func quantified(_ atom: PatternNode) throws(PatternFault) -> PatternNode {
    let begin = index
    guard let (least, most) = try count() else { return atom }
    guard !atom.isAssertion else {
      throw fault(at: begin, found: "a repeated ^ or $", allowed: "^ and $ once each")
    }
    let greedy = !skip("?")
    if next == "+" { throw fault(found: "a possessive \"+\"", allowed: "*, +, ?, {n,m}, each also with ? after it") }
    let end = index
    guard try count() == nil else {
      throw fault(
        at: end, found: "a repetition of a repetition", allowed: "one of *, +, ?, {n,m}; or a group around it")
    }
    return .repetition(atom, least: least, most: most, greedy: greedy)
  }

  private mutating func count() throws(PatternFault) -> (least: Int, most: Int?)? {
    if skip("*") { return (0, nil) }
    if skip("+") { return (1, nil) }
    if skip("?") { return (0, 1) }
    let begin = index
    guard skip("{") else { return nil }
    let least = number()
    var most = least
    if skip(",") { most = number() }
    let isOpen = scalars[index - 1] == ","
    guard let least, most != nil || isOpen, skip("}") else {
      throw fault(at: begin, found: "\"{\" that begins no count", allowed: "{n}, {n,}, {n,m}, or \\{ for the character")
    }
    guard least <= Self.largestCount, most ?? 0 <= Self.largestCount else {
      throw fault(at: begin, found: "a count over \(Self.largestCount)", allowed: "counts up to \(Self.largestCount)")
    }
    guard isOpen || least <= most ?? least else {
      throw fault(at: begin, found: "a count that falls", allowed: "{n,m} with n not larger than m")
    }
    return (least, isOpen ? nil : most)
  }

  private mutating func number() -> Int? {
    var value: Int?
    while let scalar = next, ("0"..."9").contains(scalar) {
      value = min((value ?? 0) * 10 + Int(scalar.value - 0x30), 1_000_000)
      index += 1
    }
    return value
  }

  // MARK: Characters

  private mutating func characterClass() throws(PatternFault) -> ScalarSet {
    let opening = index
    index += 1
    let isNegated = skip("^")
    var set = ScalarSet([])
    var isEmpty = true
    while let scalar = next, scalar != "]" {
      if scalar == "[", index + 1 < scalars.count, [":", ".", "="].contains(scalars[index + 1]) {
        throw fault(
          found: "a named class, \"[\(scalars[index + 1])\"",
          allowed: "characters, ranges, \\d, \\w, \\s; \\[ for the character")
      }
      let begin = index
      let low = try classItem()
      isEmpty = false
      guard next == "-", index + 1 < scalars.count, scalars[index + 1] != "]" else {
        set = set.union(low)
        continue
      }
      index += 1
      let high = try classItem()
      guard let from = low.single, let to = high.single, from <= to else {
        throw fault(at: begin, found: "a range that has no order", allowed: "ranges such as A-Z; \\- for the character")
      }
      set = set.union(ScalarSet([from...to]))
    }
    guard skip("]") else { throw fault(at: opening, found: "\"[\" without its \"]\"", allowed: "a closing ]") }
    guard !isEmpty else {
      throw fault(
        at: opening, found: "an empty class", allowed: "characters between [ and ]; \\] for the character itself")
    }
    return isNegated ? set.complement : set
  }

  private mutating func classItem() throws(PatternFault) -> ScalarSet {
    if next == "\\" { return try escape() }
    index += 1
    return ScalarSet(scalars[index - 1])
  }

  private mutating func escape() throws(PatternFault) -> ScalarSet {
    let begin = index
    index += 1
    guard let scalar = next else {
      throw fault(at: begin, found: "\"\\\" at the end", allowed: "\\\\ for the character")
    }
    index += 1
    switch scalar {
    case "d": return .digits
    case "D": return ScalarSet.digits.complement
    case "w": return .word
    case "W": return ScalarSet.word.complement
    case "s": return .space
    case "S": return ScalarSet.space.complement
    case "t": return ScalarSet("\t")
    case "n": return ScalarSet("\n")
    case "r": return ScalarSet("\r")
    case "x", "u": return ScalarSet(try hexadecimal(after: begin, digits: scalar == "x" ? 2 : 4))
    case "0"..."9", "k": throw refusal(begin, "a backreference", scalar)
    case "b", "B": throw refusal(begin, "a word boundary", scalar)
    case "p", "P": throw refusal(begin, "a Unicode property", scalar)
    default: break
    }
    guard scalar.isASCII, scalar.properties.generalCategory.isMark else {
      throw refusal(begin, "an unknown escape", scalar)
    }
    return ScalarSet(scalar)
  }

  private func refusal(_ begin: Int, _ what: String, _ scalar: Unicode.Scalar) -> PatternFault {
    fault(
      at: begin, found: "\(what), \"\\\(scalar)\"",
      allowed: "\\d, \\w, \\s, \\D, \\W, \\S, \\t, \\r, \\n, \\x1D, \\u00E9, and \\ before a punctuation mark")
  }

  private mutating func hexadecimal(after begin: Int, digits: Int) throws(PatternFault) -> Unicode.Scalar {
    let text = String(String.UnicodeScalarView(scalars[index..<min(index + digits, scalars.count)]))
    guard text.count == digits, text.allSatisfy({ $0.isASCII && $0.isHexDigit }), let value = UInt32(text, radix: 16),
      let scalar = Unicode.Scalar(value)
    else {
      throw fault(
        at: begin, found: "\"\\\(scalars[begin + 1])\" without \(digits) hex digits",
        allowed: digits == 2 ? "\\x1D" : "\\u00E9, of a character")
    }
    index += digits
    return scalar
  }
}

extension Unicode.GeneralCategory {
  /// Punctuation and symbols: what may stand behind a backslash to mean itself.
  fileprivate var isMark: Bool {
    switch self {
    case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation, .initialPunctuation,
      .finalPunctuation, .otherPunctuation, .mathSymbol, .currencySymbol, .modifierSymbol, .otherSymbol,
      .spaceSeparator:
      true
    default: false
    }
  }
}
