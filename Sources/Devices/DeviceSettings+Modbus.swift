import Settings

/// Where a Modbus device is reached.
public enum ModbusPlace: Sendable, Hashable, CustomStringConvertible {
  /// Modbus TCP: host name or address, and port.
  case tcp(host: String, port: Int)
  /// Modbus RTU through a gateway that hands a serial line through.
  case rtuOverTCP(host: String, port: Int)
  /// Modbus RTU on a serial line, by a name that stays the same (`/dev/serial/by-id/…`).
  case serial(path: String, line: SerialLine)

  public var description: String {
    switch self {
    case .tcp(let host, let port), .rtuOverTCP(let host, let port):
      host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .serial(let path, _): path
    }
  }

  /// Takes `HOST`, `HOST:PORT`, `[IPV6]` or `[IPV6]:PORT` apart; nil for anything else.
  ///
  /// The port is 502 where none is given.
  public static func endpoint(_ text: String) -> (host: String, port: Int)? { DeviceSettings.endpoint(text) }

  var isSerial: Bool { if case .serial = self { true } else { false } }

  /// What tells it from another place in a message: its framing, or the settings of its line.
  fileprivate var manner: String {
    switch self {
    case .tcp: "framing: tcp"
    case .rtuOverTCP: "framing: rtu"
    case .serial(_, let line): "line: \(line)"
    }
  }
}

extension DeviceSettings {
  /// Reads `address` with `framing` and `connection`, or `port` with `line`; and `unit`.
  static func modbusLink(_ fields: inout Fields) -> (link: Link, connection: Connection)? {
    let connection = fields.optional("connection").flatMap { Self.connection($0) } ?? .shared(atMost: 1)
    fields.optional("usb")?.refuse(
      found: "\"usb\" of a Modbus device", allowed: "address, or port: /dev/serial/by-id/...")
    guard let place = fields.has("port") ? serialPlace(&fields) : tcpPlace(&fields) else {
      _ = fields.integer("unit", in: 0...255)
      return nil
    }
    // Modbus over serial line V1.02, 2.2: 0 is for all at once, who do not answer, and 248 on are reserved.
    let unit: Int?
    if case .tcp = place {
      unit = fields.integer("unit", in: 0...255)
    } else {
      unit = fields.integer("unit", in: 1...247)
    }
    return (.modbus(place, unit: UInt8(unit ?? 1)), connection)
  }

  /// The most connections to one address: gateways and PLCs allow few.
  private static let mostConnections = 16

  private static func connection(_ node: SettingsNode) -> Connection? {
    if node.text == "own" { return .own }
    if node.text == "shared" { return .shared(atMost: 1) }
    if let number = node.text.flatMap(Int.init), (1...mostConnections).contains(number) {
      return .shared(atMost: number)
    }
    node.refuse(
      allowed: "shared, own, or how many the devices at the address may share, 1 to \(mostConnections)",
      nearest: node.text.flatMap { nearestName(to: $0, among: ["shared", "own"]) })
    return nil
  }

  private static func serialPlace(_ fields: inout Fields) -> ModbusPlace? {
    let allowed = "the path of the serial line, /dev/serial/by-id/..."
    for (name, right) in [
      ("address", "either address (TCP) or port (a serial line)"),
      ("framing", "leave it out: a serial line is always RTU"),
      ("connection", "leave it out: a serial line is one for all"),
    ] where fields.has(name) {
      fields.optional(name)?.refuse(found: "\"\(name)\" beside \"port\"", allowed: right)
    }
    let line = fields.optional("line").map { SerialLine($0) } ?? .modbus
    if line.dataBits != 8 || line.flow != .none {
      fields.optional("line")?.refuse(
        found: "\(line)", allowed: "8 data bits and no flow control: RTU sends whole bytes of any value")
    }
    guard let path = fields.text("port", allowed) else { return nil }
    guard path.hasPrefix("/") else {
      fields.optional("port")?.refuse(allowed: "a path that begins with /, such as /dev/serial/by-id/...")
      return nil
    }
    return .serial(path: path, line: line)
  }

  private static func tcpPlace(_ fields: inout Fields) -> ModbusPlace? {
    fields.optional("line")?.refuse(
      found: "\"line\" without \"port\"", allowed: "leave it out, or name the serial port")
    let framing = fields.choice("framing", of: ModbusFraming.allCases.map(\.rawValue))
    let allowed = "HOST or HOST:PORT, an IPv6 address in brackets: \"[fd00::21]:502\""
    guard fields.required("address", "HOST or HOST:PORT of the Modbus device") != nil,
      let text = fields.text("address", allowed)
    else { return nil }
    guard let (host, port) = endpoint(text) else {
      fields.optional("address")?.refuse(allowed: allowed)
      return nil
    }
    let name = host.lowercased()
    return framing == "rtu" ? .rtuOverTCP(host: name, port: port) : .tcp(host: name, port: port)
  }

  /// Why this device cannot be reached beside another one: what it has, and what it would have to have.
  ///
  /// Nil where they are apart, or on one bus that both describe alike.
  public func conflict(with other: DeviceSettings) -> (field: String, found: String, allowed: String)? {
    switch (link, other.link) {
    case (.modbus(let mine, _), .modbus(let its, _)):
      guard mine.description == its.description else { return nil }
      guard mine != its else { return connectionConflict(with: other) }
      return (mine.isSerial ? "line" : "framing", mine.manner, "\(its.manner) on the same bus")
    case (.modbus(let mine, _), .scanner(let scanner)) where mine.isSerial && mine.description == scanner.description,
      (.scanner(let scanner), .modbus(let mine, _)) where mine.isSerial && mine.description == scanner.description:
      return ("port", "port \(mine)", "another port: a scanner and Modbus devices share none")
    default: return nil
    }
  }

  private func connectionConflict(with other: DeviceSettings) -> (field: String, found: String, allowed: String)? {
    guard case .shared(let mine) = connection, case .shared(let its) = other.connection, mine != its else { return nil }
    return ("connection", "connection: \(mine)", "connection: \(its), as others at this address have it, or own")
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
}
