import Events
import GRDB

/// What a unit should have gone through and did not: `missing-station`, from the route of its product.
///
/// A function of the unit's cycles alone, so that it is the same in whatever order they came. Whether such a row is
/// a gap or still pending depends on how far the missing station's source was received (`GapRow.due`).
enum Expectations {
  /// Makes the gaps of one unit again.
  static func update(_ unit: String, rules: TraceRules, in db: Database) throws {
    try db.cachedStatement(sql: "DELETE FROM gaps WHERE unit = ? AND kind = 'missing-station'")
      .execute(arguments: [unit])
    let visits = try visits(of: unit, in: db)
    let isScrapped = try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT EXISTS(SELECT 1 FROM marks WHERE unit = ? AND mark = 'SCRAP')"), arguments: [unit]
    )
    for missing in missing(visits, isScrapped: isScrapped ?? false, rules: rules) {
      try GapRow(
        id: "missing-station:\(unit):\(missing.step.stations[0])", kind: "missing-station",
        station: missing.step.stations.joined(separator: "|"), unit: unit, began: missing.began?.microseconds,
        ended: missing.ended?.microseconds, due: missing.due.microseconds, reason: missing.reason(unit)
      ).insert(in: db)
    }
  }

  struct Visit {
    let station: String
    let time: Timestamp
    let product: String?
  }

  struct Missing {
    let step: RouteStep
    /// The last visit before it, and the first after it.
    let began: Timestamp?
    let ended: Timestamp?
    let due: Timestamp
    let after: String?
    let before: String?

    func reason(_ unit: String) -> String {
      let name = step.stations.joined(separator: " or ")
      switch (after, before) {
      case (let after?, let before?):
        return "\(unit) was at \(after) and then at \(before), but there is no cycle of it at \(name)"
      case (nil, let before?): return "\(unit) was at \(before), but there is no cycle of it at \(name) before"
      case (let after, nil):
        return "\(unit) left \(after ?? "the station before") and did not come to \(name) within the time allowed"
      }
    }
  }

  /// The decision: which steps lie before the last visit (or are overdue) and have none.
  static func missing(_ visits: [Visit], isScrapped: Bool, rules: TraceRules) -> [Missing] {
    guard let start = visits.first, let product = visits.lazy.compactMap(\.product).first,
      let route = rules.routes[product], rules.since.map({ start.time >= $0 }) ?? true
    else { return [] }
    let first = route.map { step in visits.filter { step.stations.contains($0.station) }.min { $0.time < $1.time } }
    guard let reached = first.lastIndex(where: { $0 != nil }) else { return [] }
    var result: [Missing] = []
    for (index, step) in route.enumerated() where first[index] == nil && !step.isOptional {
      let earlier = first[..<index].compactMap { $0 }.max { $0.time < $1.time }
      if index < reached {
        guard let later = first[(index + 1)...].compactMap({ $0 }).min(by: { $0.time < $1.time }) else { continue }
        let began = earlier.flatMap { $0.time <= later.time ? $0 : nil }
        result.append(
          Missing(
            step: step, began: began?.time, ended: later.time, due: later.time, after: began?.station,
            before: later.station))
      } else if let within = step.within, let earlier, !isScrapped {
        result.append(
          Missing(
            step: step, began: earlier.time, ended: nil, due: earlier.time.adding(within), after: earlier.station,
            before: nil))
        break
      } else {
        break
      }
    }
    return result
  }

  private static func visits(of unit: String, in db: Database) throws -> [Visit] {
    try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT c.station, c.time, c.product FROM cycle_units u
          JOIN cycles c ON c.incarnation = u.incarnation AND c.sequence = u.sequence
          WHERE u.unit = ? AND u.doubt = 0 ORDER BY c.time, c.station, c.incarnation, c.sequence
          """), arguments: [unit]
    ).map { Visit(station: $0["station"], time: Timestamp(microseconds: $0["time"]), product: $0["product"]) }
  }

  /// After the rules have changed: makes the gaps of all units again.
  static func settle(_ db: Database, rules: TraceRules) throws {
    let known = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'rules'")
    guard known != rules.fingerprint else { return }
    let units = try String.fetchCursor(db, sql: "SELECT id FROM nodes WHERE kind = 'unit'")
    while let unit = try units.next() { try update(unit, rules: rules, in: db) }
    try remember(rules, in: db)
  }

  static func remember(_ rules: TraceRules, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO meta(key, value) VALUES ('rules', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value
        """, arguments: [rules.fingerprint])
  }
}
