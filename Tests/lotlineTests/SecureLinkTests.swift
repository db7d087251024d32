import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Push over TLS with a token, as two PCs of a plant do it, with certificates that openssl made.
@Suite(
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "needs openssl"),
  .timeLimit(minutes: 5))
struct SecureLinkTests {
  private static let token = "token-of-the-line-0123456789"

  /// A line with one PLC whose central listens in TLS and wants a token.
  private func secured() async throws -> LineFolder {
    let plcs = try await SerialPLC.some(1)
    let line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [])
    try await Certificates.make(in: line.scratch)
    try line.scratch.write("good.token", Self.token + "\n")
    try line.scratch.write("bad.token", "another-token-0123456789\n")
    _ = try edited(line.central) { text in
      text.replacing(
        "web: { listen: \"127.0.0.1:\(line.centralPort)\" }",
        with: """
          web: { listen: "127.0.0.1:\(line.centralPort)", certificate-file: \(line.scratch.file("central.pem")), \
          key-file: \(line.scratch.file("central.key")) }
          """
      ).replacing("pc1: {}", with: "pc1: { token-file: \(line.scratch.file("good.token")) }")
    }
    return line
  }

  private func startCentral(_ line: LineFolder) async throws -> Program {
    let daemon = try line.startCentral()
    try await eventually("the central listens; \(daemon.said)") { daemon.said.contains("https://127.0.0.1") }
    return daemon
  }

  @Test(.enabled(if: FalseClock.isPossible, "\(FalseClock.reason)"))
  func `where the clock shows 1970 nothing is sent and the clock is named, and all comes once it is set`() async throws
  {
    let line = try await secured()
    let daemon = try await startCentral(line)
    let clock = try await FalseClock(in: line.scratch)
    clock.set(to: Timestamp(microseconds: 60_000_000))
    let edge = try startEdge(line, authority: "authority.pem", token: "good.token", environment: clock.environment)
    try await eventually("the clock is named; \(edge.said)") {
      let reason = try await status(line)?["central"]?["reason"]?.text ?? ""
      return reason.contains("clock shows 1970-01-01") && !reason.contains("ca-file")
    }
    let queue = try #require(try await status(line)?["queue"])
    #expect(queue["unsent"]?.whole == queue["last"]?.whole, "it fails closed: nothing went")
    // Ten years ahead the certificate is not valid any more, and the day tells why.
    clock.set(.seconds(3650 * 86_400))
    try await eventually("the day is told; \(edge.said)") {
      try await status(line)?["central"]?["reason"]?.text?.contains("today by this PC's clock") == true
    }
    clock.set(.zero)
    try await eventually("everything is at the central; \(edge.said.suffix(800))", within: .seconds(100)) {
      let status = try await status(line)
      return status?["queue"]?["unsent"]?.whole == 0 && (status?["queue"]?["last"]?.whole ?? 0) > 3
    }
    for program in [edge, daemon] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said)")
    }
  }

  @Test func `events come over TLS with the right authority and token, and over nothing else`() async throws {
    let line = try await secured()
    let daemon = try await startCentral(line)

    for (authority, token, why) in [
      ("other.pem", "good.token", "certificate"), ("authority.pem", "bad.token", "token"),
    ] {
      let edge = try startEdge(line, authority: authority, token: token)
      try await eventually("\(authority) with \(token) is refused; \(edge.said)") {
        try await status(line)?["central"]?["reason"]?.text?.lowercased().contains(why) == true
      }
      try await edge.killed()
    }
    let edge = try startEdge(line, authority: "authority.pem", token: "good.token")
    try await eventually("everything is at the central; \(edge.said.suffix(800))") {
      let status = try await status(line)
      return status?["queue"]?["unsent"]?.whole == 0 && (status?["queue"]?["last"]?.whole ?? 0) > 3
    }
    for program in [edge, daemon] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said)")
    }
  }

  private func status(_ line: LineFolder) async throws -> JSON? {
    let run = try await Program.run(["status", "--config", line.edge, "--json"], in: line.scratch)
    return JSON(Array(run.output.utf8))
  }

  private func startEdge(_ line: LineFolder, authority: String, token: String, environment: [String: String] = [:])
    throws -> Program
  {
    _ = try edited(line.edge) { text in
      text.split(separator: "\n").map { row in
        guard row.hasPrefix("central:") else { return String(row) }
        return """
          central: { url: "https://localhost:\(line.centralPort)", token-file: \(line.scratch.file(token)), \
          ca-file: \(line.scratch.file(authority)) }
          """
      }.joined(separator: "\n") + "\n"
    }
    return try line.startEdge(environment: environment)
  }

  private func edited(_ path: String, _ change: (String) -> String) throws -> String {
    let text = change(try String(contentsOfFile: path, encoding: .utf8))
    try Data(text.utf8).write(to: URL(filePath: path))
    return text
  }
}
