import Events
import Foundation
import TestParts
import Testing

@testable import lotline

/// `lotline explain`, as a technician and a program use it.
@Suite(.timeLimit(minutes: 5)) struct ExplainCommandTests {
  private func run(_ arguments: String...) async throws -> (status: Int32, output: String, messages: String) {
    try await Program.run(["explain"] + arguments, in: ScratchFolder())
  }

  @Test func `the examples in its help run, and none finds anything wrong`() async throws {
    let help = try await Program.run(["explain", "--help"], in: ScratchFolder())
    let examples = help.output.split(separator: "\n").map { String($0.drop { $0 == " " }) }
      .filter { $0.hasPrefix("lotline explain ") }
    #expect(examples.count == 6)
    for example in examples {
      let command = example.replacing("lotline explain", with: "'\(Program.lotline)' explain")
        .replacing("--map line-scanner", with: "--map '\(Program.tree)/devices/line-scanner.yaml'")
      let done = try await Program.run("/bin/sh", ["-c", command], in: ScratchFolder())
      #expect(done.status == 0, "\(example): \(done.output)\(done.messages)")
    }
  }

  @Test func `its JSON has the shape that other programs rely on`() async throws {
    let done = try await run("]d2010950600013435310L1", "--json")
    #expect(done.status == 1)
    #expect(
      done.output == #"{"raw":"5d643230313039353036303030313334333533313"# + #"04c31","text":"010950600013435310L1","#
        + #""symbology":"]d2","format":"gs1","elements":[{"ai":"01","value":"09506000134353","title":"GTIN","at":4,"#
        + #""doubtful":true},{"ai":"10","value":"L1","title":"BATCH/LOT","at":20}],"roles":{},"problems":[{"at":19,"#
        + #""kind":"check-digit","message":"GTIN 09506000134353: the check digit is expected to be 2, found 3"}]}"#
        + "\n")
    let label = try await run("[)><RS>06<GS>1TL7<RS><EOT>", "--json")
    #expect(label.status == 0)
    let json = try #require(JSON(Array(label.output.utf8.dropLast())))
    #expect(json["format"]?.text == "iso15434")
    #expect(json["elements"]?.items?.first?["di"]?.text == "1T")
    #expect(json["symbology"] == nil)
    #expect(json["problems"]?.items?.isEmpty == true)
  }

  @Test(arguments: ["]d210A\\x1d21B", "]d210A^21B", "]d210A<GS>21B", "]d210A\\x1D21B"])
  func `a separator may be written in several ways`(code: String) async throws {
    let done = try await run(code, "--json")
    #expect(done.output.contains("\"raw\":\"5d6432313041" + "1d323142\""), "\(done.output)")
    #expect(done.status == 0)
  }

  @Test func `hexadecimal digits are bytes, also those of a tag`() async throws {
    let text = try await run("--hex", "4F 50:2d31", "--json")
    #expect(text.output.hasPrefix("{\"raw\":\"4f502d31\",\"text\":\"OP-1\",\"format\":\"plain\","))
    let tag = try await run("--hex", "3074257BF7194E4000001A85", "--json")
    #expect(tag.status == 0)
    #expect(tag.output.contains("\"format\":\"epc\",\"elements\":[{\"ai\":\"01\",\"value\":\"80614141123458\""))
    let odd = try await run("--hex", "4F5")
    #expect(odd.status == 64)
    #expect(odd.messages.contains("two hexadecimal digits a byte"))
    #expect(try await run("A\\q").status == 64)
  }

  @Test func `a person sees titles, meanings, and a caret below what is wrong`() async throws {
    let done = try await run("]d2010950600013435217270200^10L#1")
    #expect(done.status == 1)
    #expect(
      done.output == """
        code       ]d2010950600013435217270200<GS>10L#1
        symbology  ]d2, GS1 DataMatrix
        format     GS1 element strings

           ELEMENT  TITLE             VALUE           MEANING
           01       GTIN              09506000134352  GTIN-13 9506000134352
           17       USE BY or EXPIRY  270200          2027-02-28, the month's last day
        ?  10       BATCH/LOT         L#1

        ]d2010950600013435217270200<GS>10L#1
                                          ^
        problem: BATCH/LOT has letters, digits and !"%&'()*+,-./_:;<=>?, found "#"

        """)
  }

  @Test func `with a map it says the roles, and what the map's rules say against a code`() async throws {
    let map = Program.tree + "/devices/label-scanner.yaml"
    let done = try await run("--map", map, "]d2010950600013435210C7", "--json")
    #expect(done.status == 0)
    #expect(done.output.contains("\"roles\":{\"materials.coil\":\"gtin:09506000134352~C7\"},\"problems\":[]"))
    let bare = try await run("--map", map, "]d210L7")
    #expect(bare.status == 1)
    #expect(bare.output.contains("problem: (10), BATCH/LOT, is unique only within the GTIN (01) of the same label"))
    #expect(bare.output.contains("no role: no rule of the map takes one from it"))
    let plc = try await run("--map", Program.tree + "/devices/hydraulic-press.yaml", "A")
    #expect(plc.status == 1)
    #expect(plc.messages.contains("is the map of a PLC"))
  }

  @Test func `what a scanner sends for a code that it could not read is told as that, and is no code`() async throws {
    let map = Program.tree + "/devices/keyence-sr-750.yaml"
    let note = "note: this is what the scanner sends in place of a code that it could not read"
    let done = try await run("--map", map, "ERROR")
    #expect(done.status == 0, "\(done.output)\(done.messages)")
    #expect(done.output.hasSuffix("\n\(note)\n"), "\(done.output)")
    #expect(done.output.contains(/no-read +ERROR/), "\(done.output)")
    #expect(try await run("--map", map, "ERROR", "--json").output.contains("\"roles\":{\"no-read\":\"ERROR\"}"))
    let code = try await run("--map", map, "SN0001")
    #expect(code.status == 0 && code.output.contains(/unit +SN0001/), "\(code.output)")
    #expect(!code.output.contains(note))
    #expect(try await !run("ERROR").output.contains(note), "without a map it is a text like any other")
  }

  @Test func `with a hyphen it takes a code a line`() async throws {
    let folder = try ScratchFolder()
    try folder.write("codes", "OP-1\n]E09506000134352\n]E09506000134353\n")
    let done = try await Program.run(
      "/bin/sh", ["-c", "'\(Program.lotline)' explain - --json < '\(folder.file("codes"))'"], in: folder)
    #expect(done.status == 1)
    let lines = done.output.split(separator: "\n").compactMap { JSON(Array($0.utf8)) }
    #expect(lines.map { $0["format"]?.text } == ["plain", "gs1", "gs1"])
    #expect(lines.map { $0["problems"]?.items?.count } == [0, 0, 1])
  }
}
