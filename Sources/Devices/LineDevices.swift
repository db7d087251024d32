public import Events
public import Logging

/// All devices of a line PC: each runs on its own, comes back by itself, and reports what it reads.
///
/// A fault of one costs only its own readings. What is reported was checked to be the answer to the
/// question that was asked; nothing is written to a device but what its map declares.
public struct LineDevices: Sendable {
  private let devices: [RunningDevice]

  /// Makes the devices; nothing is opened before `run`.
  ///
  /// - Parameters:
  ///   - lastCycles: the trigger of the last committed cycle, by device and group.
  ///   - sink: takes each report and answers after its commit.
  public init(
    _ devices: [DeviceSettings], lastCycles: [CycleKey: UInt64], logger: Logger, sink: @escaping ReportSink
  ) {
    self.devices = devices.compactMap { RunningDevice($0, lastCycles: lastCycles, logger: logger, sink: sink) }
  }

  /// Runs all devices until the task is cancelled; returns when every connection is closed.
  public func run() async {
    await withTaskGroup { group in
      for device in devices { group.addTask { await device.run() } }
      // Without any device there is nothing to wait for, and still this must not return before it is cancelled.
      if devices.isEmpty { group.addTask { try? await Task.sleep(for: .seconds(1 << 30)) } }
    }
  }

  /// Where each device stands now, in the order of the settings.
  public var status: [DeviceStatus] { devices.map(\.status) }

  /// Reads a device's tags now, over the connection that its polls use, in its turn between them.
  ///
  /// - Parameter group: the one group to read; nil for all of the map, triggers and acknowledges included.
  /// - Throws: `ReadoutFailure` where there is no such device or group, it is a scanner, it is away, or the daemon
  ///   stops. A device that is being connected to answers once that has ended, after five seconds at most.
  public func readout(of device: String, group: String? = nil) async throws(ReadoutFailure) -> [TagReadout] {
    guard let found = devices.first(where: { $0.status.name == device }) else {
      throw ReadoutFailure(
        device: device, address: "no address",
        reason: "there is no such device; there are: \(status.map(\.name).joined(separator: ", "))")
    }
    switch found {
    case .modbus(let modbus): return try await modbus.readout(group: group)
    case .scanner: throw ReadoutFailure(scanner: device, address: found.status.address)
    }
  }
}

/// A device of either kind, by its map.
private enum RunningDevice: Sendable {
  case modbus(ModbusDevice)
  case scanner(ScannerDevice)

  /// Nil where the kind of the map and of the connection do not go together, which settings never let through.
  init?(
    _ settings: DeviceSettings, lastCycles: [CycleKey: UInt64], logger: Logger, sink: @escaping ReportSink
  ) {
    switch (settings.map.map, settings.link) {
    case (.modbus(let map), .modbus(.tcp(let host, let port), let unit)):
      self = .modbus(
        ModbusDevice(
          name: settings.name, station: settings.station, map: map, host: host, port: port, unit: unit,
          lastCycles: lastCycles, logger: logger, sink: sink))
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

  var status: DeviceStatus {
    switch self {
    case .modbus(let device): device.board.current
    case .scanner(let device): device.status
    }
  }
}

/// Which cycle: a group of a device.
public struct CycleKey: Sendable, Hashable {
  public let device: String
  public let group: String

  public init(device: String, group: String) {
    self.device = device
    self.group = group
  }
}

/// Where one device stands: for the page, `status` and the metrics.
public struct DeviceStatus: Sendable, Hashable {
  public var name: String
  public var station: String
  /// `modbus` or `serial`.
  public var kind: String
  /// `host:port` with the unit, or the serial line's path.
  public var address: String
  /// Nil until the first attempt has ended.
  public var state: DeviceData.State?
  public var since: Timestamp?
  public var reason: String?
  /// The last good answer or frame.
  public var lastGood: Timestamp?
  /// Requests that were answered well, or frames.
  public var good: UInt64 = 0
  /// Refused answers and failures, by kind (`timeout`, `unit`, `transaction`, …).
  public var faults: [String: UInt64] = [:]
  public var missedPolls: UInt64 = 0
  /// Cycles that a PLC showed again although they were on disk: acknowledged again, and not recorded.
  public var repeatedCycles: UInt64 = 0
  /// Beats with each round of the device's loop, so that a watchdog can tell work from hanging.
  public var beats: UInt64 = 0

  public init(name: String, station: String, kind: String, address: String) {
    self.name = name
    self.station = station
    self.kind = kind
    self.address = address
  }
}
