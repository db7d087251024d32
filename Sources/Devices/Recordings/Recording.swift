public import Events

/// What passed between a line PC and one device, as a file of JSON lines: for support, and for tests.
///
/// The first line says of what: `lotline` (`recording`), `version` (1), `device`, `kind`, `address`, `unit`, `framing`,
/// `line`, `map` with its `sha256` and `text`, and `began`. Each further line has `time`, `boottime` (ns) and one of
/// `sent`, `received` (bytes in hex; `damaged` has the places of those with a parity error), `note` and `ended`. On a bus with
/// several devices it has what passed of all of them. A last line that is cut off, as a kill leaves it, is left out.
public struct Recording: Sendable {
  public let head: Head
  public private(set) var entries: [WireEntry] = []
  /// For each entry its line in the file, counted from 1.
  public private(set) var lines: [Int] = []
  /// The last line is not whole.
  public private(set) var isCutOff = false

  /// What was recorded.
  public struct Head: Sendable, Hashable {
    public var device: String
    /// `modbus` or `serial`.
    public var kind: String
    public var address: String
    /// The Modbus unit; nil for a scanner.
    public var unit: UInt8?
    /// Nil for a scanner.
    public var framing: ModbusFraming?
    /// The settings of a serial line; nil for a connection.
    public var line: String?
    /// The map's name.
    public var map: String
    public var sha256: String
    /// The map's file.
    public var text: String
    public var began: Timestamp
  }

  /// Why a file is no recording, in one line.
  public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  /// Reads a file's bytes; `name` is how the file is called in an error.
  public init(_ bytes: [UInt8], name: String) throws(Fault) {
    // A mail program may have made CR LF of the ends of lines.
    let parts = bytes.split(separator: 0x0A, omittingEmptySubsequences: false)
      .map { $0.last == 0x0D ? $0.dropLast() : $0 }
    guard let first = parts.first, let json = JSON(first), json["lotline"]?.text == "recording" else {
      throw Fault(description: "\(name):1: it is no recording: `lotline record` writes another first line")
    }
    guard json["version"]?.whole == 1 else {
      let found = json["version"]?.whole.map { "version \($0)" } ?? "no version"
      throw Fault(description: "\(name):1: found a recording of \(found); this program reads version 1")
    }
    head = try Head(json, place: "\(name):1")
    for (place, part) in parts.enumerated().dropFirst() where !part.isEmpty {
      if let entry = JSON(part).flatMap({ WireEntry($0) }) {
        entries.append(entry)
        lines.append(place + 1)
      } else if place == parts.count - 1 {
        isCutOff = true
      } else {
        let allowed = "time, boottime and one of sent, received (hex), note and ended"
        throw Fault(description: "\(name):\(place + 1): found a line that is none of a recording: it has \(allowed)")
      }
    }
  }
}

extension Recording.Head {
  /// What a recording of this device begins with.
  public init(_ settings: DeviceSettings, began: Timestamp) {
    device = settings.name
    switch settings.link {
    case .modbus(let place, let unit):
      (kind, address, self.unit) = ("modbus", place.description, unit)
      if case .tcp = place { framing = .tcp } else { framing = .rtu }
      if case .serial(_, let setting) = place { line = setting.description }
    case .scanner(let place):
      (kind, address) = ("serial", place.description)
      if place.isSerial, case .serial(let map) = settings.map.map { line = map.line.description }
    }
    map = settings.map.name
    text = settings.map.text
    sha256 = hex(ChainHash.digest(of: text.utf8))
    self.began = began
  }

  fileprivate init(_ json: JSON, place: String) throws(Recording.Fault) {
    func text(_ field: String) throws(Recording.Fault) -> String {
      if let found = json[field]?.text { return found }
      throw Recording.Fault(description: "\(place): the first line of a recording needs the text \"\(field)\"")
    }
    device = try text("device")
    kind = try text("kind")
    address = try text("address")
    map = try text("map")
    sha256 = try text("sha256")
    self.text = try text("text")
    guard let began = json["began"]?.time else {
      throw Recording.Fault(description: "\(place): the first line of a recording needs the time \"began\"")
    }
    self.began = began
    unit = json["unit"]?.whole.flatMap { UInt8(exactly: $0) }
    framing = json["framing"]?.text.flatMap { ModbusFraming(rawValue: $0) }
    line = json["line"]?.text
    guard kind == "serial" || (kind == "modbus" && unit != nil && framing != nil) else {
      throw Recording.Fault(
        description: "\(place): found the kind \"\(kind)\"; known are serial, and modbus with its unit and framing")
    }
  }

  /// Whether the map's text is still the one that was recorded.
  public var hasOwnMap: Bool { hex(ChainHash.digest(of: text.utf8)) == sha256 }

  /// The line, its end included.
  public var bytes: [UInt8] {
    var writer = JSONWriter(capacity: text.utf8.count + 512)
    writer.object { writer in
      writer.field("lotline", "recording")
      writer.field("version", 1)
      writer.field("device", device)
      writer.field("kind", kind)
      writer.field("address", address)
      writer.field("unit", unit)
      writer.field("framing", framing?.rawValue)
      writer.field("line", line)
      writer.field("map", map)
      writer.field("sha256", sha256)
      writer.field("text", text)
      writer.field("began", began)
    }
    return writer.bytes + [0x0A]
  }
}

extension WireEntry {
  /// Reads a line of a recording; nil where it is none.
  public init?(_ json: JSON) {
    guard let time = json["time"]?.time, let boottime = json["boottime"]?.text.flatMap({ UInt64($0) }) else {
      return nil
    }
    moment = Moment(time: time, boottimeNanoseconds: boottime)
    func field(_ name: String) -> [UInt8]? { json[name]?.text.flatMap { Events.bytes(hex: $0) } }
    if let bytes = field("sent") {
      kind = .sent(bytes)
    } else if let bytes = field("received") {
      let damaged = (json["damaged"]?.items ?? []).compactMap { $0.whole.map { Int($0) } }
      guard damaged.allSatisfy({ bytes.indices.contains($0) }) else { return nil }
      kind = .received(bytes, damaged: damaged)
    } else if let text = json["note"]?.text {
      kind = .note(text)
    } else if let text = json["ended"]?.text {
      kind = .ended(text)
    } else {
      return nil
    }
  }

  /// The line of a recording, its end included.
  public var bytes: [UInt8] {
    var writer = JSONWriter(capacity: 128)
    writer.object { writer in
      writer.field("time", moment.time)
      writer.field("boottime", String(moment.boottimeNanoseconds))
      switch kind {
      case .sent(let bytes): writer.field("sent", hex(bytes))
      case .received(let bytes, let damaged):
        writer.field("received", hex(bytes))
        if !damaged.isEmpty {
          writer.key("damaged")
          writer.array { list in for place in damaged { list.value(place) } }
        }
      case .note(let text): writer.field("note", text)
      case .ended(let text): writer.field("ended", text)
      }
    }
    return writer.bytes + [0x0A]
  }
}
