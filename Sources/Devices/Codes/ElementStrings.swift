/// Reads GS1 element strings: identifiers and their data fields, one after the other (GS1 General Specifications,
/// sections 7.8.1 to 7.8.6).
struct ElementStrings {
  /// Part of a code; its indices are those of the whole, so that places are told in the whole.
  let bytes: ArraySlice<UInt8>
  /// The year that centuries are taken by.
  let now: Int
  /// The scanner is known to send separators: a field that reaches to the end is whole.
  let sendsSeparators: Bool
  /// The identifiers for internal use (90 to 99) that are expected: the others are not looked for behind a field.
  let internals: Set<String>
  private(set) var elements: [CodeElement] = []
  private(set) var problems: [CodeProblem] = []
  private(set) var notes: [CodeProblem] = []
  private var definitions: [ApplicationIdentifier?] = []
  /// The last field ran to the end of the code.
  private var isLastOpen = false

  static let separator: UInt8 = 0x1D

  init(_ bytes: ArraySlice<UInt8>, now: Int, sendsSeparators: Bool = false, internals: Set<String> = []) {
    self.bytes = bytes
    self.now = now
    self.sendsSeparators = sendsSeparators
    self.internals = internals
    read()
  }

  /// Whether an identifier of the standard stands at the beginning, with a field of the right length and characters: what
  /// a text that is none seldom has.
  var beginsSound: Bool {
    guard let first = elements.first, first.at == bytes.startIndex + 1, definitions[0] != nil else { return false }
    let end = first.at - 1 + first.length
    return !problems.contains { $0.at <= end + 1 && [.length, .character].contains($0.kind) }
  }

  private mutating func read() {
    var at = bytes.startIndex
    var limit = at
    while at < bytes.endIndex {
      guard bytes[at] != Self.separator else {
        at += 1
        continue
      }
      // Looked for once a separator: a code without any would otherwise be searched to its end for each element.
      if limit <= at { limit = bytes[at...].firstIndex(of: Self.separator) ?? bytes.endIndex }
      switch Self.identifier(in: bytes[at..<limit]) {
      case .success(let ai):
        let end = take(ai, at: at, limit: limit)
        isLastOpen = end == bytes.endIndex && ApplicationIdentifier.predefinedLength(of: ai) == nil
        at = end
      case .failure(let fault):
        problems.append(CodeProblem(at: at + fault.offset + 1, kind: fault.kind, message: fault.message))
        isLastOpen = false
        at = limit
      }
    }
    if bytes.isEmpty {
      problems.append(
        CodeProblem(
          at: bytes.startIndex + 1, kind: .identifier, message: "an application identifier is expected, found nothing"))
    }
    seekOtherReading()
    let together = ElementsTogether.check(&elements)
    problems += together.problems
    notes = together.notes
  }

  private static func identifier(in rest: ArraySlice<UInt8>) -> Result<String, FieldFault> {
    let found = shown(rest.prefix(4))
    guard rest.count >= 2, let first = decimal(rest.prefix(2)) else {
      let isPrinted = rest.first == 0x28
      return .failure(
        FieldFault(
          .identifier,
          "an application identifier is expected, two to four digits, found \"\(found)\""
            + (isPrinted
              ? ": the parentheses that are printed below a code are not in it; write <GS> or ^ between fields" : "")))
    }
    guard let length = ApplicationIdentifier.length(of: first) else {
      return .failure(FieldFault(.unknown, "no application identifier begins with \(two(first))"))
    }
    guard rest.count >= length, rest.prefix(length).allSatisfy(isDigit) else {
      return .failure(
        FieldFault(
          .identifier,
          "an application identifier that begins with \(two(first)) has \(length) digits, found \"\(found)\""))
    }
    return .success(shown(rest.prefix(length)))
  }

  /// Takes one element; the index behind it.
  private mutating func take(_ ai: String, at: Int, limit: Int) -> Int {
    let start = at + ai.utf8.count
    let fixed = ApplicationIdentifier.predefinedLength(of: ai)
    let end = fixed.map { min(start + $0, limit) } ?? limit
    let value = bytes[start..<end]
    let definition = CodeTables.applicationIdentifiers[ai]
    var element = CodeElement(
      .ai(ai), value: text(value), title: definition?.title ?? "", at: at + 1, length: end - at)
    if let definition {
      if let fault = definition.fault(in: value, now: now) {
        element.isDoubtful = true
        problems.append(
          CodeProblem(
            at: start + fault.offset + 1, kind: fault.kind,
            message: fault.message + otherWords(fault, definition, value)))
      } else {
        element.meaning = definition.meaning(of: value, now: now)
      }
    } else {
      element.isDoubtful = true
      problems.append(
        CodeProblem(at: at + 1, kind: .unknown, message: "(\(ai)) is not an application identifier of the standard"))
    }
    elements.append(element)
    definitions.append(definition)
    return end
  }

  /// Where a field is too long because a separator is missing: how it could go on.
  private func otherWords(_ fault: FieldFault, _ definition: ApplicationIdentifier, _ value: ArraySlice<UInt8>)
    -> String
  {
    guard fault.kind == .length, value.count > definition.maxLength else { return "" }
    guard let split = otherReading(of: value, as: definition) else { return "; is a separator, <GS>, missing?" }
    return "; is a separator, <GS>, missing before \(split.tail.map(\.description).joined())?"
  }

  // MARK: Another reading

  /// Asks of a field of variable length at the end of a code without separators whether one was swallowed.
  private mutating func seekOtherReading() {
    guard isLastOpen, !sendsSeparators, !bytes.contains(Self.separator), let index = elements.indices.last,
      !elements[index].isDoubtful, let definition = definitions[index]
    else { return }
    let end = elements[index].at - 1 + elements[index].length
    let value = bytes[(end - elements[index].value.utf8.count)..<end]
    guard let split = otherReading(of: value, as: definition) else { return }
    elements[index].isDoubtful = true
    problems.append(
      CodeProblem(
        at: split.at + 1, kind: .ambiguous,
        message:
          "\(definition.title) is \(elements[index].value), or \(text(value[..<split.at])) and then "
          + "\(split.tail.map(\.description).joined()): no separator, <GS>, says where it ends"))
  }

  /// Where `value` could end so that the rest is elements that fit to the others; the first such place.
  private func otherReading(of value: ArraySlice<UInt8>, as definition: ApplicationIdentifier) -> (
    at: Int, tail: [CodeElement]
  )? {
    let present = Set(definitions.compactMap { $0?.ai } + [definition.ai])
    let first = value.startIndex + definition.minLength
    let last = min(value.startIndex + definition.maxLength, value.endIndex - 3)
    guard first <= last else { return nil }
    for at in first...last where isDigit(value[at]) {
      guard definition.fault(in: value[..<at], now: now) == nil, let tail = tail(value[at...], beside: present)
      else { continue }
      return (at, tail)
    }
    return nil
  }

  /// The elements that `rest` is, whole, sound, and such that they may stand beside the others; nil if it is not.
  private func tail(_ rest: ArraySlice<UInt8>, beside present: Set<String>) -> [CodeElement]? {
    var all = present
    var tail: [(CodeElement, ApplicationIdentifier)] = []
    var at = rest.startIndex
    while at < rest.endIndex {
      guard case .success(let ai) = Self.identifier(in: rest[at...]),
        let definition = CodeTables.applicationIdentifiers[ai], all.insert(ai).inserted,
        definition.kind != .internal || internals.contains(ai)
      else { return nil }
      let start = at + ai.utf8.count
      let end = ApplicationIdentifier.predefinedLength(of: ai).map { start + $0 } ?? rest.endIndex
      guard end <= rest.endIndex, start < end, definition.fault(in: rest[start..<end], now: now) == nil
      else { return nil }
      tail.append((CodeElement(.ai(ai), value: text(rest[start..<end])), definition))
      at = end
    }
    guard tail.allSatisfy({ $0.1.isMet(by: all) && $0.1.enemies(in: all).isEmpty }) else { return nil }
    return tail.map(\.0)
  }

  private func text(_ bytes: ArraySlice<UInt8>) -> String { String(decoding: bytes, as: UTF8.self) }
}

extension ApplicationIdentifier {
  /// What is wrong with a data field; nil: nothing.
  func fault(in value: ArraySlice<UInt8>, now: Int) -> FieldFault? {
    guard let lengths = partLengths(of: value.count) else { return lengthFault(value) }
    var at = value.startIndex
    for (part, length) in zip(parts, lengths) where length > 0 {
      if let fault = part.fault(in: value[at..<(at + length)], of: title, now: now) {
        return FieldFault(fault.kind, at: at - value.startIndex + fault.offset, fault.message)
      }
      at += length
    }
    return nil
  }

  private func lengthFault(_ value: ArraySlice<UInt8>) -> FieldFault {
    let what = parts.allSatisfy { $0.characters == .digits } ? "digit" : "character"
    let allowed = minLength == maxLength ? counted(maxLength, what) : "\(minLength) to \(counted(maxLength, what))"
    return FieldFault(
      .length, at: min(value.count, maxLength), "\(title) has \(allowed), found \(value.count)")
  }
}
