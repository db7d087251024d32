import Events
import Logging
import Settings
import TestParts

@testable import Devices

/// Takes reports for a test, and refuses what it is told to.
actor Reports {
  private(set) var all: [Report] = []
  private(set) var refused: [Report] = []
  private var refusals: (Report) -> Bool

  init(refusing: @escaping @Sendable (Report) -> Bool = { _ in false }) { refusals = refusing }

  func take(_ report: Report) -> Acceptance {
    if refusals(report) {
      refused.append(report)
      return .refused("the test refuses it")
    }
    all.append(report)
    return .accepted
  }

  func refuse(_ refusals: @escaping @Sendable (Report) -> Bool) { self.refusals = refusals }

  var readings: [Reading] { all.compactMap { if case .reading(let reading) = $0 { reading } else { nil } } }
  var cycles: [CycleReading] { all.compactMap { if case .cycle(let cycle) = $0 { cycle } else { nil } } }
  var holes: [Hole] { all.compactMap { if case .hole(let hole) = $0 { hole } else { nil } } }
  var findings: [Finding] { all.compactMap { if case .finding(let finding) = $0 { finding } else { nil } } }
  var states: [DeviceData.State] { all.compactMap { if case .state(let state) = $0 { state.state } else { nil } } }
  var values: [TagValue] { readings.flatMap { $0.tags.map(\.value) } }
}

/// A map written in a test, as its file would be.
func loadedMap(_ yaml: String, name: String = "test") throws -> LoadedMap {
  let folder = try ScratchFolder()
  try folder.write("\(name).yaml", yaml)
  let maps = MapFolder(path: folder.path)
  guard let map = maps.map(named: name) else { throw SettingsError(maps.problems) }
  return map
}

/// Settings of a device on loopback.
func settings(_ name: String, port: Int, map: LoadedMap, unit: UInt8 = 1) -> DeviceSettings {
  DeviceSettings(name: name, station: "ST10", map: map, link: .modbus(.tcp(host: "127.0.0.1", port: port), unit: unit))
}

/// Runs devices while `body` looks on, and ends them after it.
func running(
  _ devices: [DeviceSettings], lastCycles: [CycleKey: UInt64] = [:], into reports: Reports,
  _ body: (LineDevices) async throws -> Void
) async throws {
  var logger = Logger(label: "test")
  logger.logLevel = .critical
  let line = LineDevices(devices, lastCycles: lastCycles, logger: logger) { await reports.take($0) }
  try await withThrowingTaskGroup { group in
    group.addTask { await line.run() }
    do {
      try await body(line)
    } catch {
      group.cancelAll()
      throw error
    }
    group.cancelAll()
    try await group.waitForAll()
  }
}

/// The question that writes `value` to an acknowledge: a coil for a bit, holding registers for a counter.
func acknowledging(_ value: UInt64, at number: Int, _ type: ValueType = .uint16) throws -> Question {
  func tag(_ number: Int) -> ModbusTag {
    let table: ModbusAddress.Table = type == .bool ? .coil : .holding
    return ModbusTag(name: "word", address: ModbusAddress(table: table, number: number, text: "here"), type: type)
  }
  let permit = WritePermit(ModbusTrigger(tag: tag(number + 40), acknowledge: tag(number)))
  guard let write = permit?.acknowledging(value) else { throw Impatience(description: "\(value) may not be written") }
  return .write(write)
}
