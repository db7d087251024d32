import Devices
import Events
import Foundation
import Glibc
import NIOConcurrencyHelpers
import TestParts
import Testing

/// The lamp of the line and the alarm's command, switched by the real daemon.
@Suite(.timeLimit(minutes: 5))
struct AlarmTests {
  @Test func `the lamp shows that the central is away, through a restart of its PLC, and no other coil is written`()
    async throws
  {
    let writes = NIOLockedValueBox<[ModbusServer.Write]>([])
    let plc = try await ModbusServer(count: 200) { write in writes.withLockedValue { $0.append(write) } }
    let line = try LineFolder(plcs: [.init(name: "press-1", port: plc.port)], scanners: [])
    try line.alarm("coil: { device: press-1, at: \"coil:16\", when: central-away }")
    let edge = try line.startEdge()
    try await shows(1, writes, edge)
    await plc.stop()
    writes.withLockedValue { $0 = [] }
    try await plc.start()
    try await shows(1, writes, edge)
    let central = try line.startCentral()
    try await shows(0, writes, edge)
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said)")
    #expect(writes.withLockedValue { $0.last?.values } == [1], "a daemon that is stopped captures nothing")
    let others = writes.withLockedValue { $0.filter { $0.table != .coil || $0.address != 16 || $0.values.count != 1 } }
    #expect(others.isEmpty, "\(others)")
    central.signal(SIGTERM)
    try await central.ended()
  }

  private func shows(
    _ value: UInt16, _ writes: NIOLockedValueBox<[ModbusServer.Write]>, _ edge: Program
  ) async throws {
    try await eventually("the lamp shows \(value); \(edge.said)") {
      writes.withLockedValue { $0.last?.values == [value] }
    }
  }

  @Test func `the command is run with each word, and one that fails or hangs holds nothing up`() async throws {
    let plc = try await ModbusServer(count: 200)
    let line = try LineFolder(plcs: [.init(name: "press-1", port: plc.port)], scanners: [])
    let (script, record) = (line.scratch.file("lamp"), line.scratch.file("told"))
    try line.scratch.write(
      "lamp",
      """
      #!/bin/sh
      echo "$1 $2 $LOTLINE_CAPTURE $LOTLINE_REASON$NOTIFY_SOCKET" >> \(record)
      echo no bulb
      [ "$2" != capturing ] || exit 4

      """)
    chmod(script, 0o755)
    try line.alarm("command: [\(script), --red]")
    let edge = try line.startEdge()
    func told(_ word: String) -> String? {
      let text = (try? String(contentsOfFile: record, encoding: .utf8)) ?? ""
      return text.split(separator: "\n").last.map(String.init).flatMap {
        $0.hasPrefix("--red \(word) \(word)") ? $0 : nil
      }
    }
    try await eventually("it is told that the central is away; \(edge.said)") { told("central-away") != nil }
    let central = try line.startCentral()
    try await eventually("it is told that the central is there; \(edge.said)") { told("capturing") != nil }
    try await eventually("its failure is in the log") {
      edge.said.contains("the alarm's command \(script) ended with status 4, and it said: no bulb")
    }
    await plc.stop()
    try await eventually("it is told that nothing is captured; \(edge.said)") {
      told("not-capturing")?.contains("press-1 does not run (") == true
    }
    let status = try await Program.run(["status", "--config", line.edge], in: line.scratch)
    #expect(
      status.status == 1 && status.output.split(separator: "\n").first?.contains(": not capturing: press-1") == true)
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0, "\(edge.said)")
    #expect(told("not-capturing")?.contains("the daemon was stopped") == true)
    central.signal(SIGTERM)
    try await central.ended()
  }
}

extension LineFolder {
  /// Adds an alarm to the edge's settings.
  func alarm(_ fields: String) throws {
    let text = try String(contentsOfFile: edge, encoding: .utf8)
    try scratch.write("edge.yaml", text + "alarm: { \(fields) }\n")
  }
}
