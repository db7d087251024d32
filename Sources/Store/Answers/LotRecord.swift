import Events
import GRDB

/// All that is known of a lot: a production lot, a consumed one, or both.
public struct LotRecord: Sendable {
  public var lot: String
  public var product: String?
  /// How many units belong to it.
  public var madeUnits: Int
  /// How many units have it in them, or may have it.
  public var consumedUnits: Int
  /// Whether all of its units are complete; nil where no route is known, or it has no units.
  public var complete: Bool?
  public var cycles: [CycleRecord]
  /// What went into it.
  public var links: [LinkRecord]
  /// Its units, and the units and lots that it went into: the first thousand.
  public var units: [String]
  public var usedIn: [LinkRecord]
  public var gaps: [GapRecord]
  /// More is known than is given here: ask `/v1/trace`.
  public var isTruncated: Bool

  /// The shape of section 6.
  public var json: [UInt8] {
    var json = JSONWriter(capacity: 4096)
    json.object { writer in
      writer.field("lot", lot)
      writer.field("product", product)
      writer.key("made")
      writer.object { $0.field("units", madeUnits) }
      writer.key("consumed")
      writer.object { $0.field("units", consumedUnits) }
      writer.field("complete", complete)
      writer.list("cycles", cycles) { $1.write(to: &$0) }
      writer.list("links", links) { $1.write(to: &$0) }
      writer.list("units", units) { $0.value($1) }
      writer.list("used_in", usedIn) { $1.write(to: &$0) }
      writer.list("gaps", gaps) { $1.write(to: &$0) }
      writer.field("truncated", isTruncated)
    }
    return json.bytes
  }
}

extension TraceStore {
  /// The record of a lot; a code without scope may fit several.
  public func lot(_ id: String, exactly: Bool = false) async throws -> Lookup<LotRecord> {
    try await read { [rules] db in
      try Self.lookup(.lot, id, exactly: exactly, in: db) { try LotReader(db, rules).record(of: $0) }
    }
  }
}

/// Puts a lot's record together.
struct LotReader {
  let db: Database
  let rules: TraceRules
  let grader: Grader
  static let limit = 1000
  /// The units that the cycles of a lot were of.
  static let members = """
    FROM cycle_units u, \(CycleRow.ofLot) AND u.incarnation = c.incarnation AND u.sequence = c.sequence
    AND (u.doubt = 0 OR u.unit = c.unit)
    """

  init(_ db: Database, _ rules: TraceRules) {
    self.db = db
    self.rules = rules
    grader = Grader(db)
  }

  func record(of lot: String) throws -> LotRecord {
    let reader = UnitReader(db, rules, grader: grader)
    let rows = try CycleRow.of(lot: lot, limit: Self.limit + 1, in: db)
    var attempts: [String: Int] = [:]
    let cycles = try rows.prefix(Self.limit).map { row in
      let place = "\(row.unit ?? "")\u{0}\(row.station)"
      attempts[place, default: 0] += 1
      return try reader.cycle(row, attempt: row.unit == nil ? 1 : attempts[place] ?? 1, isDoubtful: false)
    }
    let units = try String.fetchAll(
      db,
      sql: "SELECT DISTINCT u.unit \(Self.members) ORDER BY u.unit LIMIT \(Self.limit)", arguments: [lot])
    let made = try Int.fetchOne(db, sql: "SELECT COUNT(DISTINCT u.unit) \(Self.members)", arguments: [lot]) ?? 0
    let walk = Walk(db, grader, limit: Self.limit)
    let used = try walk.consumers(of: Node(.lot, lot))
    let product = rows.lazy.compactMap(\.product).first
    let gaps = try walk.gaps(ofLoaded: lot) + walk.gaps(around: Array(rows.prefix(Self.limit)))
    var seen: Set<String> = []
    return LotRecord(
      lot: lot, product: product, madeUnits: made,
      consumedUnits: Set(used.filter { $0.child.kind == .unit }.map(\.child)).count,
      complete: try complete(units, product: product), cycles: cycles,
      links: try materials(of: Array(rows.prefix(Self.limit))), units: units,
      usedIn: used.prefix(Self.limit).map { step in
        var link = step.link
        link.node = step.child
        return link
      },
      gaps: gaps.filter { seen.insert($0.id).inserted }.sorted { $0.id < $1.id }
        .sorted { ($0.from ?? $0.to ?? .init(microseconds: 0)) < ($1.from ?? $1.to ?? .init(microseconds: 0)) },
      isTruncated: rows.count > Self.limit || made > Self.limit || used.count > Self.limit)
  }

  /// What went into the lot by any of its cycles: one link each, certain if one of them is.
  private func materials(of rows: [CycleRow]) throws -> [LinkRecord] {
    var best: [String: LinkRecord] = [:]
    for row in rows {
      for link in try grader.links(of: row) where link.relation != "member" {
        let key = "\(link.station)\u{0}\(link.role)\u{0}\(link.node)"
        if let known = best[key], known.isCertain || !link.isCertain { continue }
        best[key] = link
      }
    }
    return best.sorted { ($0.value.time, $0.key) < ($1.value.time, $1.key) }.map(\.value)
  }

  private func complete(_ units: [String], product: String?) throws -> Bool? {
    guard !units.isEmpty, let product, rules.routes[product] != nil else { return nil }
    let reader = UnitReader(db, rules, grader: grader)
    return try units.allSatisfy { unit in
      let cycles = try CycleRow.of(unit: unit, in: db).filter { !$0.isDoubtful }
        .map { try reader.cycle($0.cycle, attempt: 1, isDoubtful: false) }
      return Judgement(cycles, route: rules.routes[product]).complete ?? false
    }
  }
}
