/// What a simulated device does wrong with one request.
public struct SimulatedFault: Sendable, Hashable {
  public var kind: Kind
  /// How much later than at once it answers.
  public var delay: Duration

  public enum Kind: Sendable, Hashable {
    /// It answers well.
    case none
    /// It says nothing.
    case silence
    /// The answer carries another unit id than was asked.
    case wrongUnit
    /// It refuses with this exception, and does nothing.
    case refusal(UInt8)
  }

  public init(_ kind: Kind = .none, delay: Duration = .zero) {
    self.kind = kind
    self.delay = delay
  }
}
