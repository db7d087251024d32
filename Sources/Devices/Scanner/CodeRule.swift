/// What a code means that matches a pattern: its named groups are roles.
public struct CodeRule: Sendable {
  let pattern: Pattern
  /// Where a material is loaded; nil where the rule has no material.
  public let place: String?

  /// The pattern as the map writes it.
  public var match: String { pattern.text }

  /// What a scan may tell (design.md, section 4).
  public static let roles = [
    "operator", "lot", "unit", "product", "material", "component", "order", "carrier", "command", "no-read",
  ]
  /// Where a material is loaded if the rule does not say.
  public static let plainPlace = "material"
}
