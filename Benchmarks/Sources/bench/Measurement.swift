import Foundation

/// One figure of every round: ours, and the reference's in the same round where there is one.
struct Measurement: Codable {
  var name: String
  var unit: String
  var ours: [Double]
  /// Empty where the goal is a figure and not a ratio.
  var reference: [Double] = []
  var goal = Goal.none

  enum Goal: Codable {
    case none
    case ratioAtLeast(Double)
    case ratioAtMost(Double)
    case atLeast(Double)
    case atMost(Double)
  }

  /// The median of the rounds' ratios; nil without a reference.
  var ratio: Double? { reference.isEmpty ? nil : median(zip(ours, reference).map { $0 / $1 }) }

  /// Nil where there is no goal.
  var isReached: Bool? {
    switch goal {
    case .none: nil
    case .ratioAtLeast(let least): ratio.map { $0 >= least }
    case .ratioAtMost(let most): ratio.map { $0 <= most }
    case .atLeast(let least): median(ours) >= least
    case .atMost(let most): median(ours) <= most
    }
  }

  private var goalText: String {
    switch goal {
    case .none: "-"
    case .ratioAtLeast(let least): "ratio >= \(number(least))"
    case .ratioAtMost(let most): "ratio <= \(number(most))"
    case .atLeast(let least): ">= \(number(least))"
    case .atMost(let most): "<= \(number(most))"
    }
  }

  /// A row of the table: name, ours, the reference, ratio, lowest and highest ratio, goal, and whether it is reached.
  var row: [String] {
    let ratios = zip(ours, reference).map { $0 / $1 }.sorted()
    return [
      name, "\(number(median(ours))) \(unit)", reference.isEmpty ? "-" : number(median(reference)),
      ratio.map(number) ?? "-",
      ratios.first.flatMap { low in ratios.last.map { "\(number(low)) to \(number($0))" } } ?? "-",
      goalText, isReached.map { $0 ? "yes" : "no" } ?? "-",
    ]
  }

  static let heading = ["what", "ours", "in C", "ratio", "of all rounds", "goal", "reached"]
}

/// Three figures that mean something, without an exponent.
func number(_ value: Double) -> String {
  let digits = value == 0 ? 0 : max(0, 2 - Int(log10(abs(value)).rounded(.down)))
  return String(format: "%.\(digits)f", value)
}

func median(_ values: [Double]) -> Double {
  let sorted = values.sorted()
  guard !sorted.isEmpty else { return .nan }
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}

struct BenchFailure: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
