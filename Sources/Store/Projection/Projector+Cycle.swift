import Events
import GRDB

extension Projector {
  mutating func cycle(_ data: CycleData, _ key: EventKey, _ envelope: Envelope) throws {
    let stamp = data.stamp
    let station = stamp?.station ?? envelope.subject.storable
    // Of several units the row names the first; `cycle_units` has them all.
    let units = stamp?.all("unit") ?? []
    try serves(station)
    try rows.cycle(key, station, envelope.time, unit: units.first, stamp, result: data.result)
    let former = Dictionary(data.unsure.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for unit in units { try belongs(to: unit, key, isDoubtful: former["unit"] != nil, at: envelope.time) }
    if let other = former["unit"], !units.contains(other) {
      try belongs(to: other, key, isDoubtful: true, at: envelope.time)
    }
    for person in stamp?.all("operator") ?? [] { try node("operator", person, at: envelope.time) }
    try stampedLinks(stamp, former, key, at: envelope.time)
    for component in data.components where ["unit", "lot"].contains(component.kind) {
      try node(component.kind, component.id, at: envelope.time)
      try rows.link(
        key, "components.\(component.place ?? "component")", NodeName(kind: component.kind, id: component.id),
        "installed", isDoubtful: false)
    }
  }

  /// The lots that the stamp names, and where a field is unsure its former lot too.
  private mutating func stampedLinks(
    _ stamp: Stamp?, _ former: [String: String], _ key: EventKey, at time: Timestamp
  ) throws {
    for field in stamp?.fields ?? [] {
      let role = field.name == "lot" ? "member" : field.name.hasPrefix(Stamp.materialPrefix) ? "consumed" : nil
      guard let role else { continue }
      let other = former[field.name]
      try lot(field.value, field.name, key, role, isDoubtful: other != nil, at: time)
      if let other, other != field.value { try lot(other, field.name, key, role, isDoubtful: true, at: time) }
    }
  }

  private mutating func lot(
    _ id: String, _ field: String, _ key: EventKey, _ role: String, isDoubtful: Bool, at time: Timestamp
  ) throws {
    try node("lot", id, at: time)
    try rows.link(key, field, NodeName(kind: "lot", id: id), role, isDoubtful: isDoubtful)
  }

  private mutating func belongs(to unit: String, _ key: EventKey, isDoubtful: Bool, at time: Timestamp) throws {
    try node("unit", unit, at: time)
    touch(unit)
    try rows.cycle(key, of: unit, isDoubtful: isDoubtful)
  }
}
