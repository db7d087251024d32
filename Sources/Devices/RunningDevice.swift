internal import Events
internal import Logging
private import NIOConcurrencyHelpers

/// A device of either kind, by its map.
enum RunningDevice: Sendable {
  case modbus(BusMember)
  case scanner(ScannerDevice)

  /// Nil where the kind of the map and of the connection do not go together, which settings never let through.
  init?(
    _ settings: DeviceSettings, on roster: BusRoster, lastCycles: [CycleKey: UInt64], logger: Logger,
    readings: ReadingSink?, lamp: LampSwitch, sink: @escaping ReportSink
  ) {
    switch (settings.map.map, settings.link) {
    case (.modbus(let map), .modbus(let place, let unit)):
      let bus = roster.bus(at: place, named: settings.name, connection: settings.connection, logger: logger)
      self = .modbus(
        BusMember(
          settings, map: map, unit: unit, on: bus, lastCycles: lastCycles, logger: logger, sink: sink,
          readings: readings, lamp: lamp))
    case (.serial(let map), .scanner(let place)):
      self = .scanner(ScannerDevice(settings: settings, map: map, place: place, logger: logger, sink: sink))
    default: return nil
    }
  }

  func run() async {
    switch self {
    case .modbus(let device): await device.run()
    case .scanner(let device): await device.run()
    }
  }

  /// It hangs: its bus is nobody's any more.
  func giveUp() { if case .modbus(let device) = self { device.giveUp() } }

  /// Whose thread it has: devices of one bus have the same.
  var thread: ObjectIdentifier {
    switch self {
    case .modbus(let device): device.thread
    case .scanner(let device): ObjectIdentifier(device)
    }
  }

  /// It will be stopped, and not because the daemon is.
  func settingsChange() {
    switch self {
    case .modbus(let device): device.ending.withLockedValue { $0 = .settings }
    case .scanner(let device): device.ending.withLockedValue { $0 = .settings }
    }
  }

  /// The switch of the lamp was turned.
  func lampTurned() { if case .modbus(let device) = self { device.lampTurned() } }

  /// Where what passes between it and this PC can be listened to.
  var tap: TapPoint {
    switch self {
    case .modbus(let device): device.tap
    case .scanner(let device): device.tap
    }
  }

  var status: DeviceStatus {
    switch self {
    case .modbus(let device): device.board.current
    case .scanner(let device): device.status
    }
  }
}
