import Events
import TestParts
import Testing

@testable import lotline

@Suite(.timeLimit(minutes: 5))
struct CheckWarningTests {
  private static let map = """
    kind: modbus
    requests: { pause: 50ms }
    groups:
      fast:
        every: 100ms
        tags:
          force: { at: 40001, type: float32 }
          speed: { at: 40002, type: int16 }
          state: { at: 40200, type: uint16 }
          open: { at: 40200.3, type: bool }
      cycle:
        trigger: { at: 40050, type: uint16 }
        tags:
          peak: { at: 40051, type: int16 }
          depth: { at: 30051, type: int16 }

    """

  private static func settings(_ folder: ScratchFolder, second: String) throws -> String {
    try folder.write("devices/press.yaml", map)
    return try folder.write(
      "edge.yaml",
      """
      source: pc1
      stations:
        ST1:
          devices:
            one: { map: press, address: "10.0.0.1:502", unit: 1 }
            two: { map: press, address: "10.0.0.1:502", unit: \(second) }

      """)
  }

  @Test func `values that share words and a cycle in parts are warned of, with their lines`() throws {
    let folder = try ScratchFolder()
    let checked = CheckedFile(try folder.write("press.yaml", Self.map))
    #expect(checked.problems.isEmpty)
    #expect(checked.warnings.map(\.field) == ["groups.fast.tags.speed", "groups.cycle"])
    #expect(checked.warnings.map(\.line) == [8, 12])
    #expect(checked.warnings[0].text.contains("speed (int16 at 40002) shares words with force (float32 at 40001)"))
  }

  @Test func `units that UCUM writes in another way are warned of, others are taken as they are`() throws {
    let folder = try ScratchFolder()
    let checked = CheckedFile(
      try folder.write(
        "oven.yaml",
        """
        kind: modbus
        groups:
          oven:
            every: 1s
            tags:
              zone: { at: 40001, type: int16, unit: °C }
              torque: { at: 40002, type: int16, unit: Nm }
              water: { at: 40003, type: int16, unit: "[psi]" }
              air: { at: 40004, type: int16, unit: psi }
              parts: { at: 40005, type: int16, unit: baskets }

        """))
    #expect(checked.problems.isEmpty)
    #expect(checked.warnings.map(\.line) == [6, 7, 9])
    #expect(
      checked.warnings.first?.text == "\"°C\" is \"Cel\" in UCUM, as which units are read: write unit: Cel")
    #expect(checked.warnings.last?.text.hasSuffix("write unit: \"[psi]\"") == true)
  }

  @Test func `an acknowledge binds a cycle's parts`() throws {
    let folder = try ScratchFolder()
    let bound = Self.map.replacing(
      "trigger: { at: 40050, type: uint16 }",
      with: "trigger: { at: 40050, type: uint16 }\n    acknowledge: { at: 40060 }")
    let checked = CheckedFile(try folder.write("press.yaml", bound))
    #expect(checked.problems.isEmpty && checked.warnings.map(\.field) == ["groups.fast.tags.speed"])
  }

  @Test func `a rate that a device cannot reach is warned of with the arithmetic`() throws {
    let folder = try ScratchFolder()
    let checked = CheckedFile(try Self.settings(folder, second: "2"))
    let texts = checked.warnings.map(\.text)
    #expect(texts.contains { $0.contains("2 requests × 60ms = 120ms (assumed: 10ms an answer and 50ms pause)") })
    #expect(texts.contains { $0.contains("one 30.0/s × 60ms + two 30.0/s × 60ms = 3.6 s of requests in each second") })
    #expect(!texts.contains { $0.contains("are both unit") })
  }

  @Test func `a rate that a serial line cannot carry is warned of with its bytes; a scanner on TCP has no line`() throws
  {
    let folder = try ScratchFolder()
    try folder.write(
      "devices/meter.yaml", "kind: modbus\ngroups: { g: { every: 20ms, tags: { e: { at: 40001, type: int64 } } } }\n")
    try folder.write("devices/gun.yaml", "kind: serial\nline: 4800 7E1\nframe: { end: \"\\r\" }\n")
    let checked = CheckedFile(
      try folder.write(
        "edge.yaml",
        """
        source: pc1
        stations:
          ST1:
            devices:
              one: { map: meter, port: /dev/ttyS0, line: 9600 8N1, unit: 1 }
              gun: { map: gun, address: "10.0.0.9:2001" }

        """))
    let texts = checked.warnings.map(\.text)
    #expect(checked.problems.isEmpty)
    // 21 bytes take 21.9 ms, twice three and a half characters 7.3 ms.
    #expect(texts.contains { $0.contains("1 request with 21 bytes of 10 bits at 9600 bits/s = 39ms") }, "\(texts)")
    #expect(texts.contains { $0.contains("one 50.0/s × 39ms = 1.96 s of requests in each second") }, "\(texts)")
    let shown = checked.devices.flatMap { $0.lines() }.joined(separator: "\n")
    #expect(shown.contains("10.0.0.9:2001") && !shown.contains("4800"))
  }

  @Test func `one device under two names is warned of`() throws {
    let folder = try ScratchFolder()
    let warnings = CheckedFile(try Self.settings(folder, second: "1")).warnings
    let twin = try #require(warnings.first { $0.text.contains("two and one are both unit 1 at 10.0.0.1:502") })
    #expect(twin.line == 6 && twin.field == "stations.ST1.devices.two")
  }

  @Test func `warnings are no errors, unless they are asked to be`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let plain = try await Program.run(["check", map], in: folder)
    #expect(plain.status == 0 && plain.output.contains("\(map):8: warning: groups.fast.tags.speed: "))
    let strict = try await Program.run(["check", map, "--strict", "--json"], in: folder)
    #expect(strict.status == 1)
    let json = try #require(JSON(Array(strict.output.utf8)))
    #expect(json["ok"]?.flag == true && json["files"]?.items?.first?["warnings"]?.items?.count == 2)
  }

  @Test func `on request every request is shown with its rate, its bytes and its tags, within 80 columns`() throws {
    let folder = try ScratchFolder()
    let checked = CheckedFile(try folder.write("press.yaml", Self.map))
    let lines = checked.text(width: 80, all: true).split(separator: "\n").map(String.init)
    let cells = lines.map { $0.split(separator: " ").map(String.init) }
    #expect(cells.contains(["fast", "poll", "100ms", "3", "holding", "0", "2", "10.0/s", "12+13"]))
    #expect(lines.contains("    force speed"))
    #expect(lines.filter { !$0.contains("warning") }.allSatisfy { $0.count <= 80 })
  }
}
