private import CMachine

/// What the kernel knows of the wall clock's quality.
public struct ClockState: Sendable, Hashable {
  /// A time source disciplines the clock.
  public let synchronised: Bool
  /// The largest error that the kernel reckons with, in seconds.
  public let errorSeconds: Double

  public init(synchronised: Bool, errorSeconds: Double) {
    self.synchronised = synchronised
    self.errorSeconds = errorSeconds
  }

  /// Asks the kernel (`adjtimex`, read only).
  public static func now() -> ClockState {
    var errorMicroseconds = 0
    let synchronised = lotline_clock_state(&errorMicroseconds) == 1
    return ClockState(synchronised: synchronised, errorSeconds: Double(errorMicroseconds) / 1e6)
  }
}
