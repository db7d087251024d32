/// Tags that were read together, at a group's rate.
public struct ReadingData: EventData {
  public var type: EventType { .reading }
  public var device: String
  public var group: String
  /// When the first request was sent, where that was more than 50 ms before the event's time.
  public var asked: Timestamp?
  public var tags: [Tag]
  public var stamp: Stamp?

  public init(device: String, group: String, asked: Timestamp? = nil, tags: [Tag], stamp: Stamp?) {
    self.device = device
    self.group = group
    self.asked = asked
    self.tags = tags
    self.stamp = stamp
  }

  public func write(to json: inout JSONWriter) {
    json.field("device", device)
    json.field("group", group)
    json.field("asked", asked)
    json.field("tags", tags)
    json.field("stamp", stamp)
  }

  public init?(_ json: JSON) {
    guard let device = json["device"]?.text, let group = json["group"]?.text, let tags = json["tags"]?.tags
    else { return nil }
    self.init(
      device: device, group: group, asked: json["asked"]?.time, tags: tags, stamp: json["stamp"].flatMap { Stamp($0) })
  }
}

/// One frame of a scanner, its bytes always kept, with what was made of them.
public struct ScanData: EventData {
  public var type: EventType { .scan }
  public var device: String
  /// The frame with its delimiters.
  public var raw: [UInt8]
  /// If the bytes are valid in the map's encoding; without an AIM identifier.
  public var text: String?
  /// The AIM identifier, `]d2`.
  public var symbology: String?
  /// What the code itself says, in its order.
  public var elements: [Element]
  /// What the scan means: role and value, in the order of the rule.
  public var roles: [Role]
  /// Why nothing, or not all, could be made of it.
  public var problem: String?
  /// Why it was refused to the operator, though nothing is wrong with it.
  public var refused: String?
  /// The scanner's own repetition of the scan before, which it saw no answer to: nothing follows from it.
  public var repeated = false
  /// A tag has left the reader: nothing follows from it.
  public var leaving: Leaving?
  public var stamp: Stamp?

  /// How long a tag was before its reader.
  public struct Leaving: Sendable, Hashable {
    /// When it came.
    public let since: Timestamp
    /// How often the reader said it.
    public let frames: UInt64

    public init(since: Timestamp, frames: UInt64) {
      self.since = since
      self.frames = frames
    }
  }

  public struct Role: Sendable, Hashable {
    /// `operator`, `lot`, `unit`, `product`, `material`, `component`, `order`, `carrier`, `command`, or
    /// `materials.PLACE` for a material with its place.
    public let name: String
    public let value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// One element of a code: an identifier of a standard, and its value.
  public struct Element: Sendable, Hashable {
    /// Whose identifier it is: `ai` (GS1), `di` (ANSI MH10.8.2) or `tei` (ISO/IEC 15434 format 12).
    public let kind: String
    public let identifier: String
    public let value: String

    public static let kinds = ["ai", "di", "tei"]

    public init(kind: String, identifier: String, value: String) {
      self.kind = kind
      self.identifier = identifier
      self.value = value
    }
  }

  public init(
    device: String, raw: [UInt8], text: String?, symbology: String? = nil, elements: [Element] = [],
    roles: [Role] = [], problem: String? = nil, stamp: Stamp? = nil
  ) {
    self.device = device
    self.raw = raw
    self.text = text
    self.symbology = symbology
    self.elements = elements
    self.roles = roles
    self.problem = problem
    self.stamp = stamp
  }

  public func write(to json: inout JSONWriter) {
    json.field("device", device)
    json.field("raw", hex(raw))
    json.field("text", text)
    json.field("symbology", symbology)
    if !elements.isEmpty {
      json.key("elements")
      json.array { writer in
        for element in elements {
          writer.object { item in
            item.field(element.kind, element.identifier)
            item.field("value", element.value)
          }
        }
      }
    }
    if !roles.isEmpty {
      json.key("roles")
      json.object { writer in for role in roles { writer.field(role.name, role.value) } }
    }
    json.field("problem", problem)
    json.field("refused", refused)
    if repeated { json.field("repeated", repeated) }
    if let leaving {
      json.key("leaving")
      json.object { writer in
        writer.field("since", leaving.since)
        writer.field("frames", leaving.frames)
      }
    }
    json.field("stamp", stamp)
  }

  public init?(_ json: JSON) {
    guard let device = json["device"]?.text, let raw = json["raw"]?.text.flatMap({ bytes(hex: $0) }) else { return nil }
    self.init(
      device: device, raw: raw, text: json["text"]?.text, symbology: json["symbology"]?.text,
      elements: (json["elements"]?.items ?? []).compactMap { Element($0) },
      roles: (json["roles"]?.members ?? []).compactMap { member in member.value.text.map { Role(member.name, $0) } },
      problem: json["problem"]?.text, stamp: json["stamp"].flatMap { Stamp($0) })
    refused = json["refused"]?.text
    repeated = json["repeated"]?.flag ?? false
    leaving = json["leaving"].flatMap { left in
      guard let since = left["since"]?.time, let frames = left["frames"]?.whole else { return nil }
      return Leaving(since: since, frames: UInt64(clamping: frames))
    }
  }
}

extension ScanData.Element {
  init?(_ json: JSON) {
    guard let value = json["value"]?.text,
      let (kind, identifier) = Self.kinds.lazy.compactMap({ kind in json[kind]?.text.map { (kind, $0) } }).first
    else { return nil }
    self.init(kind: kind, identifier: identifier, value: value)
  }
}

/// A field of a station's context changed.
public struct ContextData: EventData {
  public var type: EventType { .context }
  public var station: String
  /// As in `Stamp.Field.name`.
  public var field: String
  public var from: String?
  /// Nil: the field is empty from now on.
  public var to: String?
  public var how: How
  /// The event that made the change.
  public var by: Stamp.Origin?

  public enum How: String, Sendable, Hashable, CaseIterable {
    case scanned, read, planned, declared
  }

  public init(station: String, field: String, from: String?, to: String?, how: How, by: Stamp.Origin?) {
    self.station = station
    self.field = field
    self.from = from
    self.to = to
    self.how = how
    self.by = by
  }

  public func write(to json: inout JSONWriter) {
    json.field("station", station)
    json.field("field", field)
    json.field("from", from)
    json.field("to", to)
    json.field("how", how.rawValue)
    json.field("by", by)
  }

  public init?(_ json: JSON) {
    guard let station = json["station"]?.text, let field = json["field"]?.text,
      let how = json["how"]?.text.flatMap(How.init(rawValue:))
    else { return nil }
    self.init(
      station: station, field: field, from: json["from"]?.text, to: json["to"]?.text, how: how,
      by: json["by"].flatMap { Stamp.Origin($0) })
  }
}
