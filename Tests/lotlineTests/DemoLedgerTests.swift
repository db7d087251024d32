import Events
import Testing

@testable import lotline

/// The simulator's own ledger: what it says must be known, and what it makes of answers that are not right.
struct DemoLedgerTests {
  // A station whose coil is changed after its third cycle; a second is a cycle.
  private func press(changes: [(coil: String, after: Int)] = [("C1", 0), ("C2", 3)], cycles: Int = 6) -> Ledger {
    var ledger = Ledger()
    for (coil, after) in changes {
      ledger.loadings.append(.init(station: "ST10", coil: coil, accepted: at(Double(after) - 0.5), cyclesBefore: after))
    }
    for index in 0..<cycles {
      let coil = changes.last { $0.after <= index }?.coil
      ledger.cycles.append(
        .init(
          station: "ST10", device: "press-1", trigger: UInt64(index + 1), unit: "SN\(index + 1)", operator: "1023",
          lot: "L1", coil: coil, result: "pass", values: ["force": .number(100.5)], shown: at(Double(index)),
          acknowledged: at(Double(index) + 0.1)))
    }
    return ledger
  }

  private func at(_ seconds: Double) -> Timestamp {
    Timestamp(microseconds: 1_800_000_000_000_000 + Int64(seconds * 1e6))
  }

  private func coils(_ ledger: Ledger, grey: Int = 1) -> [CoilExpectation?] {
    ledger.cycles.map { ledger.coil(in: $0, grey: grey) }
  }

  /// The answers of a central that knows all.
  private func truth(_ ledger: Ledger) -> Found {
    var found = Found(scans: Set(ledger.scans))
    for cycle in ledger.cycles {
      found.cycles[.init(device: cycle.device, trigger: cycle.trigger), default: 0] += 1
      guard let unit = cycle.unit else { continue }
      found.units[unit, default: .init(complete: true)].cycles.append(
        .init(
          station: cycle.station, operator: cycle.operator, lot: cycle.lot, result: cycle.result, values: cycle.values))
      switch ledger.coil(in: cycle) {
      case .certain(let coil), .either(let coil):
        found.units[unit]?.coils.append(.init(id: coil, station: cycle.station, isCertain: true))
      case .possible(let coils):
        found.units[unit]?.coils += coils.map { .init(id: $0, station: cycle.station, isCertain: false) }
      case nil: break
      }
    }
    found.gaps = ledger.gaps.map {
      .init(
        kind: $0.kind, station: $0.station, device: $0.device ?? "press-1", unit: $0.unit, count: $0.count,
        from: $0.from,
        to: $0.to)
    }
    return found
  }

  @Test func `the cycles on either side of a change may have had either coil, the others are certain`() {
    #expect(
      coils(press()) == [
        .certain("C1"), .certain("C1"), .possible(["C1", "C2"]), .possible(["C1", "C2"]), .certain("C2"),
        .certain("C2"),
      ])
  }

  @Test func `a wider grey zone takes in more cycles, none takes in none`() {
    #expect(coils(press(), grey: 2)[1] == .possible(["C1", "C2"]))
    #expect(coils(press(), grey: 2)[0] == .certain("C1"))
    #expect(coils(press(), grey: 0)[2...3] == [.certain("C1"), .certain("C2")])
  }

  @Test func `confirming the same coil makes no grey zone`() {
    #expect(coils(press(changes: [("C1", 0), ("C1", 3)])).allSatisfy { $0 == .certain("C1") })
  }

  @Test func `after a time in which a change could have gone unseen, a coil is possible until it is scanned again`() {
    var ledger = press(changes: [("C1", 0), ("C1", 5)])
    ledger.blindness = [.init(station: "ST10", earliest: at(1.8), began: at(2.5), ended: at(3.5))]
    #expect(
      coils(ledger) == [
        .certain("C1"), .certain("C1"), .either("C1"), .either("C1"), .possible(["C1"]), .certain("C1"),
      ])
    ledger.blindness[0].station = "ST20"
    #expect(coils(ledger).allSatisfy { $0 == .certain("C1") })
  }

  @Test func `right answers agree`() {
    var ledger = press()
    ledger.scans = [.init(device: "gun-1", text: "SN1")]
    ledger.gaps = [.init(kind: "missed-cycles", station: "ST10", count: 3, from: at(1), to: at(2))]
    let comparison = Comparison(ledger, truth(ledger))
    #expect(comparison.differences == [])
    #expect(comparison.rows.first { $0.what == "cycles" } == .init(what: "cycles", expected: 6, found: 6))
  }

  @Test(arguments: Lie.allCases) func `every kind of wrong answer is seen`(lie: Lie) {
    var ledger = press()
    ledger.scans = [.init(device: "gun-1", text: "SN1")]
    ledger.gaps = [.init(kind: "missed-cycles", station: "ST10", count: 3, from: at(1), to: at(2))]
    var found = truth(ledger)
    lie.tell(&found)
    let comparison = Comparison(ledger, found)
    #expect(!comparison.agrees)
    #expect(comparison.differences.contains { $0.contains(lie.word) }, "\(comparison.differences)")
  }

  @Test func `a cycle that the ledger hides is one too many at the central`() {
    var ledger = press()
    let found = truth(ledger)
    _ = ledger.cycles.popLast()
    #expect(Comparison(ledger, found).differences.contains { $0.contains("the PLC did not make it") })
  }

  @Test func `holes that the machine makes are nobody's lie`() {
    let ledger = press()
    var found = truth(ledger)
    found.gaps.append(.init(kind: "missed-polls", station: "ST10", device: "press-1"))
    #expect(Comparison(ledger, found).agrees)
  }
}

/// A wrong answer, and a word of the line that must tell of it.
enum Lie: CaseIterable {
  case noUnit, cycleTwice, noCycle, wrongValue, wrongOperator, wrongResult, wrongCoil, certainInTheGreyZone
  case uncertain, noScan, foreignScan, noGap, wrongCount, extraGap, cycleElsewhere, incomplete

  var word: String {
    switch self {
    case .noUnit: "unit SN1: not known"
    case .cycleTwice: "recorded 2 times"
    case .noCycle: "recorded 0 times"
    case .wrongValue: "force is 99.0, and was 100.5"
    case .wrongOperator: "operator is 1024, and was 1023"
    case .wrongResult: "result is fail, and was pass"
    case .wrongCoil: "its coil is C9 certain, and it was C1 for certain"
    case .certainInTheGreyZone: "unit SN3: its coil is C1 certain"
    case .uncertain: "unit SN1: its coil is C1 possible"
    case .noScan: "accepted, and not at the central"
    case .foreignScan: "nobody made it"
    case .noGap, .wrongCount: "not in the central's ledger"
    case .extraGap: "nothing was missing"
    case .cycleElsewhere: "a cycle at ST40, where it was not scanned"
    case .incomplete: "said to be incomplete"
    }
  }

  func tell(_ found: inout Found) {
    switch self {
    case .noUnit: found.units["SN1"] = nil
    case .cycleTwice: found.cycles[.init(device: "press-1", trigger: 2)] = 2
    case .noCycle: found.cycles[.init(device: "press-1", trigger: 2)] = nil
    case .wrongValue: found.units["SN1"]?.cycles[0].values["force"] = .number(99)
    case .wrongOperator: found.units["SN1"]?.cycles[0].operator = "1024"
    case .wrongResult: found.units["SN1"]?.cycles[0].result = "fail"
    case .wrongCoil: found.units["SN1"]?.coils[0].id = "C9"
    case .certainInTheGreyZone: found.units["SN3"]?.coils = [.init(id: "C1", station: "ST10", isCertain: true)]
    case .uncertain: found.units["SN1"]?.coils[0].isCertain = false
    case .noScan: found.scans = []
    case .foreignScan: found.scans.insert(.init(device: "gun-1", text: "SN99"))
    case .noGap: found.gaps = []
    case .wrongCount: found.gaps[0].count = 4
    case .extraGap: found.gaps.append(.init(kind: "device-offline", station: "ST10", device: "press-1"))
    case .cycleElsewhere: found.units["SN1"]?.cycles.append(.init(station: "ST40"))
    case .incomplete: found.units["SN1"]?.complete = false
    }
  }
}
