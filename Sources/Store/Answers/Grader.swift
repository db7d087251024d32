import Events
import GRDB

/// Grades the links of cycles by their evidence, as it is known now (design.md, section 8).
///
/// Grades are made when asked for and never stored: a gap that arrives late changes them at once.
final class Grader {
  let db: Database
  /// By incarnation.
  var clocks: [Int64: Clocks] = [:]
  private var histories: [String: StationHistory] = [:]
  private var references: [Int64: EventReference?] = [:]

  init(_ db: Database) { self.db = db }

  func history(of station: String) throws -> StationHistory {
    if let known = histories[station] { return known }
    let made = try StationHistory(of: station, in: db)
    histories[station] = made
    return made
  }

  func reference(_ key: EventKey) throws -> EventReference? {
    if references[key.incarnation] == nil {
      references[key.incarnation] = try Identities.event(EventKey(incarnation: key.incarnation, sequence: 0), in: db)
    }
    return references[key.incarnation].flatMap { $0 }.map {
      EventReference(source: $0.source, id: "\($0.id.dropLast(2)):\(key.sequence)")
    }
  }

  /// The links of one cycle, for the unit (or lot) that it was of.
  func links(of cycle: CycleRow, isDoubtful: Bool = false) throws -> [LinkRecord] {
    let rows = try Row.fetchAll(
      db.cachedStatement(
        sql: """
          SELECT field, kind, id, role, doubt FROM links WHERE incarnation = ? AND sequence = ? ORDER BY field, kind, id
          """), arguments: [cycle.key.incarnation, cycle.key.sequence])
    guard !rows.isEmpty else { return [] }
    let stamp = try cycle.data(in: db)?.stamp
    let event = try reference(cycle.key)
    let doubt = try doubt(of: cycle.key)
    var links: [LinkRecord] = []
    for (field, rows) in Dictionary(grouping: rows, by: { $0["field"] as String }).sorted(by: { $0.key < $1.key }) {
      let role: String = rows[0]["role"]
      var ids = rows.map { $0["id"] as String }
      let isUnsure = rows.contains { ($0["doubt"] as Int64) != 0 }
      var grade = Grade(evidence: .scanned, reason: nil)
      var swap: String?
      if role == "consumed" {
        let other = try neighbours(of: cycle, field: field)
        ids += other.lots.subtracting(ids).sorted()
        swap = other.reason
      }
      if isUnsure {
        grade = Grade(evidence: .window, reason: "it changed between the last poll and this cycle: either may be right")
      } else if let swap {
        grade = Grade(evidence: .window, reason: swap)
      } else if role != "installed" {
        grade = try self.grade(field, ids[0], stamp, cycle)
      } else if let count = stamp?.all("unit").count, count > 1 {
        grade.reason = "the cycle was of \(count) units at once: it may be in any of them"
      }
      if grade.reason == nil, isDoubtful { grade.reason = "it is not sure that this cycle was of this unit" }
      if grade.reason == nil, let doubt = try doubtOfUnit(stamp, cycle) { grade.reason = doubt }
      for id in ids {
        links.append(
          LinkRecord(
            node: Node(Node.Kind(rawValue: rows[0]["kind"]) ?? .lot, id), role: Self.role(role, field), relation: role,
            evidence: grade.evidence, isCertain: grade.reason == nil, reason: grade.reason,
            alternatives: ids.count > 1 ? "\(event?.id ?? "")/\(field)" : nil, station: cycle.station,
            time: cycle.time, doubt: doubt, event: event))
      }
    }
    return links
  }

  private struct Grade {
    var evidence: LinkRecord.Evidence
    /// Nil: certain.
    var reason: String?
  }

  private static func role(_ relation: String, _ field: String) -> String {
    relation == "member"
      ? "member" : field.firstIndex(of: ".").map { String(field[field.index(after: $0)...]) } ?? field
  }

  /// The lots on the other side of changes whose grey zone this cycle is in, with the nearest change in words.
  private func neighbours(of cycle: CycleRow, field: String) throws -> (lots: Set<String>, reason: String?) {
    let history = try history(of: cycle.station)
    let swaps = (history.changes[field] ?? []).filter(\.isSwap)
    guard !swaps.isEmpty else { return ([], nil) }
    let zone = history.zone(of: String(field.dropFirst(Stamp.materialPrefix.count)), at: cycle.key)
    var lots: Set<String> = []
    var reason: String?
    let split = swaps.firstIndex { $0.key > cycle.key } ?? swaps.count
    for swap in swaps[..<split].reversed() {
      let distance = try CycleRow.count(
        at: cycle.station, after: swap.key, through: cycle.key, limit: zone.cycles + 1, in: db)
      guard distance <= zone.cycles || cycle.time.since(swap.time) <= zone.span else { break }
      lots.insert(swap.former ?? "")
      reason = reason ?? Self.words(swap, distance, "after")
    }
    for swap in swaps[split...] {
      let before = EventKey(incarnation: cycle.key.incarnation, sequence: cycle.key.sequence - 1)
      let distance = try CycleRow.count(
        at: cycle.station, after: before, through: swap.key, limit: zone.cycles + 1, in: db)
      guard distance <= zone.cycles || swap.time.since(cycle.time) <= zone.span else { break }
      lots.insert(swap.latter ?? "")
      reason = reason ?? Self.words(swap, distance, "before")
    }
    return (lots, reason)
  }

  private static func words(_ swap: StationHistory.Change, _ distance: Int, _ side: String) -> String {
    let place = distance == 1 ? "the first cycle" : "cycle \(distance)"
    return
      "\(side == "after" ? place : distance == 1 ? "the last cycle" : "cycle \(distance)") \(side) the change from "
      + "\(swap.former ?? "") to \(swap.latter ?? "") at \(swap.time.shown): it could have had either"
  }

  /// A lot that was in effect: how it was set, and whether a change since then could have gone unseen.
  private func grade(_ field: String, _ lot: String, _ stamp: Stamp?, _ cycle: CycleRow) throws -> Grade {
    let history = try history(of: cycle.station)
    let change = history.changes[field]?.last { $0.key < cycle.key && $0.latter == lot }
    let origin = stamp?.origin(of: field).flatMap { id(of: $0, in: cycle) }
    switch change?.how {
    case "declared": return Grade(evidence: .declared, reason: "it was typed in, not scanned")
    case "planned": return Grade(evidence: .planned, reason: "it comes from a plan, not from a scan")
    case "read" where field != "lot": break
    case "read": return Grade(evidence: .read, reason: nil)
    default: break
    }
    guard let loaded = try origin.flatMap({ try time(of: $0) }) ?? change?.time else {
      return Grade(evidence: .loaded, reason: "no event here says when it was loaded")
    }
    if let hiding = history.hiding(after: loaded, until: cycle.time) {
      return Grade(
        evidence: .loaded,
        reason: "since it was set at \(loaded.shown), \(hiding.reason): a change could have been missed")
    }
    return Grade(evidence: try field == "lot" && isRead(origin, for: cycle) ? .scanned : .loaded, reason: nil)
  }

  /// Whether the code was read after the station's cycle before this one.
  private func isRead(_ origin: EventID?, for cycle: CycleRow) throws -> Bool {
    guard let origin, try reference(cycle.key)?.id.hasPrefix(origin.incarnation.description) == true else {
      return false
    }
    let former = try Int64.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT sequence FROM cycles WHERE station = ? AND incarnation = ? AND sequence < ?
          ORDER BY sequence DESC LIMIT 1
          """), arguments: [cycle.station, cycle.key.incarnation, cycle.key.sequence])
    return Int64(origin.sequence) > former ?? 0
  }

  /// Why the cycle may have been of another unit than the one in its stamp; nil where nothing says so.
  private func doubtOfUnit(_ stamp: Stamp?, _ cycle: CycleRow) throws -> String? {
    guard cycle.unit != nil, let scanned = try unitScanned(stamp, cycle) else { return nil }
    let history = try history(of: cycle.station)
    let change = history.changes["unit"]?.last { $0.key < cycle.key && $0.latter == cycle.unit }
    if change?.how == "declared" { return "the unit was typed in, not scanned" }
    return history.hiding(after: scanned, until: cycle.time).map {
      "between the unit's scan and the cycle, \($0.reason): another unit could have come"
    }
  }

  /// When the unit's code was read for this cycle, if its stamp says so; of several the first.
  func unitScanned(_ stamp: Stamp?, _ cycle: CycleRow) throws -> Timestamp? {
    try stamp?.origins(of: "unit").compactMap { id(of: $0, in: cycle) }.compactMap { try time(of: $0) }.min()
  }

  private func id(of origin: Stamp.Origin, in cycle: CycleRow) -> EventID? {
    switch origin {
    case .event(let id): return id
    case .sequence(let number):
      guard let reference = try? reference(cycle.key), let event = EventID(reference.id) else { return nil }
      return EventID(incarnation: event.incarnation, sequence: number)
    }
  }

  private func time(of id: EventID) throws -> Timestamp? {
    try Int64.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT \(Corrections.time(of: "e")) FROM incarnations i JOIN events e ON e.key = (i.id << \(EventKey.sequenceBits)) + ?
          WHERE i.name = ?
          """), arguments: [Int64(id.sequence), id.incarnation.description]
    ).map { Timestamp(microseconds: $0) }
  }
}
