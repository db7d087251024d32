import Events
import GRDB

/// What a unit should have gone through and did not: `missing-station`, from the route of its product.
///
/// A function of the unit's cycles alone, so that it is the same in whatever order they came. Whether such a row is
/// a gap or still pending depends on how far the missing station's source was received (`GapRow.due`).
struct Expectations {
  private let db: Database
  private let rules: TraceRules
  private let former, removal, visits, mark, gap: BareStatement

  init(_ db: Database, _ rules: TraceRules) throws {
    self.db = db
    self.rules = rules
    former = try BareStatement(db, "SELECT 1 FROM gaps WHERE unit = ? AND kind = 'missing-station' LIMIT 1")
    removal = try BareStatement(db, "DELETE FROM gaps WHERE unit = ? AND kind = 'missing-station'")
    visits = try BareStatement(
      db,
      """
      SELECT c.station, c.time, c.product FROM cycle_units u
      JOIN cycles c ON c.incarnation = u.incarnation AND c.sequence = u.sequence
      WHERE u.unit = ? AND u.doubt = 0 ORDER BY u.incarnation, u.sequence
      """)
    gap = try GapRow.statement(in: db)
    mark = try BareStatement(db, "SELECT 1 FROM marks WHERE unit = ? AND mark = 'SCRAP' LIMIT 1")
  }

  /// Makes the gaps of one unit again.
  func update(_ unit: String) throws {
    // Most units have none, and to look is less than to remove.
    if try former.isAny({ $0.add(unit) }) { try removal.run { $0.add(unit) } }
    var found: [Visit] = []
    try visits.rows({ $0.add(unit) }) { row in
      guard let station = row.text(0), let time = row.number(1) else { return }
      found.append(Visit(station: station, time: Timestamp(microseconds: time), product: row.text(2)))
    }
    // The order of the key costs SQLite nothing; most units have come once so far.
    if found.count > 1 { found = Visit.inOrder(found) }
    for missing in try Self.missing(found, isScrapped: isScrapped(unit), rules: rules) {
      try GapRow(
        id: "missing-station:\(unit):\(missing.step.stations[0])", kind: "missing-station",
        station: missing.step.stations.joined(separator: "|"), unit: unit, began: missing.began.map { ToldTime($0) },
        ended: missing.ended.map { ToldTime($0) }, due: missing.due, reason: missing.reason(unit)
      ).insert(by: gap)
    }
  }

  private func isScrapped(_ unit: String) throws -> Bool { try mark.isAny { $0.add(unit) } }

  struct Visit {
    let station: String
    let time: Timestamp
    let product: String?

    /// By time and station, as bytes; of what is alike in both the first stays first.
    static func inOrder(_ visits: [Visit]) -> [Visit] {
      visits.enumerated().sorted { a, b in
        if a.element.time != b.element.time { return a.element.time < b.element.time }
        if a.element.station.utf8.elementsEqual(b.element.station.utf8) { return a.offset < b.offset }
        return a.element.station.utf8.lexicographicallyPrecedes(b.element.station.utf8)
      }.map(\.element)
    }
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
  ///
  /// `isScrapped` is asked only where it matters.
  static func missing(_ visits: [Visit], isScrapped: @autoclosure () throws -> Bool, rules: TraceRules) rethrows
    -> [Missing]
  {
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
      } else if let within = step.within, let earlier, try !isScrapped() {
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

  /// After the rules have changed: makes the gaps of all units again.
  static func settle(_ db: Database, rules: TraceRules) throws {
    let known = try String.fetchOne(db, sql: "SELECT value FROM meta WHERE key = 'rules'")
    guard known != rules.fingerprint else { return }
    let units = try String.fetchCursor(db, sql: "SELECT id FROM nodes WHERE kind = 'unit'")
    let expectations = try Expectations(db, rules)
    while let unit = try units.next() { try expectations.update(unit) }
    try remember(rules, in: db)
  }

  static func remember(_ rules: TraceRules, in db: Database) throws {
    try db.execute(
      sql: """
        INSERT INTO meta(key, value) VALUES ('rules', ?) ON CONFLICT(key) DO UPDATE SET value = excluded.value
        """, arguments: [rules.fingerprint])
  }
}
