import Testing

@testable import Machine

/// What of comings and goings is written to the log.
struct OutageLogTests {
  private let start = ContinuousClock.now

  @Test func `a device that comes and goes without end fills no log`() {
    var log = OutageLog()
    // Reasons that come in turns within one outage are told a few times, not for ever.
    var turns = OutageLog()
    #expect(turns.tellsOutage(isFirst: true) == "")
    #expect((0..<6).map { _ in turns.tellsOutage(isFirst: false) } == ["", "", "", nil, nil, nil])
    var told: [String] = []
    var returns = 0
    for second in 0..<599 {
      if let also = log.tellsOutage(isFirst: true, at: start + .seconds(second)) { told.append(also) }
      if log.tellsReturn { returns += 1 }
    }
    #expect(told.count == 5 && told.first == "" && told.last?.contains("comes and goes") == true)
    #expect(returns == 5)
    #expect(log.tellsOutage(isFirst: false, at: start + .seconds(599)) == nil)
    #expect(
      log.tellsOutage(isFirst: true, at: start + .seconds(600))
        == "; it was away 594 times more since the last line about it")
  }

  @Test func `an end that goes up and down every four seconds for a day fills no log`() {
    var log = OutageLog()
    var lines = 0
    for outage in 0..<21_600 {
      if log.tellsOutage(isFirst: true, at: start + .seconds(outage * 4)) != nil { lines += 1 }
      if log.tellsReturn { lines += 1 }
    }
    #expect(lines == 144 * 5 * 2, "five outages with their ends each ten minutes")
  }
}
