public import Settings

/// One device of the settings: its name, its map, where it is, and for which stations it speaks.
public struct DeviceSettings: Sendable {
  public let name: String
  /// The station that the settings list it under.
  public let station: String
  /// Groups that belong to another station.
  public let groupStations: [String: String]
  public let map: LoadedMap
  public let link: Link

  /// How the device is reached.
  public enum Link: Sendable, Hashable {
    /// Modbus TCP: host name or address, port, and unit id.
    case modbus(host: String, port: Int, unit: UInt8)
    /// A serial line, by a name that stays the same (`/dev/serial/by-id/…`).
    case serial(path: String)
  }

  public init(name: String, station: String, groupStations: [String: String] = [:], map: LoadedMap, link: Link) {
    self.name = name
    self.station = station
    self.groupStations = groupStations
    self.map = map
    self.link = link
  }

  /// The station that a group (nil: the device as a whole) speaks for.
  public func station(ofGroup group: String?) -> String {
    group.flatMap { groupStations[$0] } ?? station
  }

  /// Reads one entry of a station's `devices`; nil if it cannot be used, with the problems in its file or in `maps`.
  public init?(name: String, station: String, node: SettingsNode, maps: MapFolder) {
    return nil
  }
}
