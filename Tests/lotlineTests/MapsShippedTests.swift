import Devices
import Events
import Foundation
import Logging
import Settings
import TestParts
import Testing

@testable import lotline

/// Each map in `devices` is checked, played by the simulator and read back, as it is delivered.
@Suite(.timeLimit(minutes: 5)) struct MapsShippedTests {
  static let folder = Program.tree + "/devices"
  /// Maps that show what a map can say, of no model in particular.
  static let examples = [
    "end-of-line", "hydraulic-press", "label-scanner", "leak-tester", "line-scanner", "screwdriver",
  ]

  /// The maps of a kind, by name.
  static func names(_ isWanted: (DeviceMap) -> Bool = { _ in true }) -> [String] {
    let maps = MapFolder(path: folder)
    return maps.names.filter { name in maps.map(named: name).map { isWanted($0.map) } ?? false }
  }

  static let plcs = names { if case .modbus = $0 { true } else { false } }
  static let scanners = names { if case .serial = $0 { true } else { false } }

  private static func text(_ file: String) throws -> String {
    try String(contentsOfFile: "\(folder)/\(file)", encoding: .utf8)
  }

  @Test func `there are at least twelve models, and all of the maps can be read`() throws {
    let files = try FileManager.default.contentsOfDirectory(atPath: Self.folder).filter { $0.hasSuffix(".yaml") }
    #expect(files.map { String($0.dropLast(5)) }.sorted() == (Self.plcs + Self.scanners).sorted())
    #expect(files.count - Self.examples.count >= 12)
  }

  @Test(arguments: names())
  func `a map has nothing wrong, and names its document here and in the README`(name: String) throws {
    let checked = CheckedFile("\(Self.folder)/\(name).yaml")
    #expect(checked.problems.isEmpty && checked.kind == .map)
    let rows = try Self.text("README.md").split(separator: "\n").filter { $0.hasPrefix("| `\(name).yaml` |") }
    #expect(rows.count == 1, "the README's tables have \(rows.count) rows for \(name).yaml")
    guard !Self.examples.contains(name) else { return }
    let row = try #require(rows.first)
    #expect(row.split(separator: "|").count == 3, "a row says the map, the model and the document")
    let comment = try Self.text("\(name).yaml").split(separator: "\n").prefix { $0.hasPrefix("#") }
    #expect(comment.contains { $0.hasPrefix("# Document: ") || $0.hasPrefix("# Documents: ") })
    let words = comment.map { $0.dropFirst(2) }.joined(separator: " ")
    for title in row.matches(of: /"([^"]+)"/) { #expect(words.contains(title.output.1)) }
  }

  /// What is told of a device until a test has seen enough.
  private actor Desk {
    private(set) var readings: [String: Reading] = [:]
    private(set) var cycles: [CycleReading] = []
    private(set) var scans: [Scan] = []

    func take(_ report: Report) -> Acceptance {
      switch report {
      case .reading(let reading): readings[reading.group] = reading
      case .cycle(let cycle): cycles.append(cycle)
      case .scan(let scan): scans.append(scan)
      default: break
      }
      return .accepted
    }
  }

  /// Runs the device `fields` of a line PC's settings, with the shipped maps beside them, while `body` looks at it.
  private static func run(
    _ fields: String, _ body: (DeviceSettings, LineDevices, Desk) async throws -> Void
  ) async throws {
    let scratch = try ScratchFolder()
    try FileManager.default.createSymbolicLink(
      atPath: scratch.file("devices"), withDestinationPath: folder)
    try scratch.write("edge.yaml", "source: pc1\nstations:\n  ST10:\n    devices:\n      device: \(fields)\n")
    let settings = try EdgeSettings.read(scratch.file("edge.yaml"))
    let device = try #require(settings.devices.first)
    let desk = Desk()
    let running = LineDevices(
      settings.devices, lastCycles: [:], logger: Logger(label: "maps") { _ in SwiftLogNoOpLogHandler() }
    ) {
      await desk.take($0)
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await running.run() }
      try await body(device, running, desk)
      group.cancelAll()
    }
  }

  @Test(arguments: plcs)
  func `a PLC that the simulator makes from a map is read as it is`(name: String) async throws {
    let map = try #require(MapFolder(path: Self.folder).map(named: name))
    guard case .modbus(let modbus) = map.map else { return }
    let plc = try await SimulatedPLC(name: name, map: modbus, numbers: SeededNumbers(seed: 7))
    for _ in 0..<3 { await plc.drift() }
    try await Self.run("{ map: \(name), address: \"127.0.0.1:\(plc.server.port)\" }") { device, running, desk in
      let polled = modbus.groups.filter { $0.trigger == nil }
      try await eventually("each group of \(name) was read") { await desk.readings.count == polled.count }
      let read = await desk.readings
      let values = polled.flatMap { group in (read[group.name]?.tags ?? []).map { Named(group.name, $0) } }
      let shown = await plc.values.prefix(polled.map(\.tags.count).reduce(0, +))
      #expect(values.count == shown.count)
      for (value, shown) in zip(values, shown) { #expect(value.agrees(with: shown), "\(value), shown \(shown.value)") }
      if let cycle = modbus.groups.first(where: { $0.trigger != nil }) {
        // A bit that is set when the first poll comes is no rise.
        try await eventually("\(name) was asked") { running.status.allSatisfy { $0.good > 0 } }
        let made = try #require(await plc.cycle())
        try await eventually("the cycle of \(name) was recorded") { await !desk.cycles.isEmpty }
        let recorded = try #require(await desk.cycles.first)
        #expect(recorded.trigger == made.trigger && recorded.tags.map(\.name) == cycle.tags.map(\.name))
        for (tag, shown) in zip(recorded.tags, await plc.values.dropFirst(shown.count)) {
          let value = Named(cycle.name, tag)
          #expect(value.agrees(with: shown), "\(value), shown \(shown.value)")
        }
        if cycle.tags.contains(where: { $0.role == "result" }) { #expect(recorded.result == made.result) }
      }
      let readouts = try await DeviceReadout(device).read()
      #expect(readouts.count >= shown.count && readouts.allSatisfy(\.value.isGood))
    }
  }

  /// A tag's value with where it is from, for messages.
  private struct Named: CustomStringConvertible {
    let group: String
    let tag: Events.Tag

    init(_ group: String, _ tag: Events.Tag) { (self.group, self.tag) = (group, tag) }

    var description: String { "\(group).\(tag.name) is \(tag.value)" }

    func agrees(with simulated: (tag: ModbusTag, value: Ledger.Value)) -> Bool {
      guard tag.name == simulated.tag.name else { return false }
      switch (tag.value, simulated.value) {
      case (.bool(let read), .flag(let shown)): return read == shown
      case (.string(let read), .text(let shown)): return read == shown
      case (.int(let read), .number(let shown)): return Double(read) == shown
      case (.double(let read), .number(let shown)): return abs(read - shown) <= 1e-9 * max(1, abs(shown))
      default: return false
      }
    }
  }

  /// Codes for each scanner's map, as the scanner sends them, and what they say.
  static let samples: [String: [(code: String, roles: String)]] = [
    "line-scanner": [
      ("OP-1234", "operator=1234"), ("LOT-L2311", "lot=L2311"), ("SN00042", "unit=SN00042"), ("WO-7", "order=7"),
      ("PART-P9", "product=P9"), ("COIL-C55", "materials.coil=COIL-C55"), ("COMP-SEAL-1", "component=COMP-SEAL-1"),
      ("TRAY-3", "carrier=3"), ("CMD:END-LOT", "command=END-LOT"), ("NOREAD", "no-read=NOREAD"), ("OP-12", ""),
    ],
    "label-scanner": [
      ("]C0OP-1234", "operator=1234"), ("]C0CMD:SCRAP", "command=SCRAP"),
      ("]C100395011015300000011", "carrier=395011015300000011"),
      ("]d2010950600013435210C7", "materials.coil=gtin:09506000134352~C7"),
      (
        "]d2010950600013436910L1\u{1D}21S1",
        "lot=gtin:09506000134369~L1 unit=gtin:09506000134369~S1 product=09506000134369"
      ),
      (
        "]L2[)>\u{1E}06\u{1D}P4711\u{1D}1TL7\u{1D}VACME\u{1D}KPO-9\u{1E}\u{04}",
        "materials.sheet=supplier:ACME~L7 order=PO-9"
      ), ("]A01TL7", "materials.sheet=L7"), ("]E09506000134352", "product=09506000134352"), ("]C0X", ""),
    ],
    "honeywell-xenon-1900": [
      ("OP-1234", "operator=1234"), ("SN00042", "unit=SN00042"), ("COIL-C55", "materials.coil=COIL-C55"),
      ("CMD:LOGOUT", "command=LOGOUT"), ("4006381333931", ""),
    ],
    "zebra-ds6608": [
      ("]C0OP-1234", "operator=1234"), ("]d1SN00042", "unit=SN00042"), ("]C0COMP-SEAL-1", "component=COMP-SEAL-1"),
      ("]d2010950600013436910L1\u{1D}21S1", "lot=gtin:09506000134369~L1 unit=gtin:09506000134369~S1"),
      ("]E04006381333931", ""),
    ],
    "datalogic-gryphon-d432": [
      ("OP-1234", "operator=1234"), ("WO-7", "order=7"), ("PART-P9", "product=P9"), ("TRAY-3", "carrier=3"),
      ("SN00042", "unit=SN00042"),
    ],
    "keyence-sr-750": [("SN00042", "unit=SN00042"), ("ERROR", "no-read=ERROR"), ("TRAY-3", "carrier=3")],
    "cognex-dataman": [
      ("SN00042", "unit=SN00042"), ("NOREAD", "no-read=NOREAD"), ("COMP-SEAL-1", "component=COMP-SEAL-1"),
    ],
    "seeed-rdm6300": [("010063E9AE", "operator=010063E9AE"), ("100086F444", "operator=100086F444")],
  ]

  @Test(arguments: scanners)
  func `a scanner that the simulator plays says what its map's codes mean`(name: String) async throws {
    let samples = try #require(Self.samples[name], "no sample codes for \(name)")
    guard case .serial(let map) = try #require(MapFolder(path: Self.folder).map(named: name)).map else { return }
    let scratch = try ScratchFolder()
    let gun = try SimulatedScanner(link: scratch.file("gun"))
    try await Self.run("{ map: \(name), port: \(gun.link) }") { _, running, desk in
      // What is sent before the line is open is nobody's.
      try await eventually("the scanner is there") { running.status.allSatisfy { $0.state == .online } }
      for sample in samples {
        let frame = map.frame.frame(of: Array(sample.code.utf8))
        let answer = try await gun.scan(frame, answerWithin: map.acknowledge.accepted.isEmpty ? .zero : .seconds(10))
        #expect(answer == map.acknowledge.accepted)
        try await eventually("\(sample.code) was scanned") { await desk.scans.contains { $0.raw == frame } }
        let scan = try #require(await desk.scans.first { $0.raw == frame })
        #expect(scan.roles.map { "\($0.name)=\($0.value)" }.joined(separator: " ") == sample.roles)
        #expect(scan.problem == nil)
      }
    }
  }
}
