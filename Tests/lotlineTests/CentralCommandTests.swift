import AsyncHTTPClient
import Events
import Foundation
import NIOCore
import NIOHTTP1
import TestParts
import Testing

/// The commands that ask a central: what they look for, and how they say that they may not.
@Suite(.timeLimit(minutes: 5))
struct CentralCommandTests {
  private func line() throws -> LineFolder {
    try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")])
  }

  private func edge() -> FakeEdge {
    var edge = FakeEdge(LineFolder.source, seed: 1)
    edge.config("ST10")
    let coil = edge.set("materials.coil", "C-55", at: "ST10")
    let unit = edge.set("unit", "SN1", at: "ST10")
    edge.cycle(at: "ST10", ["unit": ("SN1", unit), "materials.coil": ("C-55", coil)])
    for scope in ["a", "b"] { edge.set("unit", "\(scope)~SN7", at: "ST10") }
    return edge
  }

  private func push(_ edge: FakeEdge, to url: String) async throws {
    var request = HTTPClientRequest(url: "\(url)/v1/sources/\(edge.source)/events")
    request.method = .POST
    for header in edge.batch().headers { request.headers.add(name: header.name, value: header.value) }
    request.body = .bytes(ByteBuffer(bytes: edge.batch().body))
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    try #require(response.status == .ok)
  }

  @Test func `trace looks for a unit, then for a lot, and says why a unit was not traced`() async throws {
    let line = try line()
    let central = try line.startCentral()
    try await CentralAnswers(url: line.centralURL).ready()
    try await push(edge(), to: line.centralURL)
    func trace(_ arguments: String...) async throws -> (status: Int32, output: String, messages: String) {
      try await Program.run(["trace"] + arguments + ["--central", line.centralURL], in: line.scratch)
    }
    let unit = try await trace("SN1")
    #expect(unit.status == 0 && unit.output.hasPrefix("backward from unit SN1\n"), "\(unit)")
    #expect(unit.output.contains("lot C-55"))
    let lot = try await trace("C-55", "--direction", "forward")
    #expect(lot.output.hasPrefix("forward from lot C-55\n") && lot.output.contains("unit SN1"), "\(lot)")
    // Neither a unit nor a lot: that is said. Several units: no lot is looked for behind their back.
    let unknown = try await trace("XX9")
    #expect(unknown.status == 1 && unknown.messages.contains("no event names a unit or a lot \"XX9\""), "\(unknown)")
    let several = try await trace("SN7")
    #expect(several.status == 1 && several.messages.contains("\"SN7\" fits 2 identifiers"), "\(several)")
    #expect(several.messages.split(separator: "\n").count == 1)
    let bad = try await trace("unit:SN9")
    #expect(bad.status == 1 && bad.messages.contains("No event names a unit \"SN9\"."), "\(bad)")
    central.signal(15)
    #expect(try await central.ended() == 0)
  }

  @Test(arguments: [
    (["trace"], "lotline: Missing expected argument '<id>'. Usage: lotline trace <id> ["),
    (["read"], "lotline: Missing expected argument '<device>'. Usage: lotline read <device> ["),
    (["gaps", "--shut"], "lotline: Unknown option '--shut'. Usage: lotline gaps ["),
    (
      ["events", "--follow", "--central", "http://127.0.0.1:9"], "lotline: --follow asks the edge; leave --central out"
    ),
  ])
  func `what is wrong with a command line is told in one line with its usage`(_ arguments: [String], _ said: String)
    async throws
  {
    let run = try await Program.run(arguments, in: try ScratchFolder())
    #expect(run.status == 64 && run.output.isEmpty)
    #expect(run.messages.hasPrefix(said) && run.messages.split(separator: "\n").count == 1, "\(run.messages)")
  }

  @Test func `help and version are no complaints`() async throws {
    let folder = try ScratchFolder()
    for arguments in [["--version"], ["trace", "--help"], ["help", "gaps"]] {
      let run = try await Program.run(arguments, in: folder)
      #expect(run.status == 0 && !run.output.isEmpty && run.messages.isEmpty, "\(run)")
    }
  }

  @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "needs openssl"))
  func `a central that asks for a token over TLS is asked with both, and what is missing is said in one line`()
    async throws
  {
    let line = try line()
    try await Certificates.make(in: line.scratch)
    let token = try line.scratch.write("reader.token", "token-of-a-reader-0123456789\n")
    let other = try line.scratch.write("other.token", "another-token-0123456789\n")
    let settings = try String(contentsOfFile: line.central, encoding: .utf8).replacing(
      "web: { listen: \"127.0.0.1:\(line.centralPort)\" }",
      with: """
        web: { listen: "127.0.0.1:\(line.centralPort)", certificate-file: \(line.scratch.file("central.pem")), \
        key-file: \(line.scratch.file("central.key")) }
        readers: { office: { token-file: \(token) } }
        """)
    try line.scratch.write("central.yaml", settings)
    let central = try line.startCentral()
    try await eventually("the central listens; \(central.said)") { central.said.contains("https://127.0.0.1") }
    let url = "https://localhost:\(line.centralPort)"
    let authority = line.scratch.file("authority.pem")
    for command in [["events"], ["gaps"], ["trace", "unit:SN1"]] {
      func ask(_ options: String...) async throws -> String {
        let run = try await Program.run(command + ["--central", url] + options, in: line.scratch)
        #expect(run.status == (command[0] == "trace" || !run.messages.isEmpty ? 1 : 0), "\(command) \(run)")
        #expect(run.messages.split(separator: "\n").count < 2, "\(run.messages)")
        return run.messages
      }
      #expect(
        try await ask().contains("its certificate is not trusted: give the authority that signed it with --ca-file"))
      #expect(try await ask("--ca-file", "/nowhere.pem").contains("the CA file /nowhere.pem cannot be read"))
      #expect(try await ask("--ca-file", authority).contains("Give the token of a reader with --token-file."))
      #expect(
        try await ask("--ca-file", authority, "--token-file", other).contains("none of its readers'"))
      #expect(
        try await ask("--ca-file", authority, "--token-file", "/nowhere").contains(
          "the token file /nowhere cannot be read"))
      let answered = try await ask("--ca-file", authority, "--token-file", token)
      #expect(command[0] == "trace" ? answered.contains("No event names a unit") : answered.isEmpty, "\(answered)")
    }
    central.signal(15)
    #expect(try await central.ended() == 0)
  }
}
