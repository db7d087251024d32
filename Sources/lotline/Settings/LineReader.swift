import Devices
import Settings
import Stations

/// Reads `stations` with their devices, and the rules that look at more than one of them.
struct LineReader {
  private(set) var stations: [StationSettings] = []
  private(set) var devices: [DeviceSettings] = []
  /// Where each device stands in the file.
  private var lines: [String: Int] = [:]

  init(_ node: SettingsNode?, maps: MapFolder) {
    guard let node else { return }
    let entries = node.entries(of: "a mapping of stations by name")
    if entries.isEmpty, node.isMapping || node.isEmpty {
      node.refuse(found: "no station", allowed: "at least one: ST10: { devices: … }")
    }
    let names = entries.map(\.name)
    var owners: [String: String] = [:]
    for (name, entry) in entries {
      guard entry.checkName(name, of: "station") else { continue }
      var fields = entry.fields(of: "a station: title, product, cycle-needs, devices, …")
      stations.append(StationSettings(name: name, &fields))
      for (device, deviceNode) in fields.optional("devices")?.entries(of: "a mapping of devices by name") ?? [] {
        if let owner = owners[device] {
          deviceNode.refuse(
            found: "\"\(device)\" again, which station \(owner) has already",
            allowed: "a name that no other device has")
        } else {
          owners[device] = name
        }
        Self.checkStations(deviceNode, names)
        if let settings = DeviceSettings(name: device, station: name, node: deviceNode, maps: maps) {
          checkBus(of: settings, deviceNode)
          devices.append(settings)
          lines[device] = deviceNode.line
        }
      }
      fields.close()
    }
  }

  /// Devices on one bus must say the same of it.
  private func checkBus(of device: DeviceSettings, _ node: SettingsNode) {
    for other in devices {
      guard let conflict = device.conflict(with: other) else { continue }
      node.refuse(
        found: conflict.found,
        allowed: "\(conflict.allowed) (see \"\(other.name)\" in line \(lines[other.name] ?? 0))")
      return
    }
  }

  /// Groups can only speak for stations that there are.
  private static func checkStations(_ device: SettingsNode, _ names: [String]) {
    guard device.isMapping else { return }
    var fields = device.fields(of: "a device")
    guard let stations = fields.optional("stations"), stations.isMapping else { return }
    for (_, node) in stations.entries(of: "a mapping of groups to stations") {
      guard let name = node.text, !names.contains(name) else { continue }
      node.refuse(
        found: "\"\(name)\", a station that is not here", allowed: names.joined(separator: ", "),
        nearest: nearestName(to: name, among: names))
    }
  }
}
