import Events
import Machine

/// Notices that the wall clock jumped, or gained or lost its time source.
///
/// Wall time and boot time run side by side; where their distance changes by more than half a second
/// between two looks, somebody set the clock.
struct ClockWatch {
  private var last: Moment
  private var synchronised: Bool
  static let step = Duration.milliseconds(500)

  init(at moment: Moment, state: ClockState) {
    last = moment
    synchronised = state.synchronised
  }

  /// Takes the next look; an event's data if there is something to record.
  mutating func look(at moment: Moment, state: ClockState) -> ClockData? {
    let passed = Duration.nanoseconds(Int64(moment.boottimeNanoseconds) - Int64(last.boottimeNanoseconds))
    let expected = last.time.adding(passed)
    let jumped = moment.time.since(expected)
    defer {
      last = moment
      synchronised = state.synchronised
    }
    guard jumped > Self.step || jumped < .zero - Self.step || state.synchronised != synchronised else { return nil }
    return ClockData(
      from: expected, to: moment.time, synchronised: state.synchronised, errorSeconds: state.errorSeconds)
  }
}
