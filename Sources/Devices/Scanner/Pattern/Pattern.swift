/// A regular expression whose named groups are roles, matched in linear time.
///
/// It knows literals, `.`, classes, `\d \w \s` (ASCII), `^ $` (begin and end of the text), groups,
/// alternation, `* + ? {n,m}` and their lazy forms. What would need backtracking is refused by name. Where
/// several ways match, the one that a backtracking matcher finds first wins, but for one case: a turn of a
/// loop that takes no character is passed over, so that `(|a)*` takes every `a`.
struct Pattern: Sendable {
  /// As it was written.
  let text: String
  /// The names of its groups, in their order.
  let groups: [String]
  let program: PatternProgram

  init(_ text: String) throws(PatternFault) {
    let (node, names) = try PatternParser.parse(text)
    self.text = text
    groups = names
    program = try PatternProgram(node, groupCount: names.count)
  }

  /// A named group that took part in a match.
  struct Group: Sendable, Hashable {
    let name: String
    let value: String
  }

  /// The groups of the first match in `text`, in the pattern's order; nil if it does not match anywhere.
  func match(_ text: String) -> [Group]? {
    let scalars = Array(text.unicodeScalars)
    var machine = PatternMachine(program, text: scalars)
    guard let places = machine.run() else { return nil }
    return groups.indices.compactMap { number in
      let (begin, end) = (places[2 * number], places[2 * number + 1])
      guard begin >= 0, end >= begin else { return nil }
      return Group(name: groups[number], value: String(String.UnicodeScalarView(scalars[begin..<end])))
    }
  }
}
