import Events
import Foundation
import Glibc
import TestParts
import Testing

/// The whole way with parts at its ends that we did not write: pymodbus as the PLC, Python as the verifier.
@Suite(.enabled(if: Program.hasPython, "needs .parts/venv with pymodbus: make test makes it"), .timeLimit(minutes: 5))
struct ForeignPLCTests {
  @Test(arguments: ForeignPLC.Way.possible)
  func `values of every type and order travel from a foreign PLC to the central, and its cycles`(way: ForeignPLC.Way)
    async throws
  {
    let folder = try ScratchFolder()
    let ports = way == .serial ? try await JoinedPorts(in: folder) : nil
    let (plc, hello) = try await ForeignPLC.started(way, on: ports, in: folder)
    let line = try LineFolder(plcs: [.init(name: "press-1", port: 1)], scanners: [])
    let tags = try #require(hello["tags"]?.members)
    try line.scratch.write("devices/counter.yaml", map(tags))
    try line.change(
      "edge.yaml", "address: \"127.0.0.1:1\", unit: 1",
      to: ForeignPLC.link(way, port: try #require(hello["port"]?.whole), on: ports, unit: 7))
    let check = try await Program.run(["check", "--config", line.edge], in: line.scratch)
    #expect(check.status == 0, "\(check.output)\(check.messages)")

    let central = try line.startCentral()
    let edge = try line.startEdge()
    let answers = CentralAnswers(url: line.centralURL)
    try await answers.ready()
    try await compareValues(tags, answers, edge)
    try await compareReadCommand(tags, line)
    try await compareCycles(plc, answers)
    try await verifyExport(answers, line)
    for daemon in [edge, central] {
      daemon.signal(SIGTERM)
      #expect(try await daemon.ended(within: .seconds(15)) == 0, "\(daemon.said)")
    }
    try plc.say("stop")
    _ = try? await plc.ended(within: .seconds(10))
    try await ports?.end()
  }

  private func map(_ tags: [JSON.Member]) -> String {
    var text = """
      kind: modbus
      about: What the foreign PLC says that it has
      addresses: zero-based
      groups:
        values:
          every: 200ms
          report: change
          tags:

      """
    for tag in tags {
      var fields = "at: \"\(tag.value["at"]?.text ?? "")\", type: \(tag.value["type"]?.text ?? "")"
      if let order = tag.value["word-order"]?.text { fields += ", word-order: \(order)" }
      if let scale = tag.value["scale"]?.number { fields += ", scale: \(scale)" }
      if let length = tag.value["length"]?.whole { fields += ", length: \(length)" }
      if let encoding = tag.value["encoding"]?.text { fields += ", encoding: \(encoding)" }
      text += "      \(tag.name): { \(fields) }\n"
    }
    return text + """
        cycle:
          every: 20ms
          trigger: { tag: count, at: "holding:99", type: uint16 }
          acknowledge: { at: "holding:109" }
          tags:
            force: { at: "holding:101", type: float32 }
            verdict: { at: "holding:103", type: uint16, role: result, values: { 1: pass, 2: fail } }

      """
  }

  private func compareValues(_ tags: [JSON.Member], _ answers: CentralAnswers, _ edge: Program) async throws {
    var found: [String: TagValue] = [:]
    try await eventually("every value is at the central; edge: \(edge.said.suffix(800))") {
      for event in try await answers.all("/v1/events?type=lotline.reading&limit=500") {
        for tag in event["data"].flatMap({ ReadingData($0) })?.tags ?? [] { found[tag.name] = tag.value }
      }
      return found.count == tags.count
    }
    for tag in tags { #expect(isSame(try #require(found[tag.name]), tag.value), "\(tag.name)") }
  }

  private func compareReadCommand(_ tags: [JSON.Member], _ line: LineFolder) async throws {
    let read = try await Program.run(["read", "press-1", "--config", line.edge, "--json"], in: line.scratch)
    let items = try #require(JSON(Array(read.output.utf8))?["tags"]?.items, "\(read.messages)")
    for tag in tags {
      let shown = items.first { $0["tag"]?.text == tag.name }
      #expect(shown?["value"].flatMap { TagValue($0) }.map { isSame($0, tag.value) } == true, "\(tag.name)")
    }
  }

  /// A float32 may be written by either side in its shortest or its exact decimal: both are the same float32.
  private func isSame(_ found: TagValue, _ tag: JSON) -> Bool {
    guard let expected = tag["value"] else { return false }
    if found == TagValue(expected) { return true }
    // More digits than a number of the foreign side has are told as a text.
    if case .decimal(let exact) = found { return exact.text == expected.text }
    guard tag["type"]?.text == "float32", let a = found.number, let b = expected.number else { return false }
    return Float(a) == Float(b)
  }

  private func compareCycles(_ plc: Program, _ answers: CentralAnswers) async throws {
    for count in 1...5 {
      try plc.say("cycle")
      try await eventually("the PLC gets its acknowledge for cycle \(count)") {
        plc.lines.contains {
          JSON(Array($0.utf8)).map { $0["written"]?.whole == 109 && $0["values"]?.items == [.int(Int64(count))] }
            ?? false
        }
      }
    }
    var cycles: [CycleData] = []
    try await eventually("five cycles are at the central") {
      cycles = try await answers.all("/v1/events?type=lotline.cycle&limit=500").compactMap {
        $0["data"].flatMap { CycleData($0) }
      }
      return cycles.count >= 5
    }
    #expect(cycles.compactMap(\.trigger).sorted() == [1, 2, 3, 4, 5])
    for cycle in cycles {
      let trigger = try #require(cycle.trigger)
      #expect(cycle.tags.first { $0.name == "force" }?.value == .double(100 + Double(trigger) / 4))
      #expect(cycle.result == (trigger % 3 == 0 ? "fail" : "pass"))
    }
    // Only the acknowledge was ever written.
    let written = plc.lines.compactMap { JSON(Array($0.utf8))?["written"]?.whole }
    #expect(Set(written) == [109])
  }

  /// The export of the central, line by line as it is, followed by a script that knows only the contract's formula.
  private func verifyExport(_ answers: CentralAnswers, _ line: LineFolder) async throws {
    let export = try await answers.get(
      "/v1/events?source=\(LineFolder.source)&limit=1000&order=oldest", accept: "application/x-ndjson")
    let path = line.scratch.file("export.ndjson")
    let lines = export.body.split(separator: 0x0A).map { Array($0) }
    let ordered = lines.sorted { (sequence($0) ?? 0) < (sequence($1) ?? 0) }
    #expect(ordered.count == lines.count && lines.count > 5)
    try Data(ordered.flatMap { $0 + [0x0A] }).write(to: URL(filePath: path))
    let foreign = try await Program.run(
      Program.python, [Program.tree + "/Tests/foreign/verify_chain.py", path], in: line.scratch)
    #expect(foreign.status == 0, "\(foreign.output)\(foreign.messages)")
    let own = try await Program.run(["verify", path], in: line.scratch)
    #expect(own.status == 0, "\(own.output)\(own.messages)")
    let edge = try await Program.run(["verify", "--config", line.edge], in: line.scratch)
    #expect(edge.status == 0, "\(edge.output)\(edge.messages)")
    let store = try await Program.run(["verify", line.scratch.file("central.db")], in: line.scratch)
    #expect(store.status == 0, "\(store.output)\(store.messages)")
  }

  private func sequence(_ line: [UInt8]) -> UInt64? { (try? Envelope(line: line))?.id.sequence }
}
