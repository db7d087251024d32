import Devices
import Events

/// How the values of a simulated PLC move: one way for all, and others for single tags.
struct Motions: Sendable {
  /// A way to move.
  enum Motion: String, Sendable, CaseIterable {
    /// A little up or down each time, within the limits.
    case drift
    /// From the lower limit to the upper in a minute, and again from the lower one.
    case ramp
    /// About the middle, by up to a fiftieth of the range.
    case noise
    /// Another value each five seconds.
    case steps
    /// Not at all.
    case still

    static let rampTime: Duration = .seconds(60)
    static let stepTime: Duration = .seconds(5)
  }

  var all = Motion.drift
  private var single: [String: Motion] = [:]

  init() {}

  /// Takes `ramp` for all tags, or `oil-temp=ramp` for one; nil if an entry is neither.
  init?(_ texts: [String]) {
    for text in texts {
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      guard let name = parts.last, let motion = Motion(rawValue: name) else { return nil }
      if parts.count == 2 { single[parts[0]] = motion } else { all = motion }
    }
  }

  subscript(tag: String) -> Motion { single[tag] ?? all }

  /// The tags that are named, to see whether a map has them.
  var named: [String] { single.keys.sorted() }
}

extension SimulatedTag {
  /// Moves in one of the ways, `elapsed` after the start.
  mutating func move(_ motion: Motions.Motion, elapsed: Duration, using numbers: inout SeededNumbers) {
    switch motion {
    case .still: break
    case .drift: drift(using: &numbers)
    case .noise: shake(using: &numbers)
    case .steps:
      let step = Int(elapsed / Motions.Motion.stepTime)
      guard step != lastStep else { return }
      lastStep = step
      draw(using: &numbers)
    case .ramp:
      let rounds = elapsed / Motions.Motion.rampTime
      climb(to: rounds - rounds.rounded(.down))
    }
  }
}
