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

  /// A field of which the station takes several at once.
  public struct Several: Sendable, Hashable {
    /// `unit` or `operator`; in the event it is `units` or `operators`.
    public let name: String
    public let values: [String]
    /// The events that set them; empty where none is named.
    public let by: [Origin]

    public init(name: String, values: [String], by: [Origin]) {
      self.name = name
      self.values = values
      self.by = by
    }
  }

  /// These stand for the field of their name.
  public var several: [Several] = []

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

  /// All values of a field: several, one or none.
  public func all(_ name: String) -> [String] {
    several.first { $0.name == name }?.values ?? self[name].map { [$0] } ?? []
  }
  /// The events that set them.
  public func origins(of name: String) -> [Origin] {
    several.first { $0.name == name }?.by ?? origin(of: name).map { [$0] } ?? []
  }

  /// The materials loaded, by place.
  public var materials: [(place: String, lot: String)] {
    fields.filter { $0.name.hasPrefix(Self.materialPrefix) }
      .map { (String($0.name.dropFirst(Self.materialPrefix.count)), $0.value) }
  }

  public static let materialPrefix = "materials."
  /// The order in which a stamp names its fields.
  static let pluralFields = ["operator", "unit"]
  public static let plainFields = ["operator", "lot", "unit", "order", "product", "carrier"]

  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("station", station)
      for name in Self.plainFields { writer.field(name, self[name]) }
      for field in several {
        writer.key("\(field.name)s")
        writer.array { inner in for value in field.values { inner.value(value) } }
      }
      let materials = materials
      if !materials.isEmpty {
        writer.key("materials")
        writer.object { inner in for (place, lot) in materials { inner.field(place, lot) } }
      }
      let origins = fields.compactMap { field in field.by.map { (field.name, $0) } }
      let shared = several.filter { !$0.by.isEmpty }
      if !origins.isEmpty || !shared.isEmpty {
        writer.key("by")
        writer.object { inner in
          for (name, origin) in origins { inner.field(name, origin) }
          for field in shared {
            inner.key("\(field.name)s")
            inner.array { items in for origin in field.by { items.value(origin) } }
          }
        }
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
    for name in Self.pluralFields {
      let values = json["\(name)s"]?.items?.compactMap(\.text) ?? []
      guard !values.isEmpty else { continue }
      let origins = by?["\(name)s"].map { $0.items ?? [$0] } ?? []
      several.append(Several(name: name, values: values, by: origins.compactMap { Origin($0) }))
    }
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

  mutating func value(_ origin: Stamp.Origin) {
    switch origin {
    case .sequence(let number): value(number)
    case .event(let id): value(id.description)
    }
  }

  mutating func field(_ name: String, _ stamp: Stamp?) {
    guard let stamp else { return }
    key(name)
    stamp.write(to: &self)
  }
}
