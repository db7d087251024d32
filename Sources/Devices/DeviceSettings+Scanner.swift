import Settings

/// Where a scanner is reached.
public enum ScannerPlace: Sendable, Hashable, CustomStringConvertible {
  /// A serial line, by a name that stays the same (`/dev/serial/by-id/…`).
  case port(path: String)

  public var description: String {
    switch self {
    case .port(let path): path
    }
  }
}

extension DeviceSettings {
  /// Reads `port`.
  static func scannerLink(_ fields: inout Fields) -> Link? {
    for wrong in ["address", "unit"] {
      fields.optional(wrong)?.refuse(found: "\"\(wrong)\" of a serial device", allowed: "port: /dev/serial/by-id/...")
    }
    let allowed = "the path of the serial line, /dev/serial/by-id/..."
    guard fields.required("port", allowed) != nil, let path = fields.text("port", allowed) else { return nil }
    if !path.hasPrefix("/") {
      fields.optional("port")?.refuse(allowed: "a path that begins with /, such as /dev/serial/by-id/...")
    }
    return .scanner(.port(path: path))
  }
}
