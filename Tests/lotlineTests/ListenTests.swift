import Devices
import Events
import Glibc
import TestParts
import Testing

@testable import lotline

@Suite(.timeLimit(minutes: 5))
struct ListenTests {
  private static func frames(_ texts: [String]) -> [HeardFrame] { texts.map { heard(Array($0.utf8)) } }

  private static func heard(_ raw: [UInt8], damaged: Int = 0) -> HeardFrame {
    HeardFrame(raw: raw, moment: .now(), damage: nil, damagedBytes: damaged)
  }

  @Test(arguments: [
    (["OP-1234\r", "SN00042\r"], "frame: { end: \"\\r\" }"), (["AB\r\n", "CDE\r\n"], "frame: { end: \"\\r\\n\" }"),
    (["\u{2}AB\u{3}", "\u{2}CDE\u{3}"], "frame: { start: \"\\x02\", end: \"\\x03\" }"),
    (["\u{2}0F00304C8E8D\u{3}", "\u{2}0F00304C8E8D\u{3}"], "frame: { format: rdm6300 }"),
    (["123456", "789012"], "frame: { length: 6 }"),
  ])
  func `frames are guessed from what all of them share`(texts: [String], expected: String) {
    let guess = FrameGuess(Self.frames(texts), line: SerialLine())
    #expect(guess.frame == expected)
    #expect(guess.score > 0.75)
    #expect(guess.reasons.contains { $0.contains("100 % of their bytes are printable") })
  }

  @Test func `a parity taken for a data bit is seen, and said with what to try`() {
    let text = Array("OP-1234567\r".utf8)
    let even = text.map { $0.nonzeroBitCount % 2 == 0 ? $0 : $0 | 0x80 }
    let guess = FrameGuess([Self.heard(even), Self.heard(even)], line: SerialLine())
    #expect(guess.reasons.contains { $0.contains("try --line \"9600 7E1\"") }, "\(guess.reasons)")
  }

  @Test func `garbage is called so, and no frame is guessed from it`() {
    let fast = [UInt8](repeating: 0xF8, count: 20) + [0x00, 0xFF, 0x80, 0xC0]
    let guess = FrameGuess([Self.heard(fast, damaged: 6)], line: SerialLine())
    #expect(guess.frame == nil && guess.score < 0.1)
    #expect(guess.reasons.contains("6 bytes have a parity or framing error"))
    #expect(guess.reasons.last?.contains("--find-baud") == true)
    #expect(FrameGuess([], line: SerialLine()).reasons.first?.contains("nothing came") == true)
  }

  @Test func `what a scanner sends is shown with what a map makes of it`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("gun.yaml", LineFolder.scannerMap)
    let scanner = try SimulatedScanner(link: folder.file("gun"))
    let listening = try Program(
      ["listen", folder.file("gun"), "--map", map, "--json", "--count", "2"], in: folder, name: "listen")
    try await eventually("it listens; \(listening.said)") { listening.said.contains("listening to") }
    try await scanner.send(Array("OP-1234\r".utf8))
    try await scanner.send(Array("SN42\r".utf8))
    #expect(try await listening.ended() == 0, "\(listening.said)")
    let lines = listening.lines.compactMap { JSON(Array($0.utf8)) }
    #expect(lines.map { $0["text"]?.text } == ["OP-1234\\r", "SN42\\r"])
    #expect(lines.first?["roles"]?["operator"]?.text == "1234" && lines.last?["roles"]?["unit"]?.text == "SN42")
    #expect(await scanner.received().isEmpty, "nothing may be sent to a scanner that is listened to")
  }

  @Test func `without a map frames are cut by silence and guessed at the end`() async throws {
    let folder = try ScratchFolder()
    let scanner = try SimulatedScanner(link: folder.file("gun"))
    let listening = try Program(["listen", folder.file("gun")], in: folder, name: "listen")
    try await eventually("it listens; \(listening.said)") { listening.said.contains("listening to") }
    for code in ["AB12", "CD3456"] {
      try await scanner.send(Array((code + "\r\n").utf8))
      try await eventually("\(code) is shown") { listening.printed.contains(code) }
    }
    listening.signal(SIGTERM)
    #expect(try await listening.ended() == 0, "\(listening.said)")
    #expect(listening.printed.contains("41 42 31 32 0D 0A"))
    #expect(listening.printed.contains("frame: { end: \"\\r\\n\" }"))
  }

  @Test func `a scanner on the network is listened to as well`() async throws {
    let folder = try ScratchFolder()
    let server = try await ModbusServer()
    let quiet = try await Program.run(["listen", "127.0.0.1:\(server.port)", "--for", "300ms"], in: folder)
    #expect(quiet.status == 1 && quiet.output.contains("nothing came"), "\(quiet.messages)")
    await server.stop()
    let gone = try await Program.run(["listen", "127.0.0.1:\(server.port)", "--for", "300ms"], in: folder)
    #expect(gone.status == 1 && gone.messages.contains("Connection refused"), "\(gone.messages)")
  }

  @Test(arguments: [
    ["listen", "gun"], ["listen", "host:0"], ["listen", "/dev/x", "--line", "9600 8X1"],
    ["listen", "/dev/x", "--for", "soon"],
    ["listen", "host:2001", "--find-baud"],
  ])
  func `a slip on the command line is a usage error`(arguments: [String]) async throws {
    let told = try await Program.run(arguments, in: try ScratchFolder())
    #expect(told.status == 64 && told.output.isEmpty, "\(told.messages)")
  }
}
