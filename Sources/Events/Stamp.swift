/// Who, where and with what: the context in effect when a reading was taken, with the event that set each field.
public struct Stamp: Sendable, Hashable {
  public var station: String
  /// The fields in effect, by name: `operator`, `lot`, `unit`, `order`, `product`, and `materials.PLACE`.
  public var fields: [Field]

  /// One field of a context.
  public struct Field: Sendable, Hashable {
    /// `operator`, `lot`, `unit`, `order`, `product`, `carrier`, or `materials.PLACE`.
    public let name: String
    public let value: String
    /// The event that set it; nil where the settings did (a station's product).
    public let by: Origin?

    public init(name: String, value: String, by: Origin?) {
      self.name = name
      self.value = value
      self.by = by
    }
  }

  /// Which event set a field: by sequence within the same incarnation, by its full id from an earlier one.
  public enum Origin: Sendable, Hashable {
    case sequence(UInt64)
    case event(EventID)
  }

  public init(station: String, fields: [Field] = []) {
    self.station = station
    self.fields = fields
  }

  public subscript(_ name: String) -> String? { fields.first { $0.name == name }?.value }
  public func origin(of name: String) -> Origin? { fields.first { $0.name == name }?.by }

  /// The materials loaded, by place.
  public var materials: [(place: String, lot: String)] {
    fields.filter { $0.name.hasPrefix(Self.materialPrefix) }
      .map { (String($0.name.dropFirst(Self.materialPrefix.count)), $0.value) }
  }

  public static let materialPrefix = "materials."
  /// The order in which a stamp names its fields.
  public static let plainFields = ["operator", "lot", "unit", "order", "product", "carrier"]

  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("station", station)
      for name in Self.plainFields { writer.field(name, self[name]) }
      let materials = materials
      if !materials.isEmpty {
        writer.key("materials")
        writer.object { inner in for (place, lot) in materials { inner.field(place, lot) } }
      }
      let origins = fields.compactMap { field in field.by.map { (field.name, $0) } }
      if !origins.isEmpty {
        writer.key("by")
        writer.object { inner in for (name, origin) in origins { inner.field(name, origin) } }
      }
    }
  }

  init?(_ json: JSON) {
    guard let station = json["station"]?.text else { return nil }
    self.init(station: station)
    let by = json["by"]
    func add(_ name: String, _ value: JSON?) {
      guard let value = value?.text else { return }
      fields.append(Field(name: name, value: value, by: by?[name].flatMap { Origin($0) }))
    }
    for name in Self.plainFields { add(name, json[name]) }
    for member in json["materials"]?.members ?? [] { add(Self.materialPrefix + member.name, member.value) }
  }
}

extension Stamp.Origin {
  public init?(_ json: JSON) {
    switch json {
    case .int(let number) where number > 0: self = .sequence(UInt64(number))
    case .string(let text):
      guard let id = EventID(text) else { return nil }
      self = .event(id)
    default: return nil
    }
  }
}

extension JSONWriter {
  mutating func field(_ name: String, _ origin: Stamp.Origin?) {
    switch origin {
    case .sequence(let number): field(name, number)
    case .event(let id): field(name, id.description)
    case nil: break
    }
  }

  mutating func field(_ name: String, _ stamp: Stamp?) {
    guard let stamp else { return }
    key(name)
    stamp.write(to: &self)
  }
}
