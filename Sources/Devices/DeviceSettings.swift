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
  public let connection: Connection
  /// The coil that shows on the line whether readings are kept; `takeLamp` sets it.
  public internal(set) var lamp: ModbusAddress?

  /// What a Modbus device has to itself of the connections to its address.
  public enum Connection: Sendable, Hashable {
    /// One for itself, beside those of the others.
    case own
    /// The devices at the address are divided among so many at most.
    case shared(atMost: Int)
  }

  /// How the device is reached.
  public enum Link: Sendable, Hashable {
    case modbus(ModbusPlace, unit: UInt8)
    case scanner(ScannerPlace)
  }

  public init(
    name: String, station: String, groupStations: [String: String] = [:], map: LoadedMap, link: Link,
    connection: Connection = .shared(atMost: 1)
  ) {
    self.name = name
    self.station = station
    self.groupStations = groupStations
    self.map = map
    self.link = link
    self.connection = connection
  }

  /// The station that a group (nil: the device as a whole) speaks for.
  public func station(ofGroup group: String?) -> String {
    group.flatMap { groupStations[$0] } ?? station
  }

  /// Reads one entry of a station's `devices`; nil if it cannot be used, with the problems in its file or in `maps`.
  public init?(name: String, station: String, node: SettingsNode, maps: MapFolder) {
    if !Self.isName(name) {
      node.refuse(
        found: "the device name \"\(name.prefix(80))\"",
        allowed: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")
    }
    var fields = node.fields(of: "map, and address (Modbus), or port, usb or address (a scanner)")
    defer { fields.close() }
    let map = Self.map(&fields, maps)
    let groupStations = Self.groupStations(&fields, map)
    let link = Self.link(&fields, of: map?.map)
    guard let map, let (link, connection) = link else { return nil }
    self.init(
      name: name, station: station, groupStations: groupStations, map: map, link: link,
      connection: connection)
  }

  /// Reads how the device is reached; where the map is not known nothing can be said of it.
  private static func link(_ fields: inout Fields, of map: DeviceMap?) -> (link: Link, connection: Connection)? {
    switch map {
    case .modbus: return modbusLink(&fields)
    case .serial: return scannerLink(&fields).map { ($0, .shared(atMost: 1)) }
    case nil:
      for name in ["address", "unit", "port", "usb", "line", "framing", "connection"] { _ = fields.optional(name) }
      return nil
    }
  }

  /// The form of device and station names.
  private static func isName(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count), let first = name.first, first.isLetter || first.isNumber else {
      return false
    }
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "._-".contains($0)) }
  }

  private static func map(_ fields: inout Fields, _ maps: MapFolder) -> LoadedMap? {
    guard fields.required("map", "the name of a map in \(maps.path)") != nil,
      let name = fields.text("map", "the name of a map in \(maps.path)")
    else { return nil }
    let known = maps.names
    guard isName(name), maps.exists(name) else {
      let listed = known.prefix(12).joined(separator: ", ") + (known.count > 12 ? ", ..." : "")
      fields.optional("map")?.refuse(
        allowed: known.isEmpty ? "a map in \(maps.path), which has none" : "a map in \(maps.path): \(listed)",
        nearest: nearestName(to: mapName(in: name), among: known))
      return nil
    }
    return maps.map(named: name)
  }

  /// `mine` of `devices/mine.yaml`.
  private static func mapName(in text: String) -> String {
    let file = text.split(separator: "/").last.map(String.init) ?? text
    for ending in [".yaml", ".yml"] where file.lowercased().hasSuffix(ending) {
      return String(file.dropLast(ending.count))
    }
    return file
  }

  private static func groupStations(_ fields: inout Fields, _ map: LoadedMap?) -> [String: String] {
    guard let node = fields.optional("stations") else { return [:] }
    var stations: [String: String] = [:]
    for entry in node.entries(of: "groups of the map with the station of each, such as { cycle-b: ST20 }") {
      if case .modbus(let modbus) = map?.map, !modbus.groups.contains(where: { $0.name == entry.name }) {
        let groups = modbus.groups.map(\.name)
        entry.node.refuse(
          found: "the group \"\(entry.name)\"", allowed: "a group of the map: \(groups.joined(separator: ", "))",
          nearest: nearestName(to: entry.name, among: groups))
      }
      if case .serial = map?.map {
        entry.node.refuse(found: "the group \"\(entry.name)\"", allowed: "leave it out: a scanner has no groups")
      }
      guard let station = entry.node.text, !entry.node.isEmpty, !station.isEmpty else {
        entry.node.refuse(allowed: "the name of a station")
        continue
      }
      stations[entry.name] = station
    }
    return stations
  }
}
