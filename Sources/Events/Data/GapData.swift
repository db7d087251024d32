/// Something that should have been read and was not.
public struct GapData: EventData {
  public var type: EventType { .gap }
  public var kind: Kind
  public var device: String?
  public var station: String?
  public var from: Timestamp?
  public var to: Timestamp?
  /// How many are missing; nil where that is unknown.
  public var count: UInt64?
  public var reason: String?

  /// The gaps that an edge can see (design.md, section 4).
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    case deviceOffline = "device-offline"
    case missedPolls = "missed-polls"
    case missedCycles = "missed-cycles"
    case unreadableScan = "unreadable-scan"
    case noRead = "no-read"
    case missingStamp = "missing-stamp"
    case shed
    case released
    case daemonDown = "daemon-down"
    case lost
    case clockUnsynchronised = "clock-unsynchronised"
  }

  public init(
    kind: Kind, device: String? = nil, station: String? = nil, from: Timestamp? = nil, to: Timestamp? = nil,
    count: UInt64? = nil, reason: String? = nil
  ) {
    self.kind = kind
    self.device = device
    self.station = station
    self.from = from
    self.to = to
    self.count = count
    self.reason = reason
  }

  public func write(to json: inout JSONWriter) {
    json.field("kind", kind.rawValue)
    json.field("device", device)
    json.field("station", station)
    json.field("from", from)
    json.field("to", to)
    json.field("count", count)
    json.field("reason", reason)
  }

  public init?(_ json: JSON) {
    guard let kind = json["kind"]?.text.flatMap(Kind.init(rawValue:)) else { return nil }
    self.init(
      kind: kind, device: json["device"]?.text, station: json["station"]?.text, from: json["from"]?.time,
      to: json["to"]?.time, count: json["count"]?.whole.flatMap { UInt64(exactly: $0) }, reason: json["reason"]?.text)
  }
}
