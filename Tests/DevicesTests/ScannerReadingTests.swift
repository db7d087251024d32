import Events
import Settings
import Testing

@testable import Devices

/// A map from the YAML after `kind: serial`.
func scannerMap(_ yaml: String) throws -> ScannerMap {
  let file = try SettingsFile(name: "gun.yaml", text: "kind: serial\n" + yaml)
  let map = DeviceMap(file)
  try file.check()
  guard case .serial(let scanner) = try #require(map) else { throw Unexpected() }
  return scanner
}

struct Unexpected: Error {}

@Suite struct ScannerReadingTests {
  private let rules = """
    frame: { end: "\\r" }
    aim: true
    codes:
      - { match: "^OP-(?<operator>[0-9]{4})$" }
      - { match: "^C-(?<material>\\\\w+)$", as: coil }
      - { match: "^M-(?<material>\\\\w+)$" }
      - { match: "^(?<unit>SN\\\\d+);(?<lot>L\\\\d*)$" }
      - { match: "^CMD:(?<command>END-LOT|LOGOUT|SCRAP|REWORK)$" }
      - { match: "^(?<no-read>NOREAD)$" }
      - { match: "(?<carrier>[0-9]+)" }
    """

  private func read(_ text: String) throws -> ScannerMap.Meaning {
    try scannerMap(rules).read(frame: Array(text.utf8))
  }

  @Test(arguments: [
    ("OP-1234\r", [ScanData.Role("operator", "1234")]), ("C-55\r", [ScanData.Role("materials.coil", "55")]),
    ("M-7\r", [ScanData.Role("materials.material", "7")]),
    ("SN42;L9\r", [ScanData.Role("unit", "SN42"), ScanData.Role("lot", "L9")]),
    ("CMD:LOGOUT\r", [ScanData.Role("command", "LOGOUT")]), ("NOREAD\r", [ScanData.Role("no-read", "NOREAD")]),
    ("OP-12345\r", [ScanData.Role("carrier", "12345")]), ("nothing\r", []),
    ("OP-1234", [ScanData.Role("operator", "1234")]),
  ])
  func `the first rule that matches gives the roles`(frame: String, roles: [ScanData.Role]) throws {
    let meaning = try read(frame)
    #expect(meaning.roles == roles)
    #expect(meaning.problem == nil)
    #expect(meaning.text == frame.replacing("\r", with: ""))
    #expect(meaning.symbology == nil)
  }

  @Test func `an AIM identifier becomes the symbology and rules do not see it`() throws {
    let meaning = try read("]d2OP-1234\r")
    #expect(meaning == .init(text: "OP-1234", symbology: "]d2", roles: [.init("operator", "1234")]))
    #expect(try read("]d").symbology == nil)
    #expect(try read("]]2A").symbology == nil)
    #expect(try read("]C1\r") == .init(text: "", symbology: "]C1", problem: "an AIM identifier, ]C1, without a code"))
    #expect(try scannerMap("frame: { end: \"\\r\" }").read(frame: Array("]d2A\r".utf8)) == .init(text: "]d2A"))
  }

  @Test(
    arguments: [
      ([0x41, 0x00, 0x0D], "the control character 0x00 at byte 2 of the code"),
      ([0x1B, 0x5B, 0x32, 0x4A, 0x0D], "the control character 0x1B at byte 1 of the code"),
      ([0x41, 0x7F, 0x0D], "the control character 0x7F at byte 2 of the code"),
      ([0x41, 0xC2, 0x85, 0x0D], "the control character 0x85 at byte 2 of the code"),
      ([0xFF, 0x0D], "not valid UTF-8 at byte 1 of the code"),
      ([0x41, 0xC3, 0x0D], "not valid UTF-8 at byte 2 of the code"),
      ([0xC0, 0xAF, 0x0D], "not valid UTF-8 at byte 1 of the code"),
      ([0xED, 0xA0, 0x80, 0x0D], "not valid UTF-8 at byte 1 of the code"),
      ([0xF4, 0x90, 0x80, 0x80, 0x0D], "not valid UTF-8 at byte 1 of the code"),
      (
        [0x0A, 0x41, 0x0D],
        "the control character 0x0A at byte 1 of the code: a scanner that ends its codes with \\r\\n needs "
          + "frame: { end: \"\\r\\n\" } in its map"
      ), ([0x0D], "an empty frame"), ([], "an empty frame"),
    ] as [([UInt8], String)])
  func `bytes that are no text are a problem and never a role`(frame: [UInt8], problem: String) throws {
    let meaning = try scannerMap(rules).read(frame: frame)
    #expect(meaning == .init(problem: problem))
  }

  @Test func `separators of data formats are text`() throws {
    let meaning = try read("a\u{1D}b\u{1E}\u{04}\tü漢\r")
    #expect(meaning.problem == nil)
    #expect(meaning.text == "a\u{1D}b\u{1E}\u{04}\tü漢")
  }

  @Test func `an empty role is a problem and no role`() throws {
    let meaning = try scannerMap("frame: { end: \"\\r\" }\ncodes: [{ match: \"^L(?<lot>\\\\d*)$\" }]").read(
      frame: Array("L\r".utf8))
    #expect(meaning == .init(text: "L", problem: "the code gives an empty lot"))
  }

  @Test func `a damaged frame has no text and no roles`() throws {
    let frame = FrameReader.Frame(raw: Array("OP-1234".utf8), moment: .now(), damage: "it was cut")
    let scan = try scannerMap(rules).scan(of: frame, device: "gun-1")
    #expect(scan.raw == frame.raw)
    #expect(scan.text == nil)
    #expect(scan.roles.isEmpty)
    #expect(scan.problem == "it was cut")
  }
}
