import Settings

/// Where a Modbus device is reached.
public enum ModbusPlace: Sendable, Hashable, CustomStringConvertible {
  /// Modbus TCP: host name or address, and port.
  case tcp(host: String, port: Int)

  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }
}

extension DeviceSettings {
  /// Reads `address` and `unit`.
  static func modbusLink(_ fields: inout Fields) -> Link? {
    for wrong in ["port", "usb"] {
      fields.optional(wrong)?.refuse(found: "\"\(wrong)\" of a Modbus device", allowed: "address: \"HOST:PORT\"")
    }
    let unit = fields.integer("unit", in: 0...255) ?? 1
    let allowed = "HOST or HOST:PORT, an IPv6 address in brackets: \"[fd00::21]:502\""
    guard fields.required("address", "HOST or HOST:PORT of the Modbus device") != nil,
      let text = fields.text("address", allowed)
    else { return nil }
    guard let (host, port) = endpoint(text) else {
      fields.optional("address")?.refuse(allowed: allowed)
      return nil
    }
    return .modbus(.tcp(host: host, port: port), unit: UInt8(unit))
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
