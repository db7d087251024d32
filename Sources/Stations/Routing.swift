public import Devices

/// For which station each device, and each group of a device, speaks.
public struct Routing: Sendable, Hashable {
  private let ofDevice: [String: String]
  private let ofGroup: [CycleKey: String]

  /// - Parameters:
  ///   - devices: the station of each device.
  ///   - groups: the station of each group that speaks for another one than its device.
  public init(devices: [String: String], groups: [CycleKey: String] = [:]) {
    ofDevice = devices
    ofGroup = groups
  }

  /// As the settings have it.
  public init(_ devices: [DeviceSettings]) {
    var groups: [CycleKey: String] = [:]
    for device in devices {
      for (group, station) in device.groupStations {
        groups[CycleKey(device: device.name, group: group)] = station
      }
    }
    self.init(
      devices: Dictionary(devices.map { ($0.name, $0.station) }, uniquingKeysWith: { first, _ in first }),
      groups: groups)
  }

  /// The station of a device's group, or of the device as a whole; nil for a device that nobody knows.
  func station(of device: String, group: String?) -> String? {
    group.flatMap { ofGroup[CycleKey(device: device, group: $0)] } ?? ofDevice[device]
  }

  /// All stations that a device speaks for: its own first.
  func stations(of device: String) -> [String] {
    let others = Set(ofGroup.filter { $0.key.device == device }.map(\.value)).sorted()
    return (ofDevice[device].map { [$0] } ?? []) + others.filter { $0 != ofDevice[device] }
  }

  /// Which station has to deal with a report.
  func station(for report: Report) -> String? {
    switch report {
    case .reading(let reading): station(of: reading.device, group: reading.group)
    case .cycle(let cycle): station(of: cycle.device, group: cycle.group)
    case .rest(let key, _): station(of: key.device, group: key.group)
    case .scan(let scan): station(of: scan.device, group: nil)
    case .state(let state): station(of: state.device, group: nil)
    case .hole(let hole): station(of: hole.device, group: hole.group)
    case .finding(let finding): station(of: finding.device, group: finding.group)
    }
  }
}

extension Report {
  /// The device that reports.
  var device: String {
    switch self {
    case .reading(let reading): reading.device
    case .cycle(let cycle): cycle.device
    case .rest(let key, _): key.device
    case .scan(let scan): scan.device
    case .state(let state): state.device
    case .hole(let hole): hole.device
    case .finding(let finding): finding.device
    }
  }
}
