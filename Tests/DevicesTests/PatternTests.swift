import Testing

@testable import Devices

@Suite struct PatternTests {
  private func groups(_ pattern: String, _ text: String) throws -> [String: String]? {
    try Pattern(pattern).match(text).map { Dictionary(uniqueKeysWithValues: $0.map { ($0.name, $0.value) }) }
  }

  private func matches(_ pattern: String, _ text: String) throws -> Bool { try Pattern(pattern).match(text) != nil }

  @Test(
    arguments: [
      ("^OP-(?<operator>[0-9]{4})$", "OP-1234", ["operator": "1234"]),
      ("^CMD:(?<command>END-LOT|LOGOUT|SCRAP|REWORK)$", "CMD:LOGOUT", ["command": "LOGOUT"]),
      ("^(?<no-read>NOREAD)$", "NOREAD", ["no-read": "NOREAD"]),
      ("^(?<lot>[A-Z]\\d+)/(?<unit>\\w+)$", "L2311/SN_42", ["lot": "L2311", "unit": "SN_42"]),
      ("(?<unit>SN\\d+)", "xx SN0042 yy", ["unit": "SN0042"]),
      ("^(?<lot>a+)(?<unit>a*)$", "aaaa", ["lot": "aaaa", "unit": ""]),
      ("^(?<lot>a+?)(?<unit>a*)$", "aaaa", ["lot": "a", "unit": "aaa"]),
      ("^(?<lot>a|ab)(?<unit>c|bcd)?", "abcd", ["lot": "a", "unit": "bcd"]),
      ("^(?:U(?<unit>\\d+)|L(?<lot>\\d+))$", "L7", ["lot": "7"]),
      ("^(?<lot>[^;]*);(?<unit>.*)$", "Ä-7;ü\u{1D}漢", ["lot": "Ä-7", "unit": "ü\u{1D}漢"]),
      ("^(?<lot>(?:ab){2,3})", "abababab", ["lot": "ababab"]),
      ("^(?<lot>(?:ab){2,3}?)", "abababab", ["lot": "abab"]),
      ("^(?<lot>x{2})(?<unit>x{1,})$", "xxxxx", ["lot": "xx", "unit": "xxx"]),
      ("^(?<lot>(?:a*)*)$", "aaa", ["lot": "aaa"]),
      ("^\\](?<unit>[\\]\\-a^]+)$", "]-a]^", ["unit": "-a]^"]),
      ("^(?<unit>[+\\x1D\\u00E9-]+)$", "+\u{1D}é-", ["unit": "+\u{1D}é-"]),
    ] as [(String, String, [String: String])])
  func `a named group holds what a backtracking matcher would find`(
    pattern: String, text: String, expected: [String: String]
  ) throws {
    #expect(try groups(pattern, text) == expected)
  }

  @Test(arguments: [
    ("^OP-[0-9]{4}$", "OP-12345"), ("^OP-[0-9]{4}$", "xOP-1234"), ("^a$", "a\n"), ("[^a]", "aaa"), ("\\d", "٣"),
    ("^\\s$", "\u{A0}"), ("a{3}", "aa"), ("^(a|b)*c$", "abab"), ("\\D\\W\\S", "1a "),
  ])
  func `a pattern does not match what it does not say`(pattern: String, text: String) throws {
    #expect(try !matches(pattern, text))
  }

  @Test func `an empty pattern matches everything and a dot matches any character`() throws {
    #expect(try matches("", ""))
    #expect(try matches("^.$", "\n"))
    #expect(try matches("^[\\D]$", "x"))
    #expect(try matches("^[^\\D]$", "7"))
  }

  @Test(
    arguments: [
      ("(?=a)b", 1, "lookahead, \"(?=\""), ("a(?!b)", 2, "negative lookahead, \"(?!\""),
      ("(?<=a)b", 1, "lookbehind, \"(?<=\""), ("x(?<!a)b", 2, "negative lookbehind, \"(?<!\""),
      ("(?>a+)", 1, "an atomic group, \"(?>\""), ("(?i)abc", 1, "flags, \"(?\""),
      ("(?P<unit>a)", 1, "a group in Python's form, \"(?P\""), ("(a)\\1", 4, "a backreference, \"\\1\""),
      ("(?<lot>a)\\k<lot>", 10, "a backreference, \"\\k\""), ("\\bA", 1, "a word boundary, \"\\b\""),
      ("\\p{L}", 1, "a Unicode property, \"\\p\""), ("a\\q", 2, "an unknown escape, \"\\q\""),
      ("a\\", 2, "\"\\\" at the end"), ("a++", 3, "a possessive \"+\""), ("a**", 3, "a repetition of a repetition"),
      ("a{2}{3}", 5, "a repetition of a repetition"), ("*a", 1, "\"*\" with nothing before it to repeat"),
      ("{2}", 1, "\"{\" with nothing before it to repeat"), ("a{x}", 2, "\"{\" that begins no count"),
      ("a{,3}", 2, "\"{\" that begins no count"), ("a{3,2}", 2, "a count that falls"),
      ("a{1001}", 2, "a count over 1000"), ("a{99999999999999999999}", 2, "a count over 1000"),
      ("^*", 2, "a repeated ^ or $"), ("(ab", 1, "\"(\" without its \")\""), ("ab)", 3, "\")\" without its \"(\""),
      ("[ab", 1, "\"[\" without its \"]\""), ("x[]", 2, "an empty class"), ("[z-a]", 2, "a range that has no order"),
      ("[\\d-z]", 2, "a range that has no order"), ("[[:alpha:]]", 2, "a named class, \"[:\""),
      ("(?<>a)", 4, "a group without a name"), ("(?<lot", 4, "a group's name without its end"),
      ("(?<l t>a)", 5, "\" \" in a group's name"), ("(?<lot>a)|(?<lot>b)", 14, "a second group \"lot\""),
      ("\\x1", 1, "\"\\x\" without 2 hex digits"), ("\\uD800", 1, "\"\\u\" without 4 hex digits"),
      ("(?:a{1000}){1000}", 1, "a pattern that takes more than 2000 steps"),
      (String(repeating: "(", count: 30), 21, "groups nested deeper than 20"),
      (String(repeating: "a", count: 1001), 1001, "a pattern of 1001 characters"),
    ] as [(String, Int, String)])
  func `what it cannot do is refused by name and place`(pattern: String, position: Int, found: String) {
    let fault = #expect(throws: PatternFault.self) { try Pattern(pattern) }
    #expect(fault?.position == position)
    #expect(fault?.found == found)
    #expect(fault?.allowed.isEmpty == false)
  }

  @Test func `a second group of a name says how to write it`() {
    let fault = #expect(throws: PatternFault.self) { try Pattern("(?<lot>a)|(?<lot>b)") }
    #expect(
      fault?.description == "character 14: found a second group \"lot\"; allowed: each name once in a pattern: "
        + "put the alternatives into one group, (?<lot>…|…)")
  }

  @Test func `counts of nothing cost nothing`() throws {
    #expect(try Pattern("(?:(?:(?:){1000}){1000}){1000}").program.steps.count == 1)
  }

  @Test(
    arguments: [
      "(a+)+$", "^(?<unit>(a|a)*)*$", "(a*)*b", "^(a?){60}a{60}$", "(x+x+)+y", "^([a-zA-Z]+)*$", "(.*)*(.*)*(.*)*=",
    ], [64, 4096])
  func `no pattern and no text takes more than length times steps`(written: String, length: Int) throws {
    let pattern = try Pattern(written)
    let text = Array((String(repeating: "a", count: length) + "!").unicodeScalars)
    var machine = PatternMachine(pattern.program, text: text)
    #expect(machine.run() == nil)
    #expect(machine.visits <= pattern.program.steps.count * (text.count + 1))
    #expect(machine.visits > length)
  }

  @Test func `it finds what the standard library's matcher finds`() throws {
    // Random patterns of a small language; Swift's Regex backtracks, but texts of this size do not hurt it.
    var random = Seeded(seed: 20_261_124)
    for _ in 0..<400 {
      let pattern = random.pattern(depth: 3).text
      let text = String((0..<Int.random(in: 0...8, using: &random)).map { _ in "abc".randomElement(using: &random)! })
      let reference = try Regex("(?<unit>\(pattern))", as: AnyRegexOutput.self)
      let expected = text.firstMatch(of: reference).map { String($0.output[1].substring ?? "") }
      #expect(try groups("(?<unit>\(pattern))", text)?["unit"] == expected, "\(pattern) on \(text)")
    }
  }
}

/// A random source that gives the same numbers in each run (SplitMix64).
struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }

  /// A random pattern, and whether it can match nothing; what can is not repeated (see `Pattern`).
  mutating func pattern(depth: Int) -> (text: String, isNullable: Bool) {
    var atom: (text: String, isNullable: Bool)
    switch Int.random(in: 0..<(depth > 0 ? 7 : 4), using: &self) {
    case 0, 1: atom = (["a", "b", "c"].randomElement(using: &self)!, false)
    case 2: atom = (".", false)
    case 3: atom = (["[ab]", "[^a]", "[b-c]"].randomElement(using: &self)!, false)
    case 4:
      let (first, second) = (pattern(depth: depth - 1), pattern(depth: depth - 1))
      atom = ("(?:\(first.text)|\(second.text))", first.isNullable || second.isNullable)
    default:
      let (first, second) = (pattern(depth: depth - 1), pattern(depth: depth - 1))
      atom = ("(?:\(first.text)\(second.text))", first.isNullable && second.isNullable)
    }
    guard !atom.isNullable else { return atom }
    let count = ["", "", "", "*", "+", "?", "*?", "{1,2}", "{2}"].randomElement(using: &self)!
    return (atom.text + count, ["*", "?", "*?"].contains(count))
  }
}
