import Events
import Testing

@testable import Devices

/// What rules take from the elements of codes.
@Suite struct CodeRuleTests {
  private func read(_ code: String, _ rules: String, more: String = "aim: true") throws -> ScannerMap.Meaning {
    try scannerMap("frame: { end: \"\\r\" }\n\(more)\ncodes:\n\(rules)").read(frame: CodeCase.bytes(code) + [0x0D])
  }

  private static let both = "  - { gs1: { lot: \"10\", unit: \"21\" } }"

  @Test func `a lot and a serial number are told with the GTIN of their label`() throws {
    let meaning = try read("]d2010950600013435210L2311<GS>21SN0042", Self.both)
    #expect(
      meaning.roles == [
        .init("lot", "gtin:09506000134352~L2311"), .init("unit", "gtin:09506000134352~SN0042"),
      ])
    #expect(
      meaning.elements == [
        .init(kind: "ai", identifier: "01", value: "09506000134352"),
        .init(kind: "ai", identifier: "10", value: "L2311"),
        .init(kind: "ai", identifier: "21", value: "SN0042"),
      ])
    #expect(meaning.problem == nil)
    #expect(meaning.symbology == "]d2")
  }

  @Test(arguments: ["  - { gs1: { lot: \"10\" }, scope: none }", "  - { gs1: { lot: \"10\", scope: none } }"])
  func `scope none takes a lot alone`(rule: String) throws {
    #expect(try read("]d2010950600013435210L2311", rule).roles == [.init("lot", "L2311")])
    #expect(try read("]d210L2311", rule).roles == [.init("lot", "L2311")])
  }

  @Test func `a lot without its GTIN is no lot where a scope is asked for`() throws {
    let meaning = try read("]d210L2311", Self.both)
    #expect(meaning.roles.isEmpty)
    #expect(
      meaning.problem
        == "(10), BATCH/LOT, is unique only within the GTIN (01) of the same label, which is not there: scope: none takes it alone"
    )
  }

  @Test func `what has a meaning in an identifier is escaped in a code`() throws {
    let meaning = try read("]d2010950600013435210A%41B", Self.both)
    #expect(meaning.roles == [.init("lot", "gtin:09506000134352~A%2541B")])
    #expect(try read("A~B", "  - { match: \"^(?<unit>.+)$\" }").roles == [.init("unit", "A%7EB")])
    #expect(try read("A~B", "  - { match: \"^(?<command>.+)$\" }").roles == [.init("command", "A~B")])
  }

  @Test(arguments: [
    ("]d200395011015300000011", "carrier: \"00\"", "395011015300000011"),
    ("]d20109506000134352", "product: \"01\"", "09506000134352"),
    ("]d2400PO-1", "order: \"400\"", "PO-1"), ("]d28018395011015300000011", "operator: \"8018\"", "395011015300000011"),
    ("]d28004950600012A", "unit: \"8004\"", "950600012A"), ("]d291GO", "command: \"91\"", "GO"),
    ("]d280109506000A<GS>801112", "component: \"8011\"", "cpid:9506000A~12"),
    ("]d2800609506000134352" + "0102<GS>21S", "unit: \"21\"", "itip:095060001343520102~S"),
    ("]d202095060001343523712<GS>10L", "material: \"10\"", "gtin:09506000134352~L"),
  ])
  func `an element becomes the role that a rule gives it`(code: String, role: String, value: String) throws {
    let meaning = try read(code, "  - { gs1: { \(role) } }")
    #expect(meaning.problem == nil)
    #expect(meaning.roles.map(\.value) == [value])
  }

  @Test(arguments: [
    (
      "]d2010950600013435310L1",
      "GTIN 09506000134353: the check digit is expected to be 2, found 3 (at byte 19 of the code)"
    ),
    (
      "]d2010950600013435210ABC12321SN42",
      "BATCH/LOT is ABC12321SN42, or ABC123 and then (21)SN42: no separator, <GS>, says where it ends (at byte 28 of the code)"
    ),
    (
      "]d2010950600013435210A#B",
      "BATCH/LOT has letters, digits and !\"%&'()*+,-./_:;<=>?, found \"#\" (at byte 23 of the code)"
    ),
    (
      "]d20109506000134353",
      "GTIN 09506000134353: the check digit is expected to be 2, found 3 (at byte 19 of the code)"
    ),
  ])
  func `nothing is taken from a code with a problem`(code: String, problem: String) throws {
    let meaning = try read(code, Self.both)
    #expect(meaning.roles.isEmpty)
    #expect(meaning.problem == problem)
  }

  @Test func `a scanner that sends separators is believed`() throws {
    let meaning = try read(
      "]d2010950600013435210ABC12321SN42", Self.both, more: "aim: true\nseparators: sent")
    #expect(meaning.roles == [.init("lot", "gtin:09506000134352~ABC12321SN42")])
  }

  @Test func `a code that does not say what it is is taken apart only where a rule asks for it`() throws {
    let plain = "  - { match: \"^X\", gs1: { lot: \"10\" } }\n  - { match: \"^(?<unit>[0-9]+)$\" }"
    #expect(try read("0109506000134353", plain).roles == [.init("unit", "0109506000134353")])
    #expect(try read("0109506000134353", plain).elements.isEmpty)
    let meaning = try read("010950600013435210L1", Self.both, more: "aim: false")
    #expect(meaning.roles == [.init("lot", "gtin:09506000134352~L1")])
    #expect(meaning.elements.count == 2)
    #expect(try read("CMD:LOGOUT", Self.both, more: "aim: false") == .init(text: "CMD:LOGOUT"))
  }

  @Test func `a damaged code that does not say what it is gives no role and says why, unless another rule takes it`()
    throws
  {
    let meaning = try read("010950600013435310L1", Self.both, more: "aim: false")
    #expect(
      meaning.problem == "GTIN 09506000134353: the check digit is expected to be 2, found 3 (at byte 16 of the code)")
    let other = Self.both + "\n  - { match: \"^(?<carrier>.+)$\" }"
    #expect(
      try read("010950600013435310L1", other, more: "aim: false").roles == [.init("carrier", "010950600013435310L1")])
  }

  @Test func `a pattern alone asks nothing of the elements`() throws {
    let meaning = try read("]d20109506000134353", "  - { match: \"(?<product>[0-9]{14})$\" }")
    #expect(meaning.problem == nil)
    #expect(meaning.roles == [.init("product", "09506000134353")])
    #expect(meaning.elements.isEmpty)
  }

  @Test func `a pattern beside elements says which codes are meant`() throws {
    let rules = "  - { match: \"^0109506000134352\", gs1: { material: \"10\" }, as: coil }\n" + Self.both
    #expect(try read("]d2010950600013435210C7", rules).roles == [.init("materials.coil", "gtin:09506000134352~C7")])
    #expect(try read("]d2010950600013436910C7", rules).roles == [.init("lot", "gtin:09506000134369~C7")])
  }

  @Test func `a label of 15434 gives material, item and quantity, scoped by its supplier`() throws {
    let rules = "  - { mh10: { material: \"1T\", product: P }, as: coil }"
    let label = "[)><RS>06<GS>P4711<GS>1TL7<GS>VACME<GS>Q12<RS><EOT>"
    let meaning = try read("]d1" + label, rules)
    #expect(meaning.roles == [.init("materials.coil", "supplier:ACME~L7"), .init("product", "4711")])
    #expect(meaning.elements.map(\.kind) == ["di", "di", "di", "di"])
    #expect(try read(label.replacing("<GS>VACME", with: ""), rules).roles.first?.value == "L7")
    #expect(try read(label, rules.replacing("}, as", with: "}, scope: none, as")).roles.first?.value == "L7")
    #expect(
      try read("[)><RS>06<GS>P4711<GS>1TL7", rules).problem?.hasPrefix("<RS><EOT> is expected at the end") == true)
  }

  @Test func `a single bar code with a data identifier needs no message around it`() throws {
    let rules = "  - { mh10: { material: \"1T\" }, as: coil }\n  - { mh10: { unit: S } }"
    #expect(
      try read("1TL7", rules)
        == .init(
          text: "1TL7", elements: [.init(kind: "di", identifier: "1T", value: "L7")],
          roles: [.init("materials.coil", "L7")]))
    #expect(try read("SSN1", rules).roles == [.init("unit", "SN1")])
    #expect(try read("11TL7", rules) == .init(text: "11TL7"))
    #expect(try read("1T", rules).roles.isEmpty)
  }

  @Test func `an EPC and a digital link give the same roles as a label`() throws {
    let expected = [ScanData.Role("unit", "gtin:80614141123458~6789")]
    #expect(try read("3074257BF7194E4000001A85", Self.both).roles == expected)
    #expect(try read("https://id.gs1.org/01/80614141123458/21/6789", Self.both).roles == expected)
    #expect(try read("]d28061", Self.both).roles.isEmpty)
    #expect(try read("]d20180614141123458216789", Self.both).roles == expected)
  }

  @Test func `a broken code that no rule knows is told, a sound one is not`() throws {
    let rules = "  - { match: \"^OP-(?<operator>[0-9]{4})$\" }"
    #expect(try read("]d20109506000134352", rules).problem == nil)
    #expect(try read("]d20109506000134353", rules).problem?.contains("check digit") == true)
    #expect(try read("0109506000134353", rules).problem == nil)
  }
}
