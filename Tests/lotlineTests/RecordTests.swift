import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// `lotline record` and `lotline replay`: what was on the wire, to a file, and the same readings out of it again.
@Suite(.timeLimit(minutes: 5))
struct RecordTests {
  private static let map = """
    kind: modbus
    about: A part of what the foreign PLC has
    addresses: zero-based
    groups:
      process:
        every: 50ms
        report: always
        tags:
          whole: { at: "holding:200", type: int16 }
          input: { at: "input:1", type: uint16, scale: 0.1, unit: Cel }
          coil: { at: "coil:5", type: bool }
          missing: { at: "holding:9000", type: uint16 }
      cycle:
        every: 20ms
        trigger: { tag: count, at: "holding:99", type: uint16 }
        acknowledge: { at: "holding:109" }
        tags:
          force: { at: "holding:101", type: float32, unit: kN }
          verdict: { at: "holding:103", type: uint16, role: result, values: { 1: pass, 2: fail } }

    """

  /// What `replay --json` printed, line by line.
  private static func outcomes(_ text: String) -> [JSON] {
    text.split(separator: "\n").compactMap { JSON(Array($0.utf8)) }
  }

  private static func values(_ outcomes: [JSON], _ group: String) -> [[JSON.Member]] {
    outcomes.filter { $0["group"]?.text == group }.compactMap { $0["tags"]?.members }
  }

  @Test(.enabled(if: Program.hasPython, "needs .parts/venv with pymodbus: make test makes it"))
  func `a session of the daemon with a foreign PLC is recorded beside it, and replays to the daemon's readings`()
    async throws
  {
    let folder = try ScratchFolder()
    let plc = try Program(Program.python, [Program.tree + "/Tests/foreign/plc.py"], in: folder, name: "plc")
    try await eventually("the PLC names its port; \(plc.said)") { plc.lines.first.map { JSON(Array($0.utf8)) } != nil }
    let port = try #require(plc.lines.first.flatMap { JSON(Array($0.utf8))?["port"]?.whole })
    let line = try LineFolder(plcs: [.init(name: "press-1", port: Int(port))], scanners: [])
    try line.scratch.write("devices/counter.yaml", Self.map)
    try line.change("edge.yaml", "unit: 1", to: "unit: 7")
    let edge = try line.startEdge()
    try await eventually("the daemon reads; \(edge.said)") { edge.said.contains("answers") }
    let path = line.scratch.file("session.jsonl")
    let record = try Program(
      ["record", "press-1", "-o", path, "--config", line.edge], in: line.scratch, name: "record")
    let recorded = { String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self) }
    try await eventually("something is recorded; \(record.said)") { recorded().contains("received") }
    for count in 1...3 {
      try plc.say("cycle")
      try await eventually("cycle \(count) is acknowledged") {
        plc.lines.contains { JSON(Array($0.utf8)).map { $0["values"]?.items == [.int(Int64(count))] } ?? false }
      }
    }
    let length = recorded().count
    try await eventually("what comes after the last acknowledge is recorded") { recorded().count > length + 1000 }
    record.signal(SIGINT)
    #expect(try await record.ended() == 0, "\(record.said)")
    #expect(record.said.contains("as the edge at"))
    let other = line.scratch.file("other.jsonl")
    let second = try Program(
      ["record", "press-1", "-o", other, "--config", line.edge], in: line.scratch, name: "record")
    try await eventually("a second one is under way; \(second.said)") {
      String(decoding: FileManager.default.contents(atPath: other) ?? Data(), as: UTF8.self).contains("received")
    }
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(5)) == 0, "whoever listens does not hold it up: \(edge.said)")
    #expect(try await second.ended(within: .seconds(5)) == 0, "\(second.said)")
    try plc.say("stop")
    try await compare(path, with: line)
  }

  /// The replay of a recording has the readings that the daemon recorded at its times.
  private func compare(_ path: String, with line: LineFolder) async throws {
    let replayed = try await Program.run(["replay", path, "--json"], in: line.scratch)
    let outcomes = Self.outcomes(replayed.output)
    #expect(outcomes.count > 10, "\(replayed.messages)")
    // A register that the PLC does not have is refused, which is a fault of the wire's.
    let faults = outcomes.compactMap { $0["fault"]?.text }
    #expect(faults.allSatisfy { $0.contains("from holding:9000") }, "\(faults)")
    #expect(Set(outcomes.compactMap { $0["written"]?.text }) == Set((1...3).map { "write of \($0) to holding:109" }))
    let process = Self.values(outcomes, "process")
    #expect(process.contains { $0.first?.name == "whole" && $0.first?.value == .int(-123) })
    #expect(process.contains { $0.first?.name == "input" && $0.first?.value.number == 30 })
    #expect(process.contains { $0.first?.name == "coil" && $0.first?.value == .bool(true) })
    let blocks = Self.values(outcomes, "cycle").filter { $0.contains { $0.name == "force" } }
    #expect(blocks.map { $0.first { $0.name == "force" }?.value.number } == [100.25, 100.5, 100.75])
    #expect(blocks.map { $0.first { $0.name == "verdict" }?.value.text } == ["pass", "pass", "fail"])
    let events = try await Program.run(
      ["verify", line.scratch.file("queue.db"), "--config", line.edge], in: line.scratch)
    #expect(events.status == 0, "\(events.messages)")
    let table = try await Program.run(["replay", path], in: line.scratch)
    #expect(table.output.contains("process/input  30.0 Cel") && table.output.contains("cycle/force"), "\(table.output)")
  }

  @Test func `without a daemon a PLC is asked as its map plans, and told nothing; a kill leaves a file that replays`()
    async throws
  {
    let writes = WrittenRegisters()
    let server = try await ModbusServer(onWrite: { writes.add($0) })
    server.write(.holding, 100, 5)
    server.write(.holding, 110, 4)
    let line = try LineFolder(plcs: [.init(name: "press-1", port: server.port)], scanners: [])
    let path = line.scratch.file("killed.jsonl")
    let record = try Program(
      ["record", "press-1", "-o", path, "--config", line.edge], in: line.scratch, name: "record")
    try await eventually("ten answers are recorded; \(record.said)") {
      String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
        .split(separator: "\n").count { $0.contains("received") } > 10
    }
    try await record.killed()
    #expect(writes.all.isEmpty)
    let replayed = try await Program.run(["replay", path, "--json"], in: line.scratch)
    #expect(replayed.status == 0, "\(replayed.messages)")
    #expect(Self.values(Self.outcomes(replayed.output), "cycle").contains { $0.contains(.init("count", .int(5))) })
    let again = try await Program.run(["record", "press-1", "-o", path, "--config", line.edge], in: line.scratch)
    #expect(again.status == 1 && again.messages.contains("File exists: it is not written over"))
    await server.stop()
    let gone = try await Program.run(
      ["record", "press-1", "--for", "300ms", "-o", line.scratch.file("gone.jsonl"), "--config", line.edge],
      in: line.scratch)
    #expect(gone.status == 1 && gone.messages.contains("nothing came from press-1"), "\(gone.messages)")
    let noted = try await Program.run(["replay", line.scratch.file("gone.jsonl")], in: line.scratch)
    #expect(noted.status == 1 && noted.output.contains("no connection: Connection refused"), "\(noted.output)")
  }

  @Test func `a scanner that the daemon holds is recorded with its answers, up to the size that was asked for`()
    async throws
  {
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun"))
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: gun.link)])
    let edge = try line.startEdge()
    try await eventually("the daemon listens; \(edge.said)") { edge.said.contains("online") }
    let path = line.scratch.file("gun.jsonl")
    let record = try Program(
      ["record", "gun-1", "-o", path, "--limit", "2kB", "--config", line.edge], in: line.scratch, name: "record")
    try await eventually("it records; \(record.said)") { FileManager.default.contents(atPath: path)?.isEmpty == false }
    while record.isRunning { _ = try await gun.scan(Array("OP-1234\r".utf8)) }
    #expect(try await record.ended() == 0, "\(record.said)")
    #expect(try #require(FileManager.default.contents(atPath: path)).count <= 2000)
    let replayed = try await Program.run(["replay", path], in: line.scratch)
    #expect(replayed.status == 0 && replayed.output.contains("OP-1234: operator 1234"), "\(replayed.messages)")
    #expect(replayed.output.contains("answer \"\\x06\", accepted"))
    #expect(replayed.output.contains("its limit of 2kB was reached"))
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
  }

  @Test func `a recording of a press replays to the values that it had then, with its map and with a better one`()
    async throws
  {
    let folder = try ScratchFolder()
    let file = Program.tree + "/Tests/recorded/press.jsonl"
    let replayed = try await Program.run(["replay", file, "--json"], in: folder)
    let outcomes = Self.outcomes(replayed.output)
    #expect(replayed.status == 1 && outcomes.count { $0["fault"] != nil } == 2, "\(replayed.messages)")
    #expect(outcomes.compactMap { $0["fault"]?.text }.first == "no answer within 500ms: \(Self.asked)")
    let forces = Self.values(outcomes, "process").compactMap { $0.first?.value.number }
    #expect(forces == [81.5, 80.25, 80.25, 79])
    try folder.write("swapped.yaml", Self.pressMap.replacing("uint16", with: "int16, scale: 0.1"))
    let better = try await Program.run(["replay", file, "--map", folder.file("swapped.yaml")], in: folder)
    #expect(better.output.contains("process/oil    -1.5"), "\(better.output)")
    let wrong = try await Program.run(["replay", Program.tree + "/README.md"], in: folder)
    #expect(wrong.status == 1 && wrong.messages.contains("README.md:1: it is no recording"))
  }

  private static let asked = "function 3, 3 registers from holding:0"
  private static let pressMap = """
    kind: modbus
    addresses: zero-based
    groups:
      process:
        every: 200ms
        tags:
          force: { at: "holding:0", type: float32, unit: kN }
          oil: { at: "holding:2", type: uint16 }

    """
}

/// What a simulated PLC was told.
///
/// `@unchecked` because every access to `writes` is under `lock`.
private final class WrittenRegisters: @unchecked Sendable {
  private let lock = NSLock()
  private var writes: [ModbusServer.Write] = []

  var all: [ModbusServer.Write] { lock.withLock { writes } }
  func add(_ write: ModbusServer.Write) { lock.withLock { writes.append(write) } }
}
