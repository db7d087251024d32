import Foundation
public import Testing

/// How much longer than usual a test waits.
///
/// A sanitizer makes the program several times slower; `scripts/sanitize` says how many times the usual limits it needs.
public enum Patience {
  /// 1, or what LOTLINE_PATIENCE says.
  public static let factor = max(1, Proof.number("LOTLINE_PATIENCE") ?? 1)
}

/// Whether what a process takes of memory is what the program takes: a sanitizer keeps much beside it.
public var isMemoryOurs: Bool { ProcessInfo.processInfo.environment["LOTLINE_SANITIZER"] == nil }

extension Trait where Self == TimeLimitTrait {
  /// A limit for a test that hangs, in minutes, which `Patience.factor` multiplies.
  public static func timeLimit(minutes: Int) -> Self { .timeLimit(.minutes(minutes * Patience.factor)) }
}

/// What did not come about in the time that a test gives it.
public struct Impatience: Error, CustomStringConvertible {
  public let description: String

  public init(description: String) { self.description = description }
}

/// Waits until `condition` holds, asking often; for what another thread or process does and does not announce.
///
/// The limit is generous: it ends a test that hangs and says nothing about speed. `Patience.factor` multiplies it.
public func eventually(
  _ what: @autoclosure () -> String, within limit: Duration = .seconds(30), every: Duration = .milliseconds(5),
  _ condition: () async throws -> Bool
) async throws {
  let limit = limit * Patience.factor
  let end = ContinuousClock.now + limit
  while ContinuousClock.now < end {
    if try await condition() { return }
    try await Task.sleep(for: every)
  }
  throw Impatience(description: "waited \(limit) in vain until \(what())")
}

/// A list that several tasks fill and a test reads.
public actor Collected<Element: Sendable> {
  public private(set) var all: [Element] = []

  public init() {}

  public func add(_ element: Element) { all.append(element) }
  public var count: Int { all.count }
  public var last: Element? { all.last }
}
