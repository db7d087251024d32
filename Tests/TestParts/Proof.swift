import Foundation

/// Sweeps run only where `make proof` asks for them.
public enum Proof {
  public static var isOn: Bool { ProcessInfo.processInfo.environment["LOTLINE_PROOF"] == "1" }

  /// A number from the environment, for longer forms of a sweep.
  public static func number(_ name: String) -> Int? { ProcessInfo.processInfo.environment[name].flatMap(Int.init) }
}
