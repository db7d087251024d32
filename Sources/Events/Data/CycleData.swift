/// The record of one unit's work at one station.
public struct CycleData: EventData {
  public var type: EventType { .cycle }
  public var device: String
  /// The trigger's value; nil where a scan ended the cycle.
  public var trigger: UInt64?
  /// Time of the last poll that showed the old trigger: the cycle happened between it and the event's time.
  public var after: Timestamp?
  /// When the block was asked for, where that was more than 50 ms before the event's time: its values are from between.
  public var asked: Timestamp?
  /// When the unit's work began, where that is known.
  public var began: Timestamp?
  public var tags: [Tag]
  /// `pass` or `fail`.
  public var result: String?
  /// Absent: production.
  public var mode: String?
  /// The tags whose value is outside their limits.
  public var outside: [String]
  public var components: [Component]
  /// Fields that changed from one value to another between `after` and the time, with the former value.
  public var unsure: [ScanData.Role]
  /// The station's rules that this cycle does not meet.
  public var broken: [String]
  public var stamp: Stamp?

  /// A piece built into the unit at this cycle.
  public struct Component: Sendable, Hashable {
    /// `unit` or `lot`.
    public let kind: String
    public let id: String
    public let place: String?
    public let by: Stamp.Origin?

    public init(kind: String, id: String, place: String?, by: Stamp.Origin?) {
      self.kind = kind
      self.id = id
      self.place = place
      self.by = by
    }
  }

  public init(
    device: String, trigger: UInt64?, after: Timestamp?, asked: Timestamp? = nil, began: Timestamp? = nil,
    tags: [Tag], result: String? = nil, mode: String? = nil, outside: [String] = [], components: [Component] = [],
    unsure: [ScanData.Role] = [],
    broken: [String] = [], stamp: Stamp? = nil
  ) {
    self.device = device
    self.trigger = trigger
    self.after = after
    self.asked = asked
    self.began = began
    self.tags = tags
    self.result = result
    self.mode = mode
    self.outside = outside
    self.components = components
    self.unsure = unsure
    self.broken = broken
    self.stamp = stamp
  }

  public func write(to json: inout JSONWriter) {
    json.field("device", device)
    json.field("trigger", trigger)
    json.field("after", after)
    json.field("asked", asked)
    json.field("began", began)
    json.field("tags", tags)
    json.field("result", result)
    json.field("mode", mode)
    json.field("outside", nonEmpty: outside)
    if !components.isEmpty {
      json.key("components")
      json.array { writer in
        for component in components {
          writer.object { inner in
            inner.field("kind", component.kind)
            inner.field("id", component.id)
            inner.field("place", component.place)
            inner.field("by", component.by)
          }
        }
      }
    }
    if !unsure.isEmpty {
      json.key("unsure")
      json.object { writer in for field in unsure { writer.field(field.name, field.value) } }
    }
    json.field("broken", nonEmpty: broken)
    json.field("stamp", stamp)
  }

  public init?(_ json: JSON) {
    guard let device = json["device"]?.text else { return nil }
    self.init(
      device: device, trigger: json["trigger"]?.whole.flatMap { UInt64(exactly: $0) }, after: json["after"]?.time,
      asked: json["asked"]?.time, began: json["began"]?.time, tags: json["tags"]?.tags ?? [],
      result: json["result"]?.text,
      mode: json["mode"]?.text, outside: json["outside"]?.texts ?? [],
      components: (json["components"]?.items ?? []).compactMap { item in
        guard let kind = item["kind"]?.text, let id = item["id"]?.text else { return nil }
        return Component(
          kind: kind, id: id, place: item["place"]?.text, by: item["by"].flatMap { Stamp.Origin($0) })
      },
      unsure: (json["unsure"]?.members ?? []).compactMap { member in
        member.value.text.map { ScanData.Role(member.name, $0) }
      },
      broken: json["broken"]?.texts ?? [], stamp: json["stamp"].flatMap { Stamp($0) })
  }
}
