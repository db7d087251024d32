/// Something that looks wrong, with its evidence; nothing is known to be missing (that is a gap).
///
/// One that goes on is told twice: when it begins, without `to`, and when it is over, with the same `from` and a `to`.
public struct FindingData: EventData {
  public var type: EventType { .finding }
  public var kind: Kind
  public var device: String?
  /// What of the device it is about: a group, a range of registers, a unit id.
  public var about: String?
  public var station: String?
  public var from: Timestamp
  /// Nil while it goes on.
  public var to: Timestamp?
  public var count: UInt64?
  /// In words, with the evidence.
  public var reason: String

  /// What an edge can find.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A device answers that it has not these registers, or not this function: its map does not fit it.
    case rangeRefused = "range-refused"
    /// A device says itself that it fails.
    case deviceTrouble = "device-trouble"
    /// A cycle's PLC has waited longer for its acknowledge than its map allows.
    case cycleWaiting = "cycle-waiting"
    /// A cycle is on disk, and its acknowledge cannot be written.
    case acknowledgeFailed = "acknowledge-failed"
    /// A scanner has read nothing that is valid for longer than its map allows.
    case noValidScan = "no-valid-scan"
    /// A scanner's line gives bytes, and none of them are a frame: the wrong speed, or another device.
    case onlyGarbage = "only-garbage"
    /// The central has less than it had said: it was put back from a backup, or replaced.
    case centralWentBack = "central-went-back"
    /// The daemon was started again and again, and captures with the last settings that ran well.
    case safeMode = "safe-mode"
  }

  public init(
    kind: Kind, device: String? = nil, about: String? = nil, station: String? = nil, from: Timestamp,
    to: Timestamp? = nil, count: UInt64? = nil, reason: String
  ) {
    self.kind = kind
    self.device = device
    self.about = about
    self.station = station
    self.from = from
    self.to = to
    self.count = count
    self.reason = reason
  }

  public func write(to json: inout JSONWriter) {
    json.field("kind", kind.rawValue)
    json.field("device", device)
    json.field("about", about)
    json.field("station", station)
    json.field("from", from)
    json.field("to", to)
    json.field("count", count)
    json.field("reason", reason)
  }

  public init?(_ json: JSON) {
    guard let kind = json["kind"]?.text.flatMap(Kind.init(rawValue:)), let from = json["from"]?.time else { return nil }
    self.init(
      kind: kind, device: json["device"]?.text, about: json["about"]?.text, station: json["station"]?.text, from: from,
      to: json["to"]?.time, count: json["count"]?.whole.flatMap { UInt64(exactly: $0) },
      reason: json["reason"]?.text ?? "")
  }
}
