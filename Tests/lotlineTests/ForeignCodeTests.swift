import Events
import Foundation
import TestParts
import Testing

@testable import Devices
@testable import lotline

/// Element strings as we read them and as biip, a parser of GS1 codes that others wrote, reads them.
@Suite(.enabled(if: Program.hasPython, "needs .parts/venv with biip: make test makes it"), .timeLimit(minutes: 5))
struct ForeignCodeTests {
  @Test func `ten thousand codes, sound and damaged, are read alike, or differ by a rule of the specification`()
    async throws
  {
    let folder = try ScratchFolder()
    var codes = RandomCodes(seed: 20_261_124)
    let drawn = (0..<10_000).map { _ in codes.next() }
    try folder.write("ours", drawn.map { hex(Array("]d2".utf8) + $0) + "\n" }.joined())
    try folder.write("theirs", drawn.map { hex($0) + "\n" }.joined())
    let ours = try await Program.run(
      "/bin/sh", ["-c", "'\(Program.lotline)' explain - --hex --json < '\(folder.file("ours"))'"], in: folder,
      within: .seconds(120))
    #expect(ours.status == 1, "\(ours.messages)")
    let theirs = try await Program.run(
      Program.python, [Program.tree + "/Tests/foreign/gs1_opinion.py", folder.file("theirs")], in: folder,
      within: .seconds(120))
    #expect(theirs.status == 0, "\(theirs.messages)")
    let ourLines = ours.output.split(separator: "\n").compactMap { JSON(Array($0.utf8)) }
    let theirLines = theirs.output.split(separator: "\n").compactMap { JSON(Array($0.utf8)) }
    try #require(ourLines.count == drawn.count && theirLines.count == drawn.count)

    var agreed = (sound: 0, wrong: 0)
    var reasons: [String: Int] = [:]
    for (code, (our, their)) in zip(drawn, zip(ourLines, theirLines)) {
      let opinions = Opinions(our, their)
      if opinions.areAlike {
        if opinions.ourProblems.isEmpty { agreed.sound += 1 } else { agreed.wrong += 1 }
      } else if let reason = Difference.allCases.first(where: { $0.explains(opinions) }) {
        reasons[reason.rawValue, default: 0] += 1
      } else {
        Issue.record("\(String(decoding: code, as: UTF8.self).debugDescription): ours \(our), theirs \(their)")
      }
    }
    #expect(agreed.sound > 2000 && agreed.wrong > 1000, "\(agreed), \(reasons)")
  }
}

/// What both say of one code.
private struct Opinions {
  let ourElements: [[String]]
  let theirElements: [[String]]
  /// Kinds of problems, with the identifier that each is about.
  let ourProblems: [(kind: String, ai: String)]
  let theirComplaint: String?

  init(_ our: JSON, _ their: JSON) {
    let elements = our["elements"]?.items ?? []
    ourElements = elements.map { [$0["ai"]?.text ?? "", $0["value"]?.text ?? ""] }
    theirElements = (their["elements"]?.items ?? []).map { ($0.items ?? []).map { $0.text ?? "" } }
    ourProblems = (our["problems"]?.items ?? []).map { problem in
      let at = problem["at"]?.whole ?? 0
      let owner = elements.last { ($0["at"]?.whole ?? 0) <= at }
      return (problem["kind"]?.text ?? "", owner?["ai"]?.text ?? "")
    }
    theirComplaint = their["wrong"]?.text
  }

  /// Both find nothing wrong and read the same, or both find something wrong.
  var areAlike: Bool {
    guard ourProblems.isEmpty else { return theirComplaint != nil }
    return theirComplaint == nil && ourElements == theirElements
  }
}

/// Where the two differ, and what the GS1 General Specifications (or the standard that they name) say.
private enum Difference: String, CaseIterable {
  /// Section 7.8.6.3: a field that is not of predefined length "shall be terminated by a separator character" unless it
  /// is the last. Without any separator in the code we cannot know whether one was swallowed, and say so; biip reads on
  /// to the end.
  case ambiguous
  /// Section 7.8.5: data characters are taken up to the separator; what is longer than the field is an error. biip takes
  /// as many as the field may have, and reads the rest as another element.
  case missingSeparator = "missing separator"
  /// Section 4.13.1, invalid pairs, and 4.13: the same identifier with two values. biip looks at each element alone.
  case pair
  /// Section 7.9: the check digit of each key, and the check characters of 8013 and 8014 (7.9.5). biip checks those of
  /// 00 to 03 and 410 to 417.
  case checkDigit = "check digit"
  /// Sections 3.4 to 3.8: day 00 is for 11 to 17, 4324 and 4325 alone. biip takes it anywhere.
  case day00 = "day 00"
  /// Sections 3.5.2, 3.6.7 and others: numbers and letters of countries (ISO 3166) and currencies (ISO 4217).
  case isoCode = "ISO code"
  /// The contents of single fields (times, zero, winding, pieces, IBAN, percent-encoding, company prefix and others),
  /// section 3.
  case content
  /// Section 3.8.9: 7007 may be two days, a range. biip takes the second for hours and minutes.
  case harvestRange = "harvest range"
  /// Section 3.2: 30 and 7004 have at least one digit. biip takes none.
  case noDigit = "no digit"
  /// Section 7.11, the file-safe and URI-safe set of base64: `=` is of it. biip ends 8030 there.
  case base64Padding = "padding of base64"

  func explains(_ opinions: Opinions) -> Bool {
    let kinds = Set(opinions.ourProblems.map(\.kind))
    let isOnlyOurs = opinions.theirComplaint == nil
    switch self {
    case .ambiguous: return isOnlyOurs && kinds == ["ambiguous"] && opinions.ourElements == opinions.theirElements
    case .missingSeparator: return isOnlyOurs && kinds.contains("length")
    case .pair: return isOnlyOurs && !kinds.isDisjoint(with: ["pair", "repeated"])
    case .checkDigit:
      return isOnlyOurs
        && opinions.ourProblems.contains { problem in
          problem.kind == "check-digit" && !["00", "01", "02", "03"].contains(problem.ai) && !problem.ai.hasPrefix("41")
        }
    case .day00:
      return isOnlyOurs
        && opinions.ourProblems.contains { $0.kind == "date" && !["11", "12", "13", "15", "16", "17"].contains($0.ai) }
    case .isoCode: return isOnlyOurs && !kinds.isDisjoint(with: ["country", "currency"])
    case .content: return isOnlyOurs && !kinds.isDisjoint(with: ["value", "time"])
    case .harvestRange:
      return kinds.isEmpty && opinions.ourElements.contains { $0[0] == "7007" && $0[1].utf8.count == 12 }
    case .base64Padding:
      return kinds.isEmpty && opinions.ourElements.contains { $0[0] == "8030" && $0[1].contains("=") }
    case .noDigit:
      return isOnlyOurs && opinions.ourProblems.contains { $0.kind == "length" && ["30", "7004"].contains($0.ai) }
    }
  }
}

/// Draws element strings from the table of application identifiers, three of ten damaged.
private struct RandomCodes {
  private var numbers: SeededNumbers
  private let identifiers = CodeTables.applicationIdentifiers.values.sorted { $0.ai < $1.ai }
  private let common = ["01", "10", "21", "17", "11", "00", "02", "37", "30", "3103", "240", "400"]

  init(seed: UInt64) { numbers = SeededNumbers(seed: seed) }

  mutating func next() -> [UInt8] {
    var bytes: [UInt8] = []
    var present: Set<String> = []
    let count = Int.random(in: 1...4, using: &numbers)
    for index in 0..<count {
      let identifier = draw()
      // Pairs that the standard forbids come of damage, seldom of chance.
      guard present.insert(identifier.ai).inserted, identifier.enemies(in: present).isEmpty else { continue }
      bytes += Array(identifier.ai.utf8)
      for part in identifier.parts where !part.isOptional || Bool.random(using: &numbers) { bytes += value(of: part) }
      if !identifier.isPredefined, index < count - 1 || Int.random(in: 0..<4, using: &numbers) == 0 {
        bytes.append(0x1D)
      }
    }
    guard Int.random(in: 0..<10, using: &numbers) < 3, !bytes.isEmpty else { return bytes }
    return damaged(bytes)
  }

  private mutating func draw() -> ApplicationIdentifier {
    if Bool.random(using: &numbers), let ai = common.randomElement(using: &numbers),
      let found = CodeTables.applicationIdentifiers[ai]
    {
      return found
    }
    return identifiers[Int.random(in: 0..<identifiers.count, using: &numbers)]
  }

  private mutating func damaged(_ code: [UInt8]) -> [UInt8] {
    var bytes = code
    let at = Int.random(in: 0..<bytes.count, using: &numbers)
    switch Int.random(in: 0..<5, using: &numbers) {
    case 0: bytes[at] = UInt8.random(in: 0x21...0x7E, using: &numbers)
    case 1: bytes.remove(at: at)
    case 2: bytes.insert(UInt8.random(in: 0x30...0x39, using: &numbers), at: at)
    case 3: bytes.removeSubrange(at...)
    default: bytes.removeAll { $0 == 0x1D }
    }
    return bytes.isEmpty ? code : bytes
  }

  private mutating func value(of part: FieldPart) -> [UInt8] {
    let length = Int.random(in: part.lengths, using: &numbers)
    switch part.rule {
    case .check?:
      let body = digits(length - 1)
      return body + [CheckDigits.digit(for: body)]
    case .checkPair?, .checkPairLetter?:
      let body = digits(4) + text(part, max(1, length - 6)) + [0x41]
      return body + (CheckDigits.pair(for: body) ?? [])
    case .prefix?: return digits(min(4, length)) + text(part, max(1, length - 4))
    case .date?, .date0?: return date(allows0: part.rule == .date0)
    case .fullDate?: return Array("20".utf8) + date(allows0: false)
    case .time?, .timeOr9999?: return two(0...23) + two(0...59)
    case .hour?: return two(0...23)
    case .minute?, .second?: return two(0...59)
    case .country?, .countryOr999?:
      return Array((CodeTables.countries.keys.sorted().randomElement(using: &numbers) ?? "").utf8)
    case .country2?: return Array((CodeTables.countryLetters.sorted().randomElement(using: &numbers) ?? "").utf8)
    case .currency?: return Array((CodeTables.currencies.keys.sorted().randomElement(using: &numbers) ?? "").utf8)
    case .zero?, .sex?, .winding?, .yesNo?: return [0x30]
    case .nonzero?: return [0x31] + digits(length - 1)
    case .noLeadingZero?: return [0x31] + digits(length - 1)
    case .piece?: return Array("0102".utf8)
    case .media?: return two(1...10)
    case .latitude?: return Array("0".utf8) + digits(9)
    case .longitude?: return Array("1".utf8) + digits(9)
    case .minus?: return [0x2D]
    case .of?: return Array("1/2".utf8)
    case .iban?: return Array("GB82WEST12345698765432".utf8)
    case .importer?, .percent?, nil: return text(part, length).map { $0 == 0x25 ? 0x41 : $0 }
    }
  }

  private mutating func digits(_ count: Int) -> [UInt8] {
    (0..<max(0, count)).map { _ in UInt8.random(in: 0x30...0x39, using: &numbers) }
  }

  private mutating func text(_ part: FieldPart, _ count: Int) -> [UInt8] {
    guard part.characters != .digits else { return digits(count) }
    // Mostly letters: a text of digits alone is ambiguous more often than not.
    let letters = (0x21...0x7E).map { UInt8($0) }.filter { part.characters.contains($0) }
    return (0..<count).map { _ in
      Int.random(in: 0..<3, using: &numbers) > 0
        ? UInt8.random(in: 0x41...0x5A, using: &numbers) : letters[Int.random(in: 0..<letters.count, using: &numbers)]
    }
  }

  private mutating func two(_ range: ClosedRange<Int>) -> [UInt8] {
    let number = Int.random(in: range, using: &numbers)
    return [0x30 + UInt8(number / 10), 0x30 + UInt8(number % 10)]
  }

  private mutating func date(allows0: Bool) -> [UInt8] {
    two(20...35) + two(1...12) + (allows0 && Int.random(in: 0..<4, using: &numbers) == 0 ? [0x30, 0x30] : two(1...28))
  }
}
