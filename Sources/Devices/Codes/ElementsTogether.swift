/// What the standard says of elements beside each other (GS1 General Specifications, section 4.13).
enum ElementsTogether {
  /// Marks the elements that contradict each other; what is missing beside them is a note, since the standard asks it
  /// of all codes of an item together.
  static func check(_ elements: inout [CodeElement]) -> (problems: [CodeProblem], notes: [CodeProblem]) {
    var problems: [CodeProblem] = []
    var notes: [CodeProblem] = []
    var values: [String: String] = [:]
    let present = Set(elements.map(\.identifier.text))
    for (index, element) in elements.enumerated() {
      let ai = element.identifier.text
      if let value = values[ai], value != element.value {
        elements[index].isDoubtful = true
        problems.append(
          CodeProblem(
            at: element.at, kind: .repeated, message: "(\(ai)) is there twice, as \(value) and as \(element.value)"))
      }
      values[ai] = values[ai] ?? element.value
      guard let definition = CodeTables.applicationIdentifiers[ai] else { continue }
      if let enemy = definition.enemies(in: present).first {
        elements[index].isDoubtful = true
        problems.append(
          CodeProblem(
            at: element.at, kind: .pair, message: "\(definition.title), (\(ai)), may not stand beside (\(enemy))"))
      }
      guard !definition.isMet(by: present) else { continue }
      notes.append(
        CodeProblem(
          at: element.at, kind: .pair,
          message: "\(definition.title), (\(ai)), belongs to \(definition.needWords), on the same item"))
    }
    return (problems, notes)
  }
}

extension ApplicationIdentifier {
  /// Whether what it needs is among `present`.
  func isMet(by present: Set<String>) -> Bool {
    needs.isEmpty || needs.contains { $0.allSatisfy { pattern in present.contains { matches(pattern, $0) } } }
  }

  /// Which of `present` it must not stand beside.
  func enemies(in present: Set<String>) -> [String] {
    present.filter { other in other != ai && excludes.contains { matches($0, other) } }.sorted()
  }

  /// `(01), (02) or (8006)`.
  var needWords: String {
    let words = needs.map { $0.map { "(\($0))" }.joined(separator: " with ") }
    return words.count < 2 ? words.joined() : words.dropLast().joined(separator: ", ") + " or " + words[words.count - 1]
  }

  /// `310n` is any of 3100 to 3109.
  private func matches(_ pattern: String, _ ai: String) -> Bool {
    pattern.utf8.count == ai.utf8.count && zip(pattern.utf8, ai.utf8).allSatisfy { $0 == $1 || $0 == UInt8(ascii: "n") }
  }
}
