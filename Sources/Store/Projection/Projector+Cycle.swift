import Events
import GRDB

extension Projector {
  mutating func cycle(_ data: CycleData, _ key: EventKey, _ envelope: Envelope) throws {
    let stamp = data.stamp
    let station = stamp?.station ?? envelope.subject.storable
    // Of several units the row names the first; `cycle_units` has them all.
    let units = stamp?.all("unit") ?? []
    try serves(station)
    try db.cachedStatement(
      sql: """
        INSERT INTO cycles(incarnation, sequence, station, time, unit, lot, product, result)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [
      key.incarnation, key.sequence, station, envelope.time.microseconds, units.first, stamp?["lot"], stamp?["product"],
      data.result,
    ])
    let former = Dictionary(data.unsure.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    for unit in units { try belongs(to: unit, key, isDoubtful: former["unit"] != nil, at: envelope.time) }
    if let other = former["unit"], !units.contains(other) {
      try belongs(to: other, key, isDoubtful: true, at: envelope.time)
    }
    for person in stamp?.all("operator") ?? [] { try node("operator", person, at: envelope.time) }
    try stampedLinks(stamp, former, key, at: envelope.time)
    for component in data.components where ["unit", "lot"].contains(component.kind) {
      try node(component.kind, component.id, at: envelope.time)
      try link(
        key, "components.\(component.place ?? "component")", component.kind, component.id, "installed",
        isDoubtful: false)
    }
    for tag in data.tags { try measurement(tag, key, station, envelope.time) }
  }

  /// The lots that the stamp names, and where a field is unsure its former lot too.
  private func stampedLinks(
    _ stamp: Stamp?, _ former: [String: String], _ key: EventKey, at time: Timestamp
  ) throws {
    for field in stamp?.fields ?? [] {
      let role = field.name == "lot" ? "member" : field.name.hasPrefix(Stamp.materialPrefix) ? "consumed" : nil
      guard let role else { continue }
      let other = former[field.name]
      for id in Set([field.value, other].compactMap { $0 }) {
        try node("lot", id, at: time)
        try link(key, field.name, "lot", id, role, isDoubtful: other != nil)
      }
    }
  }

  private mutating func belongs(to unit: String, _ key: EventKey, isDoubtful: Bool, at time: Timestamp) throws {
    try node("unit", unit, at: time)
    touch(unit)
    try db.cachedStatement(
      sql: "INSERT INTO cycle_units(unit, incarnation, sequence, doubt) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
    ).execute(arguments: [unit, key.incarnation, key.sequence, isDoubtful])
  }

  private func link(
    _ key: EventKey, _ field: String, _ kind: String, _ id: String, _ role: String, isDoubtful: Bool
  ) throws {
    try db.cachedStatement(
      sql: """
        INSERT INTO links(incarnation, sequence, field, kind, id, role, doubt) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [key.incarnation, key.sequence, field, kind, id, role, isDoubtful])
  }

  private func measurement(_ tag: Tag, _ key: EventKey, _ station: String, _ time: Timestamp) throws {
    var number: Double?
    var text: String?
    switch tag.value {
    case .bool(let flag): number = flag ? 1 : 0
    case .int(let value): number = Double(value)
    case .double(let value): number = value
    case .string(let value): text = value
    case .bad: return
    }
    try db.cachedStatement(
      sql: """
        INSERT INTO measurements(incarnation, sequence, tag, station, time, number, text) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO NOTHING
        """
    ).execute(arguments: [key.incarnation, key.sequence, tag.name, station, time.microseconds, number, text])
  }
}
