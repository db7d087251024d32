/// What goes wrong, or changes, on the simulated line.
enum Misfortune: String, Sendable, Hashable, CaseIterable {
  case coilChange = "coil changed"
  case operatorChange = "operator changed"
  case forgottenScan = "unit not scanned"
  case counterJump = "counter jumped"
  case plcAway = "PLC unreachable"
  case scannerAway = "scanner unplugged"
  case centralStopped = "central stopped"
  case edgeKilled = "edge killed"

  /// It lasts, and the next waits until it is over.
  var isOutage: Bool {
    switch self {
    case .plcAway, .scannerAway, .centralStopped, .edgeKilled: true
    case .coilChange, .operatorChange, .forgottenScan, .counterJump: false
    }
  }

  /// Where it can happen; empty: it concerns the whole line.
  ///
  /// A scan is forgotten between the first and the last station, so that the unit is seen before and after. The
  /// counter jumps where no coil is loaded, since it puts all that was loaded in doubt.
  func stations(of line: [String]) -> [String] {
    switch self {
    case .coilChange: Array(line.prefix(1))
    case .operatorChange, .plcAway, .scannerAway: line
    case .forgottenScan: Array(line.dropFirst().dropLast())
    case .counterJump: Array(line.dropFirst())
    case .centralStopped, .edgeKilled: []
    }
  }
}

/// A misfortune with its moment: all of them follow from the seed.
struct PlannedMisfortune: Sendable, Hashable {
  /// Since the line began to move.
  let at: Duration
  let what: Misfortune
  /// Nil where it concerns the whole line.
  let station: String?
  /// How long an outage lasts.
  let lasting: Duration
  /// How many cycles a jump hides.
  let count: UInt64
}

/// When what goes wrong.
struct MisfortunePlan: Sendable, Hashable {
  let planned: [PlannedMisfortune]

  /// Rounds of all kinds, each kind once a round, one after the other from `start` to `end`.
  ///
  /// A round has a slot for each outage, in drawn order; what takes no time happens in the slot's first third.
  init(seed: UInt64, stations: [String], from start: Duration, to end: Duration) {
    var numbers = SeededNumbers(seed: seed, part: "misfortunes")
    var planned: [PlannedMisfortune] = []
    let span = (end - start) / 1
    let rounds = max(1, Int(span / .seconds(60)))
    let outages = Misfortune.allCases.filter(\.isOutage)
    let slot = span / (rounds * outages.count)
    for round in 0..<rounds {
      var quick = Misfortune.allCases.filter { !$0.isOutage }.shuffled(using: &numbers)
      for (index, outage) in outages.shuffled(using: &numbers).enumerated() {
        let begin = start + slot * (round * outages.count + index)
        if let what = quick.popLast() {
          planned.append(
            Self.draw(what, begin + slot * Double.random(in: 0...0.3, using: &numbers), slot, stations, &numbers))
        }
        planned.append(
          Self.draw(outage, begin + slot * Double.random(in: 0.4...0.5, using: &numbers), slot, stations, &numbers))
      }
    }
    self.planned = planned
  }

  private static func draw(
    _ what: Misfortune, _ at: Duration, _ slot: Duration, _ stations: [String], _ numbers: inout SeededNumbers
  ) -> PlannedMisfortune {
    PlannedMisfortune(
      at: at, what: what, station: what.stations(of: stations).randomElement(using: &numbers),
      lasting: min(.seconds(4), slot * Double.random(in: 0.3...0.4, using: &numbers)),
      count: UInt64.random(in: 2...5, using: &numbers))
  }
}

extension Duration {
  static func * (duration: Duration, factor: Double) -> Duration {
    .microseconds(
      Int64(
        Double(duration.components.seconds) * 1e6 * factor
          + Double(duration.components.attoseconds) / 1e12 * factor))
  }
}
