public import Settings

/// What the settings say of one station.
public struct StationSettings: Sendable, Hashable {
  public var name: String
  /// What people call it; nil: its name.
  public var title: String?
  /// What is made here, unless a scan or a PLC says otherwise.
  public var product: String?
  /// The fields of the context that a cycle must have.
  public var cycleNeeds: [String] = []
  public var unitEnds: UnitEnd = .cycle
  public var cycle: CycleSource = .device
  /// The places where materials are loaded, as far as the settings speak of them.
  public var places: [PlaceSettings] = []

  /// When a unit leaves the context.
  public enum UnitEnd: String, Sendable, Hashable, CaseIterable {
    /// When its cycle is recorded: a unit that is not scanned is then seen to be missing.
    case cycle
    /// When another one is scanned.
    case scan
  }

  /// What ends a cycle at the station.
  public enum CycleSource: Sendable, Hashable {
    /// The trigger of a device's group.
    case device
    /// The scan of a unit: a station without a PLC.
    case unitScan
  }

  public init(name: String) { self.name = name }

  /// The settings of the place called `name`, the defaults where they do not speak of it.
  public func place(_ name: String) -> PlaceSettings {
    places.first { $0.name == name } ?? PlaceSettings(name: name)
  }
}

/// A place at a station where a material is loaded, and how sharply a change of it can be told.
public struct PlaceSettings: Sendable, Hashable {
  public var name: String
  /// How many cycles on either side of a change could have had either lot.
  public var greyCycles = 1
  /// How long before and after a change it could have been either lot.
  public var greyTime: Duration = .zero

  public init(name: String) { self.name = name }
}

extension StationSettings {
  /// Reads the fields of a station but its `devices`; what is wrong goes to the file, and the default stands for it.
  public init(name: String, _ fields: inout Fields) {
    self.init(name: name)
    title = fields.text("title")
    product = fields.text("product")
    if let list = fields.optional("cycle-needs") { cycleNeeds = Self.needs(list) }
    if let word = fields.choice("unit-ends", of: UnitEnd.allCases.map(\.rawValue)), let end = UnitEnd(rawValue: word) {
      unitEnds = end
    }
    if let node = fields.optional("cycle") { cycle = Self.cycleSource(node) }
    if let node = fields.optional("places") {
      places = node.entries(of: "a mapping of places: { coil: { grey: { cycles: 1, time: 0s } } }").map(Self.place)
    }
  }

  /// The names that a context's field can have, for rules that name one.
  private static func needs(_ list: SettingsNode) -> [String] {
    let allowed = ContextField.plain.joined(separator: ", ") + ", materials.PLACE"
    var needs: [String] = []
    for item in list.items(of: "[operator, lot, unit, materials.coil]") {
      let name = item.text ?? ""
      if needs.contains(name) {
        item.refuse(found: "\"\(name)\" twice", allowed: "each name once")
      } else if ContextField.isName(name) {
        needs.append(name)
      } else {
        item.refuse(allowed: allowed, nearest: ContextField.nearest(to: name))
      }
    }
    return needs
  }

  private static func cycleSource(_ node: SettingsNode) -> CycleSource {
    var fields = node.fields(of: "{ from: device } or { from: scans, ends: unit }")
    defer { fields.close() }
    let from = fields.required("from", "device or scans").flatMap { $0.choice(of: ["device", "scans"]) }
    if from == "scans" {
      _ = fields.required("ends", "unit").flatMap { $0.choice(of: ["unit"], notYet: ["command"]) }
      return .unitScan
    }
    if let ends = fields.optional("ends"), from == "device" {
      ends.refuse(found: "\"ends\" with from: device", allowed: "ends with from: scans alone")
    }
    return .device
  }

  private static func place(name: String, node: SettingsNode) -> PlaceSettings {
    var place = PlaceSettings(name: name)
    if ContextField.rolesNoPlaceMayBear.contains(name) || name.isEmpty {
      node.refuse(found: "a place called \"\(name)\"", allowed: "a name that is not a role")
    }
    var fields = node.fields(of: "{ grey: { cycles: 1, time: 0s } }")
    defer { fields.close() }
    guard let grey = fields.optional("grey") else { return place }
    var inner = grey.fields(of: "{ cycles: 1, time: 0s }")
    defer { inner.close() }
    if let cycles = inner.integer("cycles", in: 0...1_000_000) { place.greyCycles = cycles }
    if let time = inner.duration("time") { place.greyTime = time }
    return place
  }
}
