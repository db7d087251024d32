internal import NIOConcurrencyHelpers

/// Whether the lamp of the line shall burn, said by the program and read by the device that has its coil.
final class LampSwitch: Sendable {
  private let box = NIOLockedValueBox<(wanted: Bool?, shown: Bool?)>((nil, nil))

  /// Nil: nothing is written.
  var wanted: Bool? { box.withLockedValue { $0.wanted } }
  /// What the coil shows, as far as its device confirmed it since it was last connected.
  var shown: Bool? { box.withLockedValue { $0.shown } }

  /// True where that is news.
  func set(_ wanted: Bool?) -> Bool {
    box.withLockedValue { box in
      defer { box.wanted = wanted }
      return box.wanted != wanted
    }
  }

  func note(shown: Bool?) { box.withLockedValue { $0.shown = shown } }
}

/// A coil of a device that shows what a switch says: when it is to be written, and what is told of failures.
///
/// Pure. A PLC that was away may have forgotten it, so it is written again then. A failed write is tried again with pauses of
/// its own: a device that does not know the coil costs its readings one question a minute.
struct Lamp: Sendable {
  let permit: WritePermit
  private(set) var shown: Bool?
  private var retry = Reconnection(longest: .seconds(60))
  private var notBefore: ContinuousClock.Instant?
  private var told: String?

  init(_ permit: WritePermit) { self.permit = permit }

  /// From when on the coil is to be written; nil where it shows what it shall.
  func due(_ wanted: Bool?, at now: ContinuousClock.Instant) -> ContinuousClock.Instant? {
    guard let wanted, wanted != shown else { return nil }
    return notBefore ?? now
  }

  /// The device confirmed it.
  mutating func wrote(_ isLit: Bool) {
    shown = isLit
    retry.answered()
    (notBefore, told) = (nil, nil)
  }

  /// It could not be written; true where the reason is news.
  mutating func failed(_ why: String, at now: ContinuousClock.Instant, random: Double) -> Bool {
    shown = nil
    notBefore = now + max(.seconds(1), retry.failed(random: random, tried: .zero))
    defer { told = why }
    return told != why
  }

  /// The device was away: what it shows is not known.
  mutating func forget() { shown = nil }
}
