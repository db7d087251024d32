internal import Events
internal import Logging
internal import NIOConcurrencyHelpers

/// A device as others see it while it takes part in its bus: where it stands, its life, live reads.
final class BusMember: Sendable {
  let name: String
  let map: ModbusMap
  let unit: UInt8
  let board: StatusBoard
  let lastCycles: [CycleKey: UInt64]
  let logger: Logger
  let readings: ReadingSink?
  let sink: ReportSink
  /// The lamp of the line, where its coil is in this device.
  let lamp: (coil: Lamp, wish: LampSwitch)?
  /// Why it ends, once it does.
  let ending = NIOLockedValueBox(Ending.daemon)
  private let bus: ModbusBus
  private let isHolding = NIOLockedValueBox(true)

  init(
    _ settings: DeviceSettings, map: ModbusMap, unit: UInt8, on bus: ModbusBus, lastCycles: [CycleKey: UInt64],
    logger: Logger, sink: @escaping ReportSink, readings: ReadingSink? = nil, lamp: LampSwitch? = nil
  ) {
    name = settings.name
    self.map = map
    self.unit = unit
    self.bus = bus
    bus.count(1)
    self.lastCycles = lastCycles
    self.logger = logger
    self.readings = readings
    self.sink = sink
    self.lamp =
      if let lamp, let address = settings.lamp, let permit = WritePermit(lamp: address, beside: map) {
        (Lamp(permit), lamp)
      } else { nil }
    board = StatusBoard(
      DeviceStatus(
        name: settings.name, station: settings.station, kind: "modbus", address: "\(bus.place) unit \(unit)"))
  }

  deinit { leave() }

  var tap: TapPoint { bus.tap }

  /// Whoever begins from now on gets another bus.
  func giveUp() { bus.giveUp() }

  var thread: ObjectIdentifier { ObjectIdentifier(bus) }

  /// The switch of its lamp was turned.
  func lampTurned() { if lamp != nil { bus.wake() } }

  /// Takes part until the task is cancelled; returns when the device has said its last word.
  func run() async {
    await bus.attend(self)
    leave()
  }

  /// It holds its bus no more, told once.
  private func leave() {
    let isFirst = isHolding.withLockedValue { isHolding in
      defer { isHolding = false }
      return isHolding
    }
    if isFirst { bus.count(-1) }
  }

  /// Reads a group, or all of the map, over the bus's connection, in its turn between polls.
  func readout(group: String?) async throws(ReadoutFailure) -> [TagReadout] {
    let names = map.groups.map(\.name)
    if let group, !names.contains(group) {
      let why = "its map has no group \"\(group)\"; it has: \(names.joined(separator: ", "))"
      throw ReadoutFailure(.unknown, device: name, address: board.current.address, reason: why)
    }
    return try await bus.readout(of: self, group: group).get()
  }

  func failure(_ reason: String) -> ReadoutFailure {
    ReadoutFailure(device: name, address: board.current.address, reason: reason)
  }
}
