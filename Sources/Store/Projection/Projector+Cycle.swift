import Events
import GRDB

extension Projector {
  mutating func cycle(_ data: CycleData, _ event: Occurrence) throws {
    let stamp = data.stamp
    let station = stamp?.station ?? event.envelope.subject.storable
    // Of several units the row names the first; `cycle_units` has them all.
    let units = stamp?.all("unit") ?? []
    try serves(station)
    try rows.cycle(event.key, station, event.time, unit: units.first, stamp, result: data.result)
    let former = Dictionary(data.unsure.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for unit in units { try belongs(to: unit, event.key, isDoubtful: former["unit"] != nil) }
    if let other = former["unit"], !units.contains(other) {
      try belongs(to: other, event.key, isDoubtful: true)
    }
    try stampedLinks(stamp, former, event.key)
    for component in data.components where ["unit", "lot"].contains(component.kind) {
      try rows.link(
        event.key, "components.\(component.place ?? "component")", NodeName(kind: component.kind, id: component.id),
        "installed", isDoubtful: false)
    }
  }

  /// What a field of the stamp makes of the lot in it; nil where it names none.
  static func role(ofField name: String) -> String? {
    name == "lot" ? "member" : name.hasPrefix(Stamp.materialPrefix) ? "consumed" : nil
  }

  /// The lots that the stamp names, and where a field is unsure its former lot too.
  private func stampedLinks(_ stamp: Stamp?, _ former: [String: String], _ key: EventKey) throws {
    for field in stamp?.fields ?? [] {
      guard let role = Self.role(ofField: field.name) else { continue }
      let other = former[field.name]
      let lot = NodeName(kind: "lot", id: field.value)
      try rows.link(key, field.name, lot, role, isDoubtful: other != nil)
      if let other, other != field.value {
        try rows.link(key, field.name, NodeName(kind: "lot", id: other), role, isDoubtful: true)
      }
    }
  }

  private mutating func belongs(to unit: String, _ key: EventKey, isDoubtful: Bool) throws {
    touch(unit)
    try rows.cycle(key, of: unit, isDoubtful: isDoubtful)
  }
}
