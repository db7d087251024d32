public import Events
import GRDB

/// All that is known of a unit, and what is not.
public struct UnitRecord: Sendable {
  public var unit: String
  public var product: String?
  /// `in-work`, `made` or `scrapped`.
  public var state: String
  /// Whether its route is complete; nil where no route is known.
  public var complete: Bool?
  /// Of the last attempts: `fail` if one failed, `pass` if all that say something passed.
  public var result: String?
  public var cycles: [CycleRecord]
  public var links: [LinkRecord]
  public var gaps: [GapRecord]

  /// The shape of section 6.
  public var json: [UInt8] {
    var json = JSONWriter(capacity: 4096)
    json.object { writer in
      writer.field("unit", unit)
      writer.field("product", product)
      writer.field("state", state)
      writer.field("complete", complete)
      writer.field("result", result)
      writer.list("cycles", cycles) { $1.write(to: &$0) }
      writer.list("links", links) { $1.write(to: &$0) }
      writer.list("gaps", gaps) { $1.write(to: &$0) }
    }
    return json.bytes
  }
}

/// One cycle as its event tells it.
public struct CycleRecord: Sendable {
  public var station: String
  public var time: Timestamp
  /// What is to be said of the time.
  public var doubt: TimeDoubt?
  public var unit: String?
  public var lot: String?
  /// Which attempt of this unit at this station, from 1.
  public var attempt: Int
  /// The unit is in doubt: another one may have been meant.
  public var isDoubtful: Bool
  public var event: EventReference?
  /// The last poll that showed the cycle before it.
  public var after: Timestamp?
  /// Nil where the event's line is held back.
  public var data: CycleData?

  /// All that the cycle was of, where it was of several; else `unit` has it.
  public var units: [String] { data?.stamp?.all("unit") ?? unit.map { [$0] } ?? [] }
  public var operators: [String] { data?.stamp?.all("operator") ?? [] }
  public var result: String? { data?.result }

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("station", station)
      writer.field("time", time)
      doubt?.write(to: &writer)
      let (units, operators) = (units, operators)
      if units.count > 1 {
        writer.list("units", units) { $0.value($1) }
      } else {
        writer.field("unit", unit)
      }
      if operators.count > 1 {
        writer.list("operators", operators) { $0.value($1) }
      } else {
        writer.field("operator", operators.first)
      }
      writer.field("lot", lot)
      writer.field("result", result)
      writer.field("attempt", attempt)
      writer.key("tags")
      writer.object { inner in
        for tag in data?.tags ?? [] {
          inner.key(tag.name)
          inner.value(tag.value)
        }
      }
      writer.list("outside", data?.outside ?? []) { $0.value($1) }
      writer.field("after", after)
      writer.field("device", data?.device)
      writer.field("mode", data?.mode)
      if isDoubtful { writer.field("doubtful", true) }
      if let unsure = data?.unsure, !unsure.isEmpty {
        writer.key("unsure")
        writer.object { inner in for role in unsure { inner.field(role.name, role.value) } }
      }
      if let event {
        writer.key("event")
        event.write(to: &writer)
      }
    }
  }
}

extension JSONWriter {
  /// A field with an array, each item written by `body`.
  public mutating func list<Item>(_ name: String, _ items: [Item], _ body: (inout JSONWriter, Item) -> Void) {
    key(name)
    array { writer in for item in items { body(&writer, item) } }
  }
}

extension TraceStore {
  /// The record of a unit; a code without scope may fit several.
  public func unit(_ id: String, exactly: Bool = false) async throws -> Lookup<UnitRecord> {
    try await read { [rules] db in
      try Self.lookup(.unit, id, exactly: exactly, in: db) { try UnitReader(db, rules).record(of: $0) }
    }
  }

  /// In SQL: the identifiers of a kind that are ?2, or have it as their code, at most ?3.
  static func identifiers(exactly: Bool) -> String {
    let own = "SELECT id FROM nodes WHERE kind = ?1 AND id = ?2"
    // Each by its own index: of `OR` SQLite makes a walk through all of the kind.
    let fitting =
      exactly ? own : "\(own) UNION ALL SELECT id FROM nodes WHERE kind = ?1 AND code = ?2 AND code <> id"
    return "SELECT id FROM (\(fitting)) ORDER BY id LIMIT ?3"
  }

  /// Finds the identifier that `id` means: itself, or the one whose code it is.
  static func lookup<Record>(
    _ kind: Node.Kind, _ id: String, exactly: Bool, in db: Database, _ read: (String) throws -> Record
  ) throws -> Lookup<Record> {
    let known = try String.fetchAll(
      db.cachedStatement(sql: identifiers(exactly: exactly)),
      arguments: [kind.rawValue, id.storable, Lookup<Record>.candidateLimit + 1])
    guard known.count > 1 else { return try known.first.map { .found(try read($0)) } ?? .unknown }
    let shown = Array(known.prefix(Lookup<Record>.candidateLimit))
    return .several(shown, isTruncated: known.count > shown.count)
  }
}

/// Puts a unit's record together.
struct UnitReader {
  let db: Database
  let rules: TraceRules
  let grader: Grader

  init(_ db: Database, _ rules: TraceRules, grader: Grader? = nil) {
    self.db = db
    self.rules = rules
    self.grader = grader ?? Grader(db)
  }

  func record(of unit: String) throws -> UnitRecord {
    let rows = try CycleRow.of(unit: unit, in: db)
    var attempts: [String: Int] = [:]
    var cycles: [CycleRecord] = []
    var links: [LinkRecord] = []
    for (row, isDoubtful) in rows {
      attempts[row.station, default: 0] += 1
      cycles.append(try self.cycle(row, attempt: attempts[row.station] ?? 1, isDoubtful: isDoubtful))
      links += try grader.links(of: row, isDoubtful: isDoubtful)
    }
    let product = rows.lazy.compactMap(\.cycle.product).first
    let isScrapped = try Bool.fetchOne(
      db.cachedStatement(sql: "SELECT EXISTS(SELECT 1 FROM marks WHERE unit = ? AND mark = 'SCRAP')"), arguments: [unit]
    )
    let sure = cycles.filter { !$0.isDoubtful }
    let judged = Judgement(sure, route: product.flatMap { rules.routes[$0] })
    return UnitRecord(
      unit: unit, product: product, state: isScrapped == true ? "scrapped" : judged.state, complete: judged.complete,
      result: judged.result, cycles: cycles, links: links, gaps: try gaps(of: unit, rows.map(\.cycle), cycles))
  }

  func cycle(_ row: CycleRow, attempt: Int, isDoubtful: Bool) throws -> CycleRecord {
    let event = try row.event(in: db)
    let clock = try grader.clock(at: row.key)
    let after = event?.data.after
    return CycleRecord(
      station: row.station, time: row.time, doubt: try grader.doubt(of: row.key), unit: row.unit, lot: row.lot,
      attempt: attempt, isDoubtful: isDoubtful, event: try grader.reference(row.key),
      after: after.flatMap { clock?.time(of: $0, toldAt: event?.boottime ?? 0) } ?? after, data: event?.data)
  }

  /// The unit's own gaps, and those of its stations while it was there or should have been.
  func gaps(of unit: String, _ rows: [CycleRow], _ cycles: [CycleRecord]) throws -> [GapRecord] {
    let ledger = try GapLedger(db, grader)
    var gaps = try ledger.of(unit: unit)
    for missing in gaps where missing.kind == "missing-station" {
      let from = missing.from ?? missing.to?.adding(.seconds(-600))
      guard let from else { continue }
      for station in missing.anyOf {
        gaps += try ledger.at(station, from: from, to: missing.to ?? rules.now())
      }
    }
    for (row, cycle) in zip(rows, cycles) {
      let scanned = try grader.unitScanned(cycle.data?.stamp, row)
      let from = [scanned, cycle.after, row.time].compactMap { $0 }.min() ?? row.time
      gaps += try ledger.at(row.station, from: from, to: row.time)
    }
    var seen: Set<String> = []
    return gaps.filter { seen.insert($0.id).inserted }
      .sorted { ($0.from ?? $0.to ?? .init(microseconds: 0)) < ($1.from ?? $1.to ?? .init(microseconds: 0)) }
  }
}

/// What a unit's cycles come to against its route.
struct Judgement {
  var state: String
  var complete: Bool?
  var result: String?

  /// `cycles` in the order of time.
  init(_ cycles: [CycleRecord], route: [RouteStep]?) {
    var last: [String: CycleRecord] = [:]
    for cycle in cycles { last[cycle.station] = cycle }
    let results = last.values.compactMap(\.result)
    result = results.isEmpty ? nil : results.contains("fail") ? "fail" : "pass"
    guard let route else {
      state = cycles.isEmpty ? "in-work" : "made"
      return
    }
    let required = route.filter { !$0.isOptional }
    func done(_ step: RouteStep) -> Bool {
      step.stations.contains { station in last[station].map { Self.has($0, step.needs) } ?? false }
    }
    complete = required.allSatisfy(done)
    let end = required.last
    state = end.map { step in step.stations.contains { last[$0] != nil } } ?? false ? "made" : "in-work"
  }

  private static func has(_ cycle: CycleRecord, _ needs: [String]) -> Bool {
    needs.allSatisfy { need in
      need == "result" && cycle.result != nil
        || cycle.data?.tags.contains { $0.name == need && $0.value.isGood } ?? false
    }
  }
}
