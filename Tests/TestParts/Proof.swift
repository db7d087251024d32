import Foundation

/// Sweeps run only where `make proof` asks for them.
enum Proof {
  static var isOn: Bool { ProcessInfo.processInfo.environment["LOTLINE_PROOF"] == "1" }

  /// A number from the environment, for longer forms of a sweep.
  static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }
}
