import Events
import Foundation
import Glibc
import TestParts
import Testing

/// Several units on one bus of a foreign master of the line, as the whole daemon meets them.
@Suite(.enabled(if: Program.hasPython, "needs .parts/venv with pymodbus: make test makes it"), .timeLimit(minutes: 5))
struct ForeignBusTests {
  private static let meterMap = """
    kind: modbus
    requests: { timeout: 300ms }
    groups:
      process:
        every: 100ms
        report: always
        tags:
          first:  { at: 40001, type: uint16 }
          second: { at: 40002, type: uint16 }

    """

  /// A station with unit 7, its neighbour 8 and a unit 9 that nobody made.
  private static func line(_ way: ForeignPLC.Way, port: Int64, on ports: JoinedPorts?) throws -> LineFolder {
    let line = try LineFolder(plcs: [.init(name: "unit-7", port: 1)], scanners: [])
    try line.scratch.write("devices/meter.yaml", meterMap)
    let units = [7, 8, 9].map { "unit-\($0): { map: meter, \(ForeignPLC.link(way, port: port, on: ports, unit: $0)) }" }
    try line.change(
      "edge.yaml", "unit-7: { map: counter, address: \"127.0.0.1:1\", unit: 1 }",
      to: units.joined(separator: "\n      "))
    try line.change("edge.yaml", "central: { url: \"\(line.centralURL)\" }\n", to: "")
    return line
  }

  /// Events of a type that the edge keeps, oldest first.
  private static func events(_ line: LineFolder, _ type: String) async throws -> [JSON] {
    let answer = try await CentralAnswers(url: line.edgeURL).get("/v1/events?after=0&limit=1000")
    return answer.body.split(separator: 0x0A).compactMap { JSON(Array($0)) }.filter { $0["type"]?.text == type }
  }

  /// Where units 7, 8 and 9 stand.
  private static func states(_ line: LineFolder) async throws -> [String?] {
    let status = try await CentralAnswers(url: line.edgeURL).json("/v1/status")
    return (7...9).map { unit in
      status["devices"]?.items?.first { $0["name"]?.text == "unit-\(unit)" }?["state"]?.text
    }
  }

  @Test(arguments: ForeignPLC.Way.possible.filter { $0 != .tcp })
  func `a foreign bus with two units and a dead one is killed and comes back, and no value is another unit's`(
    way: ForeignPLC.Way
  ) async throws {
    let folder = try ScratchFolder()
    let ports = way == .serial ? try await JoinedPorts(in: folder) : nil
    let (plc, hello) = try await ForeignPLC.started(way, on: ports, in: folder)
    let port = try #require(hello["port"]?.whole)
    let line = try Self.line(way, port: port, on: ports)
    let edge = try line.startEdge()
    try await CentralAnswers(url: line.edgeURL).ready()
    try await eventually("the live units are there and the other is not; \(edge.said.suffix(800))") {
      try await Self.states(line) == ["online", "online", "offline"]
    }
    try await eventually("the dead unit holds nobody up") {
      try await Self.events(line, "lotline.reading").count { $0["data"]?["device"]?.text == "unit-8" } > 20
    }
    try await plc.killed()
    try await eventually("both are away") {
      try await Self.states(line) == ["offline", "offline", "offline"]
    }
    let (again, _) = try await ForeignPLC.started(way, on: ports, in: folder, port: port)
    try await eventually("both are back; \(edge.said.suffix(800))", within: .seconds(60)) {
      try await Self.states(line) == ["online", "online", "offline"]
    }
    try await eventually("each was away once") {
      try await Self.events(line, "lotline.gap").filter { $0["data"]?["kind"]?.text == "device-offline" }
        .compactMap { $0["data"]?["device"]?.text }.sorted() == ["unit-7", "unit-8"]
    }
    try await Self.checkValues(line)
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
    try again.say("stop")
    _ = try? await again.ended(within: .seconds(10))
    try await ports?.end()
  }

  /// Good values are those of their own unit; 7 has zeros there.
  private static func checkValues(_ line: LineFolder) async throws {
    var good: [String: Int] = [:]
    for event in try await events(line, "lotline.reading") {
      let data = try #require(event["data"].flatMap { ReadingData($0) })
      for tag in data.tags where tag.value.isGood {
        good[data.device, default: 0] += 1
        let first: Int64 = data.device == "unit-8" ? 108 : 0
        let second: Int64 = data.device == "unit-8" ? 109 : 0
        #expect(tag.value == .int(tag.name == "first" ? first : second), "\(data.device)")
      }
    }
    #expect(good["unit-7", default: 0] > 20 && good["unit-8", default: 0] > 20 && good["unit-9"] == nil, "\(good)")
  }

  @Test(.enabled(if: JoinedPorts.isPossible, "needs socat, a Debian package: make test installs it"))
  func `a server of libmodbus on a serial line has its cycles recorded and acknowledged`() async throws {
    let folder = try ScratchFolder()
    let ports = try await JoinedPorts(in: folder)
    let line = try LineFolder(plcs: [.init(name: "press-1", port: 1)], scanners: [])
    try line.change(
      "edge.yaml", "address: \"127.0.0.1:1\", unit: 1", to: ForeignPLC.link(.serial, port: 0, on: ports, unit: 3))
    try line.change("edge.yaml", "central: { url: \"\(line.centralURL)\" }\n", to: "")
    let plc = try Program(
      [
        "simulate", line.scratch.file("devices/counter.yaml"), "--serial", ports.theirs, "--line", "19200 8N1",
        "--unit", "3", "--every", "100ms", "--json",
      ], in: folder, name: "simulate")
    let edge = try line.startEdge()
    try await CentralAnswers(url: line.edgeURL).ready()
    try await eventually("ten cycles are acknowledged; \(plc.said) \(edge.said.suffix(800))") { plc.lines.count > 10 }
    let made = plc.lines.dropFirst().prefix(10).compactMap { JSON(Array($0.utf8)) }
    let recorded = try await Self.events(line, "lotline.cycle").compactMap { $0["data"].flatMap { CycleData($0) } }
    for cycle in made {
      let found = recorded.filter { $0.trigger.map(Int64.init) == cycle["cycle"]?.whole }
      #expect(found.count == 1)
      let force = found.first?.tags.first { $0.name == "force" }?.value.number.map(Float.init)
      #expect(force != nil && force == cycle["values"]?["force"]?.number.map(Float.init))
    }
    for program in [edge, plc] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said)")
    }
    try await ports.end()
  }
}
