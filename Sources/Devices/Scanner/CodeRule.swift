/// What a code means: which roles its pattern or its elements have.
public struct CodeRule: Sendable {
  /// Its named groups are roles; nil where elements alone decide.
  let pattern: Pattern?
  /// Which elements are which roles; nil where the pattern alone decides.
  let elements: ElementRoles?
  /// Where a material is loaded; nil where the rule has no material.
  public let place: String?

  /// The pattern as the map writes it.
  public var match: String? { pattern?.text }

  /// Which elements are which roles, `gs1: lot 10, unit 21`; nil where the pattern alone decides.
  public var elementWords: String? { elements?.words }
  /// What decides, for people: the pattern, and which elements are which roles.
  public var words: String { [match, elementWords].compactMap { $0 }.joined(separator: "; ") }

  /// What a scan may tell (design.md, section 4).
  public static let roles = [
    "operator", "lot", "unit", "product", "material", "component", "order", "carrier", "command", "no-read",
  ]
  /// Where a material is loaded if the rule does not say.
  public static let plainPlace = "material"

  /// Which elements of a code are which roles.
  struct ElementRoles: Sendable, Hashable {
    let vocabulary: Vocabulary
    let roles: [Role]
    /// A lot or a serial number is told with the scope that it is unique in.
    let isScoped: Bool

    struct Role: Sendable, Hashable {
      let name: String
      let identifier: CodeElement.Identifier
    }

    /// As a map writes it: `gs1: lot 10, unit 21`.
    var words: String {
      vocabulary.rawValue + ": " + roles.map { "\($0.name) \($0.identifier.text)" }.joined(separator: ", ")
    }

    /// Whose identifiers a rule names.
    enum Vocabulary: String, Sendable, Hashable {
      /// Application identifiers of GS1.
      case gs1
      /// Data identifiers of ANSI MH10.8.2.
      case mh10
    }
  }
}
