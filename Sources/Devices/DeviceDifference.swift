/// What other settings mean for the devices that run.
public struct DeviceDifference: Sendable, Hashable {
  /// Their settings or their map are others; in the order of the new settings.
  public let restarted: [String]
  public let added: [String]
  public let removed: [String]

  /// What has to be stopped before the others are started.
  public var stopped: [String] { restarted + removed }
  public var isEmpty: Bool { stopped.isEmpty && added.isEmpty }

  init(from old: [DeviceSettings], to new: [DeviceSettings]) {
    let before = Dictionary(old.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    let names = Set(new.map(\.name))
    restarted = new.filter { device in before[device.name].map { !$0.runsLike(device) } ?? false }.map(\.name)
    added = new.filter { before[$0.name] == nil }.map(\.name)
    removed = old.filter { !names.contains($0.name) }.map(\.name)
  }
}

extension DeviceSettings {
  /// Whether a device with `other` settings does the same: it need not be restarted for them.
  func runsLike(_ other: DeviceSettings) -> Bool {
    guard name == other.name, station == other.station, groupStations == other.groupStations, link == other.link,
      connection == other.connection, lamp == other.lamp
    else { return false }
    // What a comment says restarts no PLC.
    if case .modbus(let map) = map.map, case .modbus(let otherMap) = other.map.map { return map == otherMap }
    return map.text == other.map.text
  }
}
