import Events
import GRDB

/// Steps through genealogy, one at a time: what went into a node, and what a node went into.
struct Walk {
  let db: Database
  let grader: Grader
  /// How many cycles of one node are looked at.
  let limit: Int

  /// One step: the child has the link's node in it.
  struct Step {
    let child: Node
    let link: LinkRecord
  }

  init(_ db: Database, _ grader: Grader, limit: Int = 100_000) {
    self.db = db
    self.grader = grader
    self.limit = limit
  }

  /// In SQL: the units of a cycle.
  static let units = "SELECT unit, doubt FROM cycle_units WHERE incarnation = ? AND sequence = ? ORDER BY unit"

  /// What a cycle is the record of: its units, or where it has none its lot.
  func children(of cycle: CycleRow) throws -> [(node: Node, isDoubtful: Bool)] {
    let units = try Row.fetchAll(
      db.cachedStatement(sql: Self.units), arguments: [cycle.key.incarnation, cycle.key.sequence]
    ).map { (Node(.unit, $0["unit"]), ($0["doubt"] as Int64) != 0) }
    return units.isEmpty ? cycle.lot.map { [(Node(.lot, $0), false)] } ?? [] : units
  }

  /// The units and lots that have `node` in them, each once, by its best link.
  func consumers(of node: Node, isMemberIncluded: Bool = false) throws -> [Step] {
    var best: [Node: Step] = [:]
    for key in try candidates(node).sorted() {
      guard let cycle = try CycleRow.at(key, in: db) else { continue }
      for (child, isDoubtful) in try children(of: cycle) where child != node {
        for link in try grader.links(of: cycle, isDoubtful: isDoubtful)
        where link.node == node && (isMemberIncluded || link.relation != "member") {
          if let known = best[child], known.link.isCertain || !link.isCertain { continue }
          best[child] = Step(child: child, link: link)
        }
      }
    }
    return best.values.sorted { ($0.link.time, $0.child.id) < ($1.link.time, $1.child.id) }
  }

  /// The cycles that may have had `node`: by their stamp, or by the grey zone of a change from or to it.
  private func candidates(_ node: Node) throws -> Set<EventKey> {
    var keys = Set(
      try Row.fetchAll(
        db.cachedStatement(
          sql: "SELECT DISTINCT incarnation, sequence FROM links WHERE kind = ? AND id = ? LIMIT ?"),
        arguments: [node.kind.rawValue, node.id, limit]
      ).map { EventKey($0) })
    guard node.kind == .lot else { return keys }
    for row in try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT incarnation, sequence, station, field, time, 1 AS leaves FROM changes
          WHERE former = ?1 AND former <> latter AND \(Schema.ofMaterials)
          UNION ALL SELECT incarnation, sequence, station, field, time, 0 FROM changes
          WHERE latter = ?1 AND former <> latter AND \(Schema.ofMaterials)
          """), arguments: [node.id])
    {
      let key = EventKey(row)
      let time: Int64 = row["time"]
      let station: String = row["station"]
      let place = String((row["field"] as String).dropFirst(Stamp.materialPrefix.count))
      let zone = try grader.history(of: station).zone(of: place, at: key)
      let leaves: Bool = row["leaves"]
      keys.formUnion(
        try Row.fetchAll(
          db.cachedStatement(
            sql: leaves
              ? """
              SELECT incarnation, sequence FROM cycles WHERE station = ? AND (incarnation, sequence) > (?, ?)
              ORDER BY incarnation, sequence LIMIT ?
              """
              : """
              SELECT incarnation, sequence FROM cycles WHERE station = ? AND (incarnation, sequence) < (?, ?)
              ORDER BY incarnation DESC, sequence DESC LIMIT ?
              """), arguments: [station, key.incarnation, key.sequence, zone.cycles]
        ).map { EventKey($0) })
      guard zone.span > .zero else { continue }
      let span = zone.span.wholeMicroseconds
      keys.formUnion(
        try Row.fetchAll(
          db.cachedStatement(
            sql: "SELECT incarnation, sequence FROM cycles WHERE station = ? AND time BETWEEN ? AND ?"),
          arguments: [station, leaves ? time : time - span, leaves ? time + span : time]
        ).map { EventKey($0) })
    }
    return keys
  }

  /// The gaps of the stations where a lot was loaded, while it was there: cycles that may have had it are unknown.
  ///
  /// Before its own scan it may have been there since the lot before it was loaded, if a gap could hide that.
  func gaps(ofLoaded lot: String) throws -> [GapRecord] {
    let ledger = try GapLedger(db, grader)
    var gaps: [GapRecord] = []
    for row in try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT station, field, incarnation, sequence, time FROM changes
          WHERE latter = ? AND \(Schema.ofMaterials) ORDER BY incarnation, sequence
          """), arguments: [lot])
    {
      let key = EventKey(row)
      let history = try grader.history(of: row["station"])
      let changes = history.changes[row["field"]] ?? []
      let time = Timestamp(microseconds: row["time"])
      let former = changes.last { $0.key < key }?.time ?? Timestamp(microseconds: 0)
      let hidden = Set(history.hiding.filter { $0.isWithin(former, time) }.map(\.id))
      gaps += try ledger.at(row["station"], from: former, to: time).filter { hidden.contains($0.id) }
      let next = changes.first { $0.key > key && $0.latter != lot }
      gaps += try ledger.at(
        row["station"], from: time, to: next?.time ?? Timestamp(microseconds: .max))
    }
    return gaps
  }

  /// The gaps of each station from the first of a lot's cycles there to the last.
  func gaps(around rows: [CycleRow]) throws -> [GapRecord] {
    let ledger = try GapLedger(db, grader)
    return try Dictionary(grouping: rows, by: \.station).sorted { $0.key < $1.key }.flatMap { station, rows in
      try ledger.at(station, from: rows.map(\.time).min() ?? rows[0].time, to: rows.map(\.time).max() ?? rows[0].time)
    }
  }
}
