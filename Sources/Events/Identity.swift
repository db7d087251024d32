/// The name of a line PC: 1 to 64 of `A-Z a-z 0-9 . _ -`.
public struct SourceName: Sendable, Hashable, Comparable, CustomStringConvertible {
  public let description: String

  public init?(_ name: String) {
    let allowed = name.utf8.allSatisfy {
      (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x2E || $0 == 0x5F
        || $0 == 0x2D
    }
    guard (1...64).contains(name.utf8.count), allowed else { return nil }
    description = name
  }

  public static func < (a: SourceName, b: SourceName) -> Bool { a.description < b.description }
}

/// One life of a queue file: 128 random bits, written as 32 lower-case hex digits.
public struct Incarnation: Sendable, Hashable, CustomStringConvertible {
  public let description: String

  /// Reads 32 lower-case hex digits; nil for anything else.
  public init?(_ text: String) {
    guard text.utf8.count == 32, text.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    description = text
  }

  private init(random: [UInt8]) { description = hex(random) }

  /// A new one, from the system's source of randomness.
  public static func random() -> Incarnation {
    var generator = SystemRandomNumberGenerator()
    return Incarnation(random: (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) })
  }
}

/// Which event: `<incarnation>:<sequence>`, unique in the world.
public struct EventID: Sendable, Hashable, CustomStringConvertible {
  public let incarnation: Incarnation
  /// Counted from 1 within the incarnation, without holes.
  public let sequence: UInt64

  /// The highest number that is taken from outside: 35 years of a thousand events a second.
  public static let highestSequence: UInt64 = 1 << 40 - 1

  public init(incarnation: Incarnation, sequence: UInt64) {
    self.incarnation = incarnation
    self.sequence = sequence
  }

  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let incarnation = Incarnation(String(parts[0])), let sequence = UInt64(parts[1]),
      (1...Self.highestSequence).contains(sequence), String(sequence) == parts[1]
    else { return nil }
    self.init(incarnation: incarnation, sequence: sequence)
  }

  public var description: String { "\(incarnation):\(sequence)" }
}

/// What a code names: `CODE`, or `SCOPE~CODE` where a code is unique only within a scope.
///
/// `~` and `%` inside a code are percent-encoded, so that the first `~` is always the separator.
public struct Identifier: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The text form, which stores and messages use.
  public let description: String

  /// From a code as it was scanned, and its scope if it has one (`gtin:09506000134352`, `supplier:ACME`).
  public init(code: String, scope: String? = nil) {
    let escaped = code.replacing("%", with: "%25").replacing("~", with: "%7E")
    description = scope.map { "\($0)~\(escaped)" } ?? escaped
  }

  /// From the text form.
  public init(text: String) { description = text }

  /// The part after the scope, in its text form.
  public var code: String {
    // Most have none, which the bytes tell without a look at each character.
    guard description.utf8.contains(0x7E) else { return description }
    return description.firstIndex(of: "~").map { String(description[description.index(after: $0)...]) } ?? description
  }

  public var hasScope: Bool { description.contains("~") }

  public static func < (a: Identifier, b: Identifier) -> Bool { a.description < b.description }
}
