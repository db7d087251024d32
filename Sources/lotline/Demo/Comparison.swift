import Events

/// What the central answered, as far as it is compared.
struct Found: Sendable, Hashable {
  struct Cycle: Sendable, Hashable {
    var station: String
    var `operator`: String?
    var lot: String?
    var result: String?
    var values: [String: Ledger.Value] = [:]
    var isDoubtful = false
  }

  struct Link: Sendable, Hashable {
    var id: String
    var station: String
    var isCertain: Bool
  }

  struct Unit: Sendable, Hashable {
    var cycles: [Cycle] = []
    var coils: [Link] = []
    var complete: Bool?
  }

  struct Gap: Sendable, Hashable {
    var kind: String
    var station: String?
    var device: String?
    var unit: String?
    var count: UInt64?
    var from: Timestamp?
    var to: Timestamp?
    var reason: String?
  }

  /// A cycle's event: which, by device and counter.
  struct CycleKey: Sendable, Hashable {
    var device: String
    var trigger: UInt64
  }

  /// By unit; a unit that the central does not know is not in it.
  var units: [String: Unit] = [:]
  /// How often each cycle was recorded.
  var cycles: [CycleKey: Int] = [:]
  var scans: Set<Ledger.Scan> = []
  var gaps: [Gap] = []
}

/// The ledger beside the answers: how many of each were expected and found, and each difference in a line.
struct Comparison: Sendable, Hashable {
  struct Row: Sendable, Hashable {
    var what: String
    var expected = 0
    /// Of those that were expected.
    var found = 0
    /// Found, and nobody did it.
    var unexpected = 0
  }

  private(set) var rows: [Row] = []
  private(set) var differences: [String] = []

  var agrees: Bool { differences.isEmpty }

  /// Gaps that come from the machine that the demo runs on, not from the simulated line.
  static let ofTheMachine: Set<String> = ["missed-polls", "clock-unsynchronised"]

  init(_ ledger: Ledger, _ found: Found) {
    compareUnits(ledger, found)
    compareCycles(ledger, found)
    compareValues(ledger, found)
    compareCoils(ledger, found)
    compareScans(ledger, found)
    compareGaps(ledger, found)
  }

  private mutating func add(_ row: Row, _ complaints: [String]) {
    rows.append(row)
    differences += complaints
  }

  private mutating func compareUnits(_ ledger: Ledger, _ found: Found) {
    var row = Row(what: "units")
    var complaints: [String] = []
    let route = Set(ledger.cycles.map(\.station)).count
    for unit in ledger.units {
      row.expected += 1
      guard let record = found.units[unit] else {
        complaints.append("unit \(unit): not known to the central")
        continue
      }
      row.found += 1
      let whole = Set(ledger.cycles(of: unit).map(\.station)).count == route
      if let complete = record.complete, complete != whole {
        complaints.append("unit \(unit): said to be \(complete ? "" : "in")complete, and it is not")
      }
    }
    add(row, complaints)
  }

  private mutating func compareCycles(_ ledger: Ledger, _ found: Found) {
    var row = Row(what: "cycles", expected: ledger.cycles.count)
    var complaints: [String] = []
    var rest = found.cycles
    for cycle in ledger.cycles {
      let key = Found.CycleKey(device: cycle.device, trigger: cycle.trigger)
      let times = rest.removeValue(forKey: key) ?? 0
      if times > 0 { row.found += 1 }
      row.unexpected += max(0, times - 1)
      if times != 1 { complaints.append("cycle \(cycle.trigger) of \(cycle.device): recorded \(times) times") }
    }
    for (key, times) in rest.sorted(by: { ($0.key.device, $0.key.trigger) < ($1.key.device, $1.key.trigger) }) {
      row.unexpected += times
      complaints.append("cycle \(key.trigger) of \(key.device): recorded, and the PLC did not make it")
    }
    add(row, complaints)
  }

  private mutating func compareValues(_ ledger: Ledger, _ found: Found) {
    var row = Row(what: "values")
    var complaints: [String] = []
    for unit in ledger.units {
      guard let record = found.units[unit] else { continue }
      for cycle in ledger.cycles(of: unit) {
        let sure = record.cycles.filter { $0.station == cycle.station && !$0.isDoubtful }
        row.expected += cycle.values.count + 3
        guard sure.count == 1 else {
          complaints.append("unit \(unit): \(sure.count) cycles at \(cycle.station), and it had 1")
          continue
        }
        for (name, expected, value) in Self.facts(cycle, sure[0]) {
          if expected.agrees(with: value) {
            row.found += 1
          } else {
            complaints.append(
              "unit \(unit) at \(cycle.station): \(name) is \(value.map(\.shown) ?? "missing"), and was \(expected.shown)"
            )
          }
        }
      }
      let stations = Set(ledger.cycles(of: unit).map(\.station))
      for other in record.cycles where !other.isDoubtful && !stations.contains(other.station) {
        row.unexpected += 1
        complaints.append("unit \(unit): a cycle at \(other.station), where it was not scanned")
      }
    }
    add(row, complaints)
  }

  /// What is known of a cycle beside what was found: its values, who, which lot, which verdict.
  private static func facts(_ cycle: Ledger.Cycle, _ found: Found.Cycle) -> [(String, Ledger.Value, Ledger.Value?)] {
    var facts = cycle.values.sorted { $0.key < $1.key }.map { ($0.key, $0.value, found.values[$0.key]) }
    facts.append(("operator", .text(cycle.operator), found.operator.map { .text($0) }))
    facts.append(("lot", .text(cycle.lot), found.lot.map { .text($0) }))
    facts.append(("result", .text(cycle.result ?? "none"), .text(found.result ?? "none")))
    return facts
  }

  private mutating func compareCoils(_ ledger: Ledger, _ found: Found) {
    var row = Row(what: "coils")
    var complaints: [String] = []
    for unit in ledger.units {
      guard let record = found.units[unit] else { continue }
      for cycle in ledger.cycles(of: unit) {
        guard let expected = ledger.coil(in: cycle) else { continue }
        row.expected += 1
        let links = record.coils.filter { $0.station == cycle.station }
        if expected.agrees(with: links) {
          row.found += 1
        } else {
          let said = links.map { "\($0.id) \($0.isCertain ? "certain" : "possible")" }.sorted().joined(separator: ", ")
          complaints.append(
            "unit \(unit): its coil is \(said.isEmpty ? "not known" : said), and it was \(expected.shown)")
        }
      }
    }
    add(row, complaints)
  }

  private mutating func compareScans(_ ledger: Ledger, _ found: Found) {
    let expected = Set(ledger.scans)
    let missing = expected.subtracting(found.scans)
    add(
      Row(
        what: "scans", expected: expected.count, found: expected.count - missing.count,
        unexpected: found.scans.subtracting(expected).count),
      missing.map { "scan \($0.text) of \($0.device): accepted, and not at the central" }.sorted()
        + found.scans.subtracting(expected).map { "scan \($0.text) of \($0.device): nobody made it" }.sorted())
  }

  private mutating func compareGaps(_ ledger: Ledger, _ found: Found) {
    var rest = found.gaps.filter { !Self.ofTheMachine.contains($0.kind) }
    let kinds = Set(ledger.gaps.map(\.kind)).union(rest.map(\.kind)).sorted()
    for kind in kinds {
      var row = Row(what: "gaps: \(kind)")
      var complaints: [String] = []
      for gap in ledger.gaps where gap.kind == kind {
        row.expected += 1
        if let index = rest.firstIndex(where: { gap.agrees(with: $0) }) {
          row.found += 1
          rest.remove(at: index)
        } else {
          complaints.append("gap \(gap.shown): not in the central's ledger")
        }
      }
      for other in rest where other.kind == kind {
        row.unexpected += 1
        complaints.append("gap \(other.shown): in the central's ledger, and nothing was missing")
      }
      add(row, complaints)
    }
  }
}

extension Ledger.Value {
  var shown: String {
    switch self {
    case .number(let number): "\(number)"
    case .text(let text): text
    case .flag(let flag): "\(flag)"
    }
  }

  /// Numbers agree where they differ by no more than a product of decimals may be rounded.
  func agrees(with other: Ledger.Value?) -> Bool {
    switch (self, other) {
    case (.number(let a), .number(let b)): abs(a - b) <= 1e-9 * max(abs(a), abs(b), 1)
    default: self == other
    }
  }
}

extension CoilExpectation {
  var shown: String {
    switch self {
    case .certain(let coil): "\(coil) for certain"
    case .possible(let coils): coils.sorted().joined(separator: " or ") + ", not certain"
    case .either(let coil): coil
    }
  }

  func agrees(with links: [Found.Link]) -> Bool {
    let ids = Set(links.map(\.id))
    guard ids.count == links.count else { return false }
    switch self {
    case .certain(let coil): return ids == [coil] && links.allSatisfy(\.isCertain)
    case .possible(let coils): return ids == coils && !links.contains { $0.isCertain }
    case .either(let coil): return ids == [coil]
    }
  }
}

extension Ledger.Gap {
  /// Both clocks are this machine's; this allows for what lies between a deed and its record.
  private static let slack = Duration.seconds(2)

  func agrees(with found: Found.Gap) -> Bool {
    guard kind == found.kind, station == found.station, unit == found.unit,
      device == nil || device == found.device, count == nil || count == found.count
    else { return false }
    return (found.from.map { $0 <= to.adding(Self.slack) } ?? true)
      && (found.to.map { $0.adding(Self.slack) >= from } ?? true)
  }

  var shown: String {
    [kind, station, device, unit, count.map { "count \($0)" }, "\(from)"].compactMap { $0 }.joined(separator: " ")
  }
}

extension Found.Gap {
  var shown: String {
    [kind, station, device, unit, count.map { "count \($0)" }, from.map { "\($0)" }, reason].compactMap { $0 }
      .joined(separator: " ")
  }
}
