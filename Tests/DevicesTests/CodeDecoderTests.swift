import Glibc
import TestParts
import Testing

@testable import Devices

/// A code, and what is said of it, in one line each.
struct CodeCase: Sendable, CustomTestStringConvertible {
  let code: String
  /// `format`, elements, then problems: `gs1 (01)09506000134352 | 16 check-digit`; a doubtful element bears a `?`.
  let said: String

  var testDescription: String { code }

  /// Reads cases of two lines each: a code with `<GS>` and the like, and below it what is said.
  static func list(_ text: String) -> [CodeCase] {
    let lines = text.split(separator: "\n").map { String($0) }
    return stride(from: 0, to: lines.count - 1, by: 2).map { index in
      CodeCase(code: lines[index], said: String(lines[index + 1].drop { $0 == " " }))
    }
  }

  static func bytes(_ text: String) -> [UInt8] {
    Array(
      text.replacing("<GS>", with: "\u{1D}").replacing("<RS>", with: "\u{1E}").replacing("<EOT>", with: "\u{04}").utf8)
  }

  static func words(_ code: DecodedCode) -> String {
    let elements = code.elements.map { element in
      (element.isDoubtful ? "?" : "") + (element.identifier.kind == "ai" ? "" : element.identifier.kind + " ")
        + element.description
    }
    let problems = code.problems.map { "\($0.at) \($0.kind.rawValue)" }
    let parts = [code.format.rawValue + (elements.isEmpty ? "" : " " + elements.joined(separator: " "))] + problems
    return parts.joined(separator: " | ")
  }
}

@Suite struct CodeDecoderTests {
  private func decode(_ text: String) -> DecodedCode { CodeDecoder(year: 2026).decode(CodeCase.bytes(text)) }

  @Test(arguments: CodeCase.list(elementStringCases))
  func `element strings are read as the general specifications say`(code: CodeCase) {
    #expect(CodeCase.words(decode(code.code)) == code.said)
  }

  @Test(arguments: CodeCase.list(linkCases))
  func `a digital link is read as its standard says`(code: CodeCase) {
    #expect(CodeCase.words(decode(code.code)) == code.said)
  }

  @Test(arguments: CodeCase.list(messageCases))
  func `a message of 15434 is read with its data identifiers`(code: CodeCase) {
    #expect(CodeCase.words(decode(code.code)) == code.said)
  }

  @Test(arguments: CodeCase.list(tagCases))
  func `an EPC becomes the key that it holds`(code: CodeCase) {
    #expect(CodeCase.words(decode(code.code)) == code.said)
  }

  @Test(arguments: [
    ("]C1", true), ("]C0", false), ("]d2", true), ("]d1", false), ("]e0", true), ("]Q3", true), ("]Q1", false),
    ("]J1", true), ("]z1", true), ("]A0", false), ("]L0", false),
  ])
  func `the AIM identifier says whether a code is of GS1`(symbology: String, isGS1: Bool) {
    let code = decode(symbology + "10L1")
    #expect(code.symbology == symbology)
    #expect(code.isAnnounced == isGS1)
    #expect(isGS1 == (code.symbologyName?.hasPrefix("GS1") == true || symbology == "]z1"))
  }

  @Test func `meanings are told with unit, decimals and century`() {
    let code = decode("]C101095060001343523103012345" + "17270200" + "3922001299" + "<GS>7003261124" + "2359<GS>")
    #expect(
      code.elements.map(\.meaning) == [
        "GTIN-13 9506000134352", "12.345 kg", "2027-02-28, the month's last day", "0012.99".replacing("00", with: ""),
        "2026-11-24 23:59",
      ])
    #expect(decode("]C14332001850-").elements[0].meaning == "-18.50 °F")
    #expect(decode("]C13932" + "978" + "1250").elements[0].meaning == "EUR 12.50")
    #expect(decode("]C13941" + "0125").elements[0].meaning == "12.5 %")
    #expect(decode("]C1422156").elements[0].meaning == "CN")
    #expect(decode("]C1430312%2B3+Str.").elements[0].meaning == "12+3 Str.")
    #expect(decode("]C14309" + "0275076430" + "0098765432").elements[0].meaning == "-62.4923570° 9.8765432°")
  }

  @Test func `what goes together on an item is a note and no problem`() {
    let code = decode("]C110L2311")
    #expect(code.problems.isEmpty)
    #expect(
      code.notes.map(\.message) == ["BATCH/LOT, (10), belongs to (01), (02), (03), (8006) or (8026), on the same item"])
  }

  @Test func `an ambiguous field shows both readings`() {
    let code = decode("]d2010950600013435210ABC12321SN42")
    #expect(
      code.problems.map(\.message)
        == ["BATCH/LOT is ABC12321SN42, or ABC123 and then (21)SN42: no separator, <GS>, says where it ends"])
    #expect(code.soundElements.map(\.description) == ["(01)09506000134352"])
  }

  @Test func `a scanner that is known to send separators makes nothing ambiguous`() {
    var decoder = CodeDecoder(year: 2026)
    decoder.sendsSeparators = true
    #expect(decoder.decode(CodeCase.bytes("]d2010950600013435210ABC12321SN42")).problems.isEmpty)
  }

  @Test func `an identifier for internal use is looked for only where a map has it`() {
    let bytes = CodeCase.bytes("]d2010950600013435210ABC91X")
    #expect(CodeDecoder(year: 2026).decode(bytes).problems.isEmpty)
    #expect(CodeDecoder(year: 2026, internals: ["91"]).decode(bytes).problems.map(\.kind) == [.ambiguous])
  }

  @Test func `a problem says what was expected and what was found`() {
    #expect(
      decode("]E09506000134353").problems
        == [
          CodeProblem(
            at: 16, kind: .checkDigit,
            message: "GTIN 09506000134353: the check digit is expected to be 2, found 3")
        ])
    #expect(
      decode("]C11727023").problems.map(\.message) == ["USE BY or EXPIRY has 6 digits, found 5"])
    #expect(
      decode("]C1(01)09506000134352").problems.map(\.message)
        == [
          "an application identifier is expected, two to four digits, found \"(01)\": the parentheses that are printed "
            + "below a code are not in it; write <GS> or ^ between fields"
        ])
    #expect(
      decode("]C1010950600013435210ABCDEFGHIJ1234567890" + "21SN42").problems.map(\.message)
        == ["BATCH/LOT has 1 to 20 characters, found 26; is a separator, <GS>, missing before (21)SN42?"])
  }

  // MARK: Any bytes

  @Test func `no bytes break the decoder, and every place that it names is in the code`() {
    var numbers = Seeded(seed: 20_261_124)
    let heads = [
      "]d2", "]C1", "", "[)>\u{1E}06\u{1D}", "[)>\u{1E}05\u{1D}", "https://id.gs1.org/01/", "30", "31", "]E0",
      "\u{1D}01",
    ]
    let letters = Array("0123456789ABCXYZ()%/?&=-~^\u{1D}\u{1E}\u{04}é\u{0}".utf8)
    for _ in 0..<20_000 {
      var raw = Array(heads[Int.random(in: 0..<heads.count, using: &numbers)].utf8)
      for _ in 0..<Int.random(in: 0...60, using: &numbers) {
        raw.append(
          Bool.random(using: &numbers)
            ? letters[Int.random(in: 0..<letters.count, using: &numbers)]
            : UInt8.random(in: 0x30...0x39, using: &numbers))
      }
      let code = CodeDecoder(year: 2026).decode(raw)
      for problem in code.problems + code.notes where !(1...(raw.count + 1)).contains(problem.at) {
        Issue.record("\(raw): \(problem)")
      }
      for element in code.elements where element.at < 1 || element.at - 1 + element.length > raw.count {
        Issue.record("\(raw): \(element)")
      }
      if code.isAnnounced, code.problems.isEmpty { #expect(code.elements.allSatisfy { !$0.isDoubtful }) }
    }
  }

  @Test(arguments: [
    "]d2010950600013435210|12", "]d2|1", "]d2|01", "[)>\u{1E}06\u{1D}|1TL\u{1D}", "https://id.gs1.org|/01/1",
    "https://id.gs1.org/01/09506000134352?|10=%41&", "]d2|99A", "|99A\u{1D}", "]d2|11270100", "|3",
  ])
  func `the time for a code grows no faster than its length`(pattern: String) {
    let parts = pattern.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
    func work(_ length: Int) -> UInt64 {
      let raw = Array((parts[0] + String(repeating: parts[1], count: length / parts[1].utf8.count)).utf8)
      var best = UInt64.max
      for _ in 0..<3 {
        let began = threadNanoseconds()
        _ = CodeDecoder(year: 2026).decode(raw)
        best = min(best, threadNanoseconds() - began)
      }
      return best
    }
    _ = work(1000)
    let (small, large) = (work(1000), work(4000))
    // Four times the bytes: sixteen times the work would be quadratic.
    #expect(large < max(small, 100_000) * 10, "\(small) ns for 1000 bytes, \(large) ns for 4000")
  }
}

/// The thread's own time on a processor: what others do meanwhile does not count.
private func threadNanoseconds() -> UInt64 {
  var time = timespec()
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
  return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
}

private let elementStringCases = """
  ]d201095060001343521721113010L2311<GS>21SN0042
    gs1 (01)09506000134352 (17)211130 (10)L2311 (21)SN0042
  ]C10109506000134352<GS>10L2311
    gs1 (01)09506000134352 (10)L2311
  <GS>010950600013435210L2311
    gs1 (01)09506000134352 (10)L2311
  0109506000134352
    gs1 (01)09506000134352
  0109506000134353
    gs1 ?(01)09506000134353 | 16 check-digit
  ]C100395011015300000011
    gs1 (00)395011015300000011
  ]C100395011015300000012
    gs1 ?(00)395011015300000012 | 23 check-digit
  ]C14149506000134353
    gs1 ?(414)9506000134353 | 19 check-digit
  ]C1010950600013435210ABC12321SN42
    gs1 (01)09506000134352 ?(10)ABC12321SN42 | 28 ambiguous
  ]C1010950600013435210ABC12321SN42<GS>
    gs1 (01)09506000134352 (10)ABC12321SN42
  ]C110ABC123<GS>010950600013435221SN1010X
    gs1 (10)ABC123 (01)09506000134352 (21)SN1010X
  ]C1010950600013435210A&B
    gs1 (01)09506000134352 (10)A&B
  ]C1010950600013435210A#B
    gs1 (01)09506000134352 ?(10)A#B | 23 character
  ]C1010950600013435210
    gs1 (01)09506000134352 ?(10) | 22 length
  ]C10109506000134
    gs1 ?(01)09506000134 | 17 length
  ]C1010950600013<GS>10L1
    gs1 ?(01)0950600013 (10)L1 | 16 length
  ]C117270229
    gs1 ?(17)270229 | 10 date
  ]C117280229
    gs1 (17)280229
  ]C117271301
    gs1 ?(17)271301 | 8 date
  ]C117270200
    gs1 (17)270200
  ]C170062702002
    gs1 ?(7006)2702002 | 14 length
  ]C17006270200
    gs1 ?(7006)270200 | 12 date
  ]C170032702032460
    gs1 ?(7003)2702032460 | 14 time
  ]C143242702009999
    gs1 (4324)2702009999
  ]C180082702032359
    gs1 (8008)2702032359
  ]C18008270203
    gs1 ?(8008)270203 | 14 length
  ]C1422999
    gs1 ?(422)999 | 7 country
  ]C14307DE
    gs1 (4307)DE
  ]C14307XX
    gs1 ?(4307)XX | 8 country
  ]C1423276156
    gs1 (423)276156
  ]C14232761
    gs1 ?(423)2761 | 11 length
  ]C139129991250
    gs1 (3912)9991250
  ]C139120001250
    gs1 ?(3912)0001250 | 8 currency
  ]C180131987654Ad4X4bL5ttr2310c2K
    gs1 (8013)1987654Ad4X4bL5ttr2310c2K
  ]C180131987654Ad4X4bL5ttr2310c2L
    gs1 ?(8013)1987654Ad4X4bL5ttr2310c2L | 31 check-digit
  ]C18006095060001343520102
    gs1 (8006)095060001343520102
  ]C18006095060001343520302
    gs1 ?(8006)095060001343520302 | 22 value
  ]C180030950600013435212345
    gs1 (8003)0950600013435212345
  ]C18010ABCDE
    gs1 ?(8010)ABCDE | 8 value
  ]C180109506000A-1/2#<GS>801112
    gs1 (8010)9506000A-1/2# (8011)12
  ]C18007GB82WEST12345698765432
    gs1 (8007)GB82WEST12345698765432
  ]C18007GB82WEST12345698765433
    gs1 ?(8007)GB82WEST12345698765433 | 10 check-digit
  ]C10309506000134352
    gs1 (03)09506000134352
  ]C10409506000134352<GS>10L
    gs1 ?(04)09506000134352 (10)L | 4 unknown
  ]C13106001234
    gs1 ?(3106)001234 | 4 unknown
  ]C1500123<GS>10L
    gs1 (10)L | 4 unknown
  ]C1AB<GS>10L
    gs1 (10)L | 4 identifier
  ]C110A<GS>10A
    gs1 (10)A (10)A
  ]C110A<GS>10B
    gs1 (10)A ?(10)B | 8 repeated
  ]C1010950600013435202095060001343523712
    gs1 ?(01)09506000134352 ?(02)09506000134352 (37)12 | 4 pair | 20 pair
  ]C1
    gs1 | 4 identifier
  ]E09506000134352
    gs1 (01)09506000134352
  ]E496385074
    gs1 (01)00000096385074
  ]I119506000134359
    gs1 (01)19506000134359
  ]I1123
    plain
  ]C0OP-1234
    plain
  OP-1234
    plain
  (01)09506000134352
    plain
  """

private let linkCases = """
  https://id.gs1.org/01/09506000134352/10/ABC%2F1/21/12345?17=270200&x=1
    digital-link (01)09506000134352 (10)ABC/1 (21)12345 (17)270200
  HTTP://example.com/some/path/01/9506000134352
    digital-link (01)09506000134352
  https://example.com/01/9506000134353
    digital-link ?(01)09506000134353 | 24 check-digit
  https://example.com/414/9506000134352/254/A?17=261130#10
    digital-link (414)9506000134352 (254)A (17)261130
  https://example.com/01/09506000134352/21/1/10/2
    digital-link (01)09506000134352 ?(21)1 ?(10)2 | 39 form
  https://example.com/01/09506000134352/235/TP/10/2
    digital-link (01)09506000134352 ?(235)TP ?(10)2 | 39 form
  https://example.com/01/09506000134352/10/A%2
    digital-link (01)09506000134352 ?(10)A%2 | 43 escape
  https://example.com/01/09506000134352?21=5
    digital-link (01)09506000134352 ?(21)5 | 39 form
  https://example.com/01/09506000134352?9999=5
    digital-link (01)09506000134352 | 39 unknown
  https://example.com/01/09506000134352/10/A?10=B
    digital-link (01)09506000134352 (10)A ?(10)B | 44 repeated
  https://example.com/8004/95060001234X?3103=001234
    digital-link (8004)95060001234X (3103)001234
  https://id.gs1.org/ARFKk4XB0CDKWcnpq
    digital-link | 20 unsupported
  https://example.com/10/L2311
    plain
  https://example.com/
    plain
  https://
    plain
  """

private let messageCases = """
  [)><RS>06<GS>PABC-1<GS>1TL7<GS>VACME<GS>Q12<GS>16D20260228<RS><EOT>
    iso15434 di (P)ABC-1 di (1T)L7 di (V)ACME di (Q)12 di (16D)20260228
  ]d1[)><RS>06<GS>PABC<RS><EOT>
    iso15434 di (P)ABC
  [)><RS>06<GS>PABC<GS>16D20260230<RS><EOT>
    iso15434 di (P)ABC ?di (16D)20260230 | 16 date
  [)><RS>06<GS>PABC<GS>1TL7
    iso15434 di (P)ABC ?di (1T)L7 | 17 form
  [)><RS>06<GS>PABC<GS>1TL7<RS>
    iso15434 di (P)ABC di (1T)L7
  [)><RS>06<GS>PABC<GS>1T<RS><EOT>
    iso15434 di (P)ABC ?di (1T) | 15 length
  [)><RS>06<GS>4LDE<GS>10D2647<GS>4D26366<RS><EOT>
    iso15434 di (4L)DE di (10D)2647 ?di (4D)26366 | 23 date
  [)><RS>06<GS>1234P5<RS><EOT>
    iso15434 | 8 identifier
  [)><RS>05<GS>010950600013435210L1<GS>21S<RS>12<GS>SER 123<GS>MFR 81205<RS><EOT>
    iso15434 (01)09506000134352 (10)L1 (21)S tei (SER)123 tei (MFR)81205
  [)><RS>12<GS>SER123<RS><EOT>
    iso15434 | 8 identifier
  [)><RS>07free text<RS><EOT>
    iso15434 | 5 unsupported
  [)><RS>06PABC<RS><EOT>
    iso15434 | 7 form
  [)><RS>6<GS>PABC<RS><EOT>
    iso15434 | 5 form
  [)>06PABC
    iso15434 | 4 form
  """

/// The first two are examples of the EPC Tag Data Standard.
private let tagCases = """
  3074257BF7194E4000001A85
    epc (01)80614141123458 (21)6789
  3114257BF4499602D2000000
    epc (00)106141412345678908
  3114257bf4499602d2000001
    epc | 19 value
  331643D3C54D21000000000A
    epc | 10 value
  303C000000000000000000000
    plain
  303C257BF7194E4000001A85
    epc | 3 form
  3274257BF7194E4000001A85
    epc | 1 unsupported
  FF74257BF7194E4000001A85
    plain
  """
