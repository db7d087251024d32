import Settings

/// Where a scanner is reached.
public enum ScannerPlace: Sendable, Hashable, CustomStringConvertible {
  /// A serial line, by a name that stays the same (`/dev/serial/by-id/…`).
  case port(path: String)
  /// The serial port of a USB device, wherever that is plugged in.
  case usb(USBIdentity)
  /// A scanner that listens on a TCP port: host name or address, and port.
  case tcp(host: String, port: Int)

  public var description: String {
    switch self {
    case .port(let path): path
    case .usb(let identity): identity.description
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }
  }

  /// Whether it is a serial line, with a speed and with errors that the system marks.
  public var isSerial: Bool { if case .tcp = self { false } else { true } }
}

extension DeviceSettings {
  /// Reads `port`, `usb` or `address`.
  static func scannerLink(_ fields: inout Fields) -> Link? {
    fields.optional("unit")?.refuse(found: "\"unit\" of a serial device", allowed: "leave it out: a scanner has none")
    let ways = ["port", "usb", "address"].filter { fields.has($0) }
    if ways.count > 1 {
      fields.optional(ways[1])?.refuse(
        found: "\(ways.joined(separator: " and "))", allowed: "one of them: port, usb or address")
    }
    for name in ["port", "usb", "address"] { _ = fields.optional(name) }
    switch ways.first {
    case "usb": return fields.optional("usb").flatMap { usb($0) }.map { .scanner(.usb($0)) }
    case "address": return scannerAddress(&fields).map { .scanner($0) }
    default: return scannerPort(&fields).map { .scanner($0) }
    }
  }

  private static func scannerPort(_ fields: inout Fields) -> ScannerPlace? {
    let allowed = "the path of the serial line, /dev/serial/by-id/...; or usb, or address"
    guard fields.required("port", allowed) != nil, let path = fields.text("port", allowed) else { return nil }
    if !path.hasPrefix("/") {
      fields.optional("port")?.refuse(allowed: "a path that begins with /, such as /dev/serial/by-id/...")
    }
    return .port(path: path)
  }

  private static func scannerAddress(_ fields: inout Fields) -> ScannerPlace? {
    let allowed = "HOST:PORT of the scanner, an IPv6 address in brackets: \"10.0.0.9:2001\", \"[fd00::9]:2001\""
    guard let text = fields.text("address", allowed) else { return nil }
    guard let (host, port) = endpoint(text), text.hasSuffix(":\(port)") else {
      fields.optional("address")?.refuse(allowed: allowed)
      return nil
    }
    return .tcp(host: host, port: port)
  }

  private static func usb(_ node: SettingsNode) -> USBIdentity? {
    var fields = node.fields(
      of: "the device's identity, such as { vendor: \"0c2e\", product: \"0b61\", serial: \"ABC\" }")
    defer { fields.close() }
    let vendor = digits("vendor", &fields)
    let product = digits("product", &fields)
    let serial = fields.text("serial", "the device's own number, as lsusb -v shows it")
    let interface = fields.integer("interface", in: 0...255)
    guard let vendor, let product else { return nil }
    return USBIdentity(vendor: vendor, product: product, serial: serial, interface: interface)
  }

  private static func digits(_ name: String, _ fields: inout Fields) -> String? {
    let allowed = "four hex digits, as lsusb shows them: ID VENDOR:PRODUCT"
    guard let found = fields.required(name, allowed) else { return nil }
    guard let text = found.text, text.count == 4, UInt16(text, radix: 16) != nil, !text.contains("+") else {
      found.refuse(allowed: allowed)
      return nil
    }
    return text
  }
}
