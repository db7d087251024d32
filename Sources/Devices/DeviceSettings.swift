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
    if !Self.isName(name) {
      node.refuse(
        found: "the device name \"\(name.prefix(80))\"",
        allowed: "1 to 64 of A-Z a-z 0-9 . _ -, beginning with a letter or digit")
    }
    var fields = node.fields(of: "map, and address (Modbus) or port (serial)")
    defer { fields.close() }
    let map = Self.map(&fields, maps)
    let modbus = Self.modbusLink(&fields)
    let port = fields.text("port", "the path of the serial line, /dev/serial/by-id/...")
    let groupStations = Self.groupStations(&fields, map)
    guard let map else { return nil }
    let link: Link
    switch map.map {
    case .modbus:
      fields.optional("port")?.refuse(found: "\"port\" of a Modbus device", allowed: "address: \"HOST:PORT\"")
      guard fields.required("address", "HOST or HOST:PORT of the Modbus device") != nil, let modbus else { return nil }
      link = .modbus(host: modbus.host, port: modbus.port, unit: modbus.unit)
    case .serial:
      for wrong in ["address", "unit"] {
        fields.optional(wrong)?.refuse(
          found: "\"\(wrong)\" of a serial device", allowed: "port: /dev/serial/by-id/...")
      }
      guard fields.required("port", "the path of the serial line, /dev/serial/by-id/...") != nil, let port
      else { return nil }
      if !port.hasPrefix("/") {
        fields.optional("port")?.refuse(allowed: "a path that begins with /, such as /dev/serial/by-id/...")
      }
      link = .serial(path: port)
    }
    self.init(name: name, station: station, groupStations: groupStations, map: map, link: link)
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
        nearest: nearestName(to: name, among: known))
      return nil
    }
    return maps.map(named: name)
  }

  private static func modbusLink(_ fields: inout Fields) -> (host: String, port: Int, unit: UInt8)? {
    let unit = fields.integer("unit", in: 0...255) ?? 1
    let allowed = "HOST or HOST:PORT, an IPv6 address in brackets: \"[fd00::21]:502\""
    guard let text = fields.text("address", allowed) else { return nil }
    guard let (host, port) = endpoint(text) else {
      fields.optional("address")?.refuse(allowed: allowed)
      return nil
    }
    return (host, port, UInt8(unit))
  }

  /// Takes `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT` apart; the port is 502 where none is given.
  static func endpoint(_ text: String) -> (host: String, port: Int)? {
    var host = Substring(text)
    var rest: Substring?
    if text.hasPrefix("[") {
      guard let end = text.firstIndex(of: "]") else { return nil }
      host = text[text.index(after: text.startIndex)..<end]
      let after = text[text.index(after: end)...]
      guard after.isEmpty || after.first == ":" else { return nil }
      rest = after.isEmpty ? nil : after.dropFirst()
    } else if let colon = text.firstIndex(of: ":") {
      host = text[..<colon]
      rest = text[text.index(after: colon)...]
    }
    let isAddress = host.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-_:%".contains($0)) }
    guard !host.isEmpty, isAddress else { return nil }
    guard let rest else { return (String(host), 502) }
    guard let port = number(digits: rest), (1...65535).contains(port) else { return nil }
    return (String(host), port)
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
