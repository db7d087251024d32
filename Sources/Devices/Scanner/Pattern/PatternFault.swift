/// Why a pattern is not taken, and where in it.
public struct PatternFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// The character at which it shows, counted from 1.
  public let position: Int
  /// What stands there.
  public let found: String
  /// What would be right.
  public let allowed: String

  init(at position: Int, found: String, allowed: String) {
    self.position = position
    self.found = found
    self.allowed = allowed
  }

  public var description: String { "character \(position): found \(found); allowed: \(allowed)" }
}
