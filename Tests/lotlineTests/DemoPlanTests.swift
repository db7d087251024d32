import Testing

@testable import lotline

/// The moments of misfortune.
struct DemoPlanTests {
  private let line = ["ST10", "ST20", "ST30", "ST40"]

  @Test func `the same seed gives the same misfortunes, another seed others`() {
    let plan = MisfortunePlan(seed: 7, stations: line, from: .seconds(6), to: .seconds(50))
    #expect(plan == MisfortunePlan(seed: 7, stations: line, from: .seconds(6), to: .seconds(50)))
    #expect(plan != MisfortunePlan(seed: 8, stations: line, from: .seconds(6), to: .seconds(50)))
  }

  @Test(arguments: [17, 50, 600]) func `everything goes wrong at least once, in order of time, within the time`(
    seconds: Int
  ) {
    for seed in 0..<50 as Range<UInt64> {
      let plan = MisfortunePlan(seed: seed, stations: line, from: .seconds(3), to: .seconds(seconds)).planned
      #expect(Set(plan.map(\.what)) == Set(Misfortune.allCases))
      #expect(plan.map(\.at) == plan.map(\.at).sorted())
      #expect(plan.allSatisfy { $0.at >= .seconds(3) && $0.at + $0.lasting <= .seconds(seconds) })
    }
  }

  @Test func `a misfortune comes only where it can be told from the records`() {
    for seed in 0..<50 as Range<UInt64> {
      for planned in MisfortunePlan(seed: seed, stations: line, from: .zero, to: .seconds(60)).planned {
        let allowed = planned.what.stations(of: line)
        #expect(planned.station.map { allowed.contains($0) } ?? allowed.isEmpty)
      }
    }
    #expect(Misfortune.forgottenScan.stations(of: line) == ["ST20", "ST30"])
    #expect(Misfortune.coilChange.stations(of: line) == ["ST10"])
  }
}
