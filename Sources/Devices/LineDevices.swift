public import Events
public import Logging
private import NIOConcurrencyHelpers

/// All devices of a line PC: each runs on its own, comes back by itself, and reports what it reads.
///
/// A fault of one costs only its own readings. What is reported was checked to be the answer to the
/// question that was asked; nothing is written to a device but what its map declares. Other settings are taken while
/// it runs: first `stop` what they change, then `start` them; all other devices keep their connection and their counts.
public final class LineDevices: Sendable {
  private let lives: NIOLockedValueBox<[DeviceLife]>
  /// Those that were given up and whose threads have not come back.
  private let hanging = NIOLockedValueBox<[DeviceLife]>([])
  private let starts: AsyncStream<DeviceLife>
  private let starting: AsyncStream<DeviceLife>.Continuation
  private let roster: BusRoster
  private let lamp = LampSwitch()
  private let logger: Logger
  private let sink: ReportSink
  private let readings: ReadingSink?

  /// Makes the devices; nothing is opened before `run`.
  ///
  /// - Parameters:
  ///   - lastCycles: the trigger of the last committed cycle, by device and group.
  ///   - sink: takes each report and answers after its commit.
  ///   - readings: takes readings of PLCs without making their bus wait; nil: they go the way of all reports.
  public init(
    _ devices: [DeviceSettings], lastCycles: [CycleKey: UInt64], logger: Logger,
    sink: @escaping ReportSink, readings: ReadingSink? = nil
  ) {
    roster = BusRoster()
    self.logger = logger
    self.sink = sink
    self.readings = readings
    lives = NIOLockedValueBox([])
    (starts, starting) = AsyncStream.makeStream()
    start(devices, lastCycles: lastCycles)
  }

  /// Runs all devices until the task is cancelled; returns when every connection is closed.
  public func run() async {
    await withDiscardingTaskGroup { group in
      for await life in starts { group.addTask { await life.run() } }
    }
  }

  /// Where each device stands now, in the order of the settings.
  public var status: [DeviceStatus] { lives.withLockedValue { $0.map(\.status) } }

  /// Has the coil that the settings declare as the lamp of the line (`DeviceSettings.lamp`) lit or put out; nil: it is
  /// left as it is.
  ///
  /// It returns at once. A device that is away, or refuses, is tried again until its coil shows what was said last.
  public func light(_ isLit: Bool?) {
    guard lamp.set(isLit) else { return }
    for life in lives.withLockedValue({ $0 }) { life.device.lampTurned() }
  }

  /// Whether the lamp burns, as far as its device has confirmed it; nil where that is not known.
  public var isLit: Bool? { lamp.shown }

  /// Reads a device's tags now, over the connection that its polls use, in its turn between them.
  ///
  /// - Parameter group: the one group to read; nil for all of the map, triggers and acknowledges included.
  /// - Throws: `ReadoutFailure` where there is no such device or group, it is a scanner, it is away, or the daemon
  ///   stops. A device that is being connected to answers once that has ended, after five seconds at most.
  public func readout(of device: String, group: String? = nil) async throws(ReadoutFailure) -> [TagReadout] {
    let found = try life(of: device).device
    switch found {
    case .modbus(let modbus): return try await modbus.readout(group: group)
    case .scanner: throw ReadoutFailure(scanner: device, address: found.status.address)
    }
  }

  func life(of device: String) throws(ReadoutFailure) -> DeviceLife {
    let lives = lives.withLockedValue { $0 }
    if let found = lives.first(where: { $0.settings.name == device }) { return found }
    throw ReadoutFailure(
      .unknown, device: device, address: "no address",
      reason: "there is no such device; there are: \(lives.map(\.settings.name).joined(separator: ", "))")
  }

  /// What other settings would stop and start; nothing is done yet.
  public func difference(to devices: [DeviceSettings]) -> DeviceDifference {
    DeviceDifference(from: lives.withLockedValue { $0.map(\.settings) }, to: devices)
  }

  /// Stops these devices in order, each with what is to be said of it up to now; returns when their connections are closed.
  public func stop(_ names: [String]) async {
    let stopped = lives.withLockedValue { $0.filter { names.contains($0.settings.name) } }
    await withDiscardingTaskGroup { group in
      for life in stopped { group.addTask { await life.stop() } }
    }
  }

  /// Takes other settings: starts what does not run, and leaves out what is not in `devices` any more.
  ///
  /// What runs with other settings has to be stopped before. Between its stop and its first answer a device was not
  /// looked at, which is told by a `device-offline` hole.
  public func start(_ devices: [DeviceSettings], lastCycles: [CycleKey: UInt64]) {
    lives.withLockedValue { lives in
      let before = Dictionary(lives.map { ($0.settings.name, $0) }, uniquingKeysWith: { first, _ in first })
      lives = devices.compactMap { settings in
        let former = before[settings.name]
        if let former, former.stoppedAt == nil { return former }
        return begin(
          settings, lastCycles: lastCycles, since: former?.stoppedAt, because: "it was restarted to take other settings"
        )
      }
    }
  }

  /// So many threads may hang at a time: each holds its memory and descriptors.
  static let mostHanging = 8

  /// Gives up a device whose code hangs, and starts it anew on another thread; all others go on.
  ///
  /// What the old one says, should its thread ever come back, is not taken. Since when nothing was read is told by a
  /// `device-offline` hole.
  /// - Parameters:
  ///   - reason: why, for the state that is reported.
  ///   - lastCycles: the trigger of the last committed cycle, by device and group.
  /// - Returns: false where there is no such device, or too many threads hang already: it is left as it is.
  public func replace(_ name: String, because reason: String, lastCycles: [CycleKey: UInt64]) async -> Bool {
    let moment = Moment.now()
    let isReplaced = lives.withLockedValue { lives in
      guard let index = lives.firstIndex(where: { $0.settings.name == name && $0.stoppedAt == nil }) else {
        return false
      }
      let former = lives[index]
      let hasRoom = hanging.withLockedValue { hanging in
        hanging.removeAll { $0.isOver }
        let threads = Set(hanging.map(\.device.thread)).union([former.device.thread])
        guard threads.count <= Self.mostHanging else { return false }
        hanging.append(former)
        return true
      }
      guard hasRoom else { return false }
      former.giveUp()
      let place = DeviceLife.Succession(count: former.status.replacements + 1, since: moment.time, reason: reason)
      guard
        let life = begin(former.settings, lastCycles: lastCycles, since: moment, because: reason, after: place)
      else { return false }
      lives[index] = life
      return true
    }
    guard isReplaced else { return false }
    _ = await sink(.state(StateReport(device: name, moment: moment, state: .offline, reason: reason)))
    return true
  }

  private func begin(
    _ settings: DeviceSettings, lastCycles: [CycleKey: UInt64], since: Moment?, because reason: String,
    after hung: DeviceLife.Succession? = nil
  ) -> DeviceLife? {
    let gate = ReportGate()
    var logger = logger
    logger[metadataKey: "device"] = "\(settings.name)"
    logger[metadataKey: "station"] = "\(settings.station)"
    let sink = since.map { RestartHole(of: settings.name, since: $0, because: reason, self.sink).sink } ?? self.sink
    guard
      let device = RunningDevice(
        settings, on: roster, lastCycles: lastCycles, logger: logger, readings: gate.guarding(readings), lamp: lamp,
        sink: gate.guarding(sink))
    else { return nil }
    let life = DeviceLife(settings, device, gate: gate, after: hung)
    starting.yield(life)
    return life
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
  /// Times that its code hung and it was started anew.
  public var replacements: UInt64 = 0
  /// Beats with each round of the device's loop, so that a watchdog can tell work from hanging.
  public var beats: UInt64 = 0

  public init(name: String, station: String, kind: String, address: String) {
    self.name = name
    self.station = station
    self.kind = kind
    self.address = address
  }
}
