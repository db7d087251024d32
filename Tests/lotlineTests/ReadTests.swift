import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// `lotline read`, alone and through the daemon.
@Suite(.timeLimit(minutes: 5))
struct ReadTests {
  /// A press with one value, and a daemon's settings for it.
  private static func line(_ server: ModbusServer) throws -> LineFolder {
    let line = try LineFolder(plcs: [.init(name: "press-1", port: server.port)], scanners: [])
    try line.scratch.write(
      "devices/counter.yaml",
      """
      kind: modbus
      groups:
        process:
          every: 10s
          tags:
            force: { at: 40001, type: float32, unit: kN }
        other:
          every: 10s
          tags:
            level: { at: 40003, type: uint16 }

      """)
    return line
  }

  private static func tags(_ text: String) -> [JSON] { JSON(Array(text.utf8))?["tags"]?.items ?? [] }

  @Test func `without a daemon a connection of its own is opened`() async throws {
    let server = try await ModbusServer()
    server.update { $0.set(.holding, 0, float: 101.5) }
    let line = try Self.line(server)
    let told = try await Program.run(["read", "press-1", "--config", line.edge], in: line.scratch)
    #expect(told.status == 0, "\(told.messages)")
    #expect(told.output.contains("42cb 0000") && told.output.contains("101.5") && told.output.contains("good"))
    #expect(told.output.split(separator: "\n").allSatisfy { $0.count <= 80 })
    let one = try await Program.run(
      ["read", "press-1", "--group", "other", "--json", "--config", line.edge], in: line.scratch)
    #expect(Self.tags(one.output).map { $0["tag"]?.text } == ["level"])
    await server.stop()
    let gone = try await Program.run(["read", "press-1", "--config", line.edge], in: line.scratch)
    #expect(gone.status == 1 && gone.messages.contains("no connection"))
  }

  @Test func `a slip in a name is answered with the nearest one`() async throws {
    let server = try await ModbusServer()
    let line = try Self.line(server)
    let device = try await Program.run(["read", "pres-1", "--config", line.edge], in: line.scratch)
    #expect(device.status == 1 && device.messages.contains("did you mean \"press-1\"?"))
    let group = try await Program.run(
      ["read", "press-1", "--group", "proces", "--config", line.edge], in: line.scratch)
    #expect(group.status == 1 && group.messages.contains("did you mean \"process\"?"))
    await server.stop()
  }

  @Test func `while the daemon runs it is asked, by its socket or by its page, and reads at once`() async throws {
    let server = try await ModbusServer()
    server.write(.holding, 2, 7)
    let line = try Self.line(server)
    let edge = try line.startEdge()
    let read = ["read", "press-1", "--group", "other", "--json", "--config", line.edge]
    try await eventually("the daemon reads; \(edge.said)") {
      guard edge.said.contains("press-1") else { return false }
      return try await Program.run(read, in: line.scratch).status == 0
    }
    server.write(.holding, 2, 8)
    let told = try await Program.run(read, in: line.scratch)
    #expect(
      Self.tags(told.output).first?["value"]?.whole == 8 && Self.tags(told.output).first?["quality"]?.text == "good")
    // A name that the daemon does not know yet is the daemon's to refuse: so it was asked.
    try line.scratch.write(
      "edge.yaml",
      try String(contentsOfFile: line.edge, encoding: .utf8).replacing("press-1:", with: "press-2:"))
    let unknown = try await Program.run(["read", "press-2", "--config", line.edge], in: line.scratch)
    #expect(unknown.status == 1 && unknown.messages.contains("There is no device press-2"), "\(unknown.messages)")
    // The socket away, the page is asked.
    unlink(line.scratch.file("edge.sock"))
    let page = try await Program.run(["read", "press-2", "--config", line.edge], in: line.scratch)
    #expect(page.status == 1 && page.messages.contains("There is no device press-2"), "\(page.messages)")
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0)
    await server.stop()
  }

  @Test func `watched into a pipe, each change is a line, and with --json each round`() async throws {
    let server = try await ModbusServer()
    let line = try Self.line(server)
    let watch = ["read", "press-1", "--watch", "--every", "50ms", "--config", line.edge]
    let plain = try Program(watch, in: line.scratch, name: "watch")
    try await eventually("both tags are told; \(plain.said)") { plain.lines.count == 2 }
    server.write(.holding, 2, 9)
    try await eventually("the change is told") { plain.lines.count == 3 }
    #expect(plain.lines.last?.hasSuffix("other/level 9") == true)
    try await plain.killed()
    let rounds = try Program(watch + ["--json"], in: line.scratch, name: "rounds")
    try await eventually("three rounds are told; \(rounds.said)") { rounds.lines.count >= 3 }
    #expect(rounds.lines.prefix(3).allSatisfy { Self.tags($0).count == 2 })
    try await rounds.killed()
    await server.stop()
  }
}
