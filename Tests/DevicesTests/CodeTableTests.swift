import Testing

@testable import Devices

@Suite struct CodeTableTests {
  @Test func `every line of the tables is read`() {
    #expect(CodeTables.applicationRows.count == 224)
    #expect(CodeTables.applicationRows.allSatisfy { !$0.isEmpty })
    #expect(CodeTables.applicationIdentifiers.count == 541)
    #expect(CodeTables.dataIdentifiers.count == CodeTables.rows(of: PackageResources.data_identifiers_txt).count)
    #expect(CodeTables.countries.count == 249)
    #expect(CodeTables.countryLetters.count == 249)
    #expect(CodeTables.currencies["978"] == "EUR")
    #expect(CodeTables.countries["276"] == "DE")
  }

  @Test func `the length of an identifier follows from its first two digits`() {
    for ai in CodeTables.applicationIdentifiers.keys {
      #expect(ApplicationIdentifier.length(of: Int(ai.prefix(2)) ?? -1) == ai.utf8.count, "\(ai)")
    }
  }

  @Test func `a field whose length is fixed for ever has that length in the table`() {
    for identifier in CodeTables.applicationIdentifiers.values {
      guard let length = ApplicationIdentifier.predefinedLength(of: identifier.ai) else { continue }
      #expect(identifier.minLength == length && identifier.maxLength == length, "\(identifier.ai)")
    }
  }

  @Test func `what identifiers need and exclude is in the table`() {
    let all = CodeTables.applicationIdentifiers
    func isKnown(_ pattern: String) -> Bool {
      all.keys.contains { ai in
        ai.utf8.count == pattern.utf8.count && zip(ai, pattern).allSatisfy { $0 == $1 || $1 == "n" }
      }
    }
    for identifier in all.values {
      for name in identifier.needs.flatMap({ $0 }) + identifier.excludes + (identifier.link ?? []).flatMap({ $0 }) {
        #expect(isKnown(name), "\(identifier.ai): \(name)")
      }
    }
  }

  @Test(arguments: [
    ("0950600013435", "2" as Character), ("39501101530000001", "1"), ("629104150021", "3"), ("9638507", "4"),
  ])
  func `a check digit is computed as the standard shows it`(digits: String, check: Character) {
    #expect(CheckDigits.digit(for: digits.utf8) == check.asciiValue)
  }

  @Test func `check characters are computed as the standard shows it`() {
    // The example of GS1 General Specifications, section 7.9.5.
    #expect(CheckDigits.pair(for: Array("1987654Ad4X4bL5ttr2310c".utf8)) == Array("2K".utf8))
    #expect(CheckDigits.pair(for: Array("1987654Ad4X4bL5ttr2310 ".utf8)) == nil)
    #expect(CheckDigits.pair(for: Array(repeating: 0x31, count: 24)) == nil)
  }

  @Test(arguments: [
    ("GB82WEST12345698765432", true), ("DE89370400440532013000", true), ("GB82WEST12345698765433", false),
    ("gb82WEST12345698765432", false), ("GB82", false), ("", false),
  ])
  func `an IBAN is told from what is none`(text: String, isGood: Bool) {
    #expect(CheckDigits.isIBAN(text.utf8) == isGood)
  }

  @Test(arguments: [(26, 2026), (76, 2076), (77, 1977), (99, 1999), (0, 2000), (27, 2027)])
  func `a year of two digits is in the fifty years before or after`(digits: Int, year: Int) {
    #expect(CodeDate.year(digits, now: 2026) == year)
  }

  @Test func `near the end of a century two digits reach into the next`() {
    #expect(CodeDate.year(30, now: 2080) == 2130)
    #expect(CodeDate.year(31, now: 2080) == 2031)
    #expect(CodeDate.year(99, now: 2080) == 2099)
  }

  @Test(arguments: [
    ("240229", "2024-02-29" as String?), ("230229", nil), ("000229", "2000-02-29"), ("271301", nil), ("270001", nil),
    ("270431", nil), ("270200", "2027-02-28, the month's last day"), ("27020", nil), ("27o201", nil),
  ])
  func `a day is one that there is`(digits: String, words: String?) {
    #expect(CodeDate(Array(digits.utf8), now: 2026, allowsDay0: true)?.words == words)
    if digits.hasSuffix("00") { #expect(CodeDate(Array(digits.utf8), now: 2026, allowsDay0: false) == nil) }
  }
}
