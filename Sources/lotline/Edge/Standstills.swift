import Events
import Machine
import NIOConcurrencyHelpers

/// When nothing of this process ran: the PC slept, or the process was stopped, or the PC gave it no time.
///
/// A scanner that was used meanwhile left nothing, and no start of the daemon tells of it.
final class Standstills: Sendable {
  private let found = NIOLockedValueBox<[GapData]>([])

  /// Looks each second until the task is cancelled; it waits for nothing else, so that a slow disk is no standstill.
  func watch() async {
    var watch = StandstillWatch(at: .now())
    while (try? await Task.sleep(for: .seconds(1))) != nil {
      if let gap = watch.look(at: .now()) { found.withLockedValue { $0.append(gap) } }
    }
  }

  /// Those that are not in the queue yet.
  var untold: [GapData] { found.withLockedValue { $0 } }

  func told(_ count: Int) { found.withLockedValue { $0.removeFirst(count) } }
}

/// Notices that looks which should follow each other did not.
struct StandstillWatch {
  private var last: Moment
  /// What is less, a PC with much to do may take.
  static let longest = Duration.seconds(10)

  init(at moment: Moment) { last = moment }

  /// Takes the next look; the gap if there was one, by the boot clock, which counts sleep and is never set.
  mutating func look(at moment: Moment) -> GapData? {
    let passed = Duration.nanoseconds(Int64(moment.boottimeNanoseconds) - Int64(last.boottimeNanoseconds))
    last = moment
    guard passed > Self.longest else { return nil }
    return GapData(
      kind: .daemonDown, from: moment.time.adding(.zero - passed), to: moment.time,
      reason: "nothing ran for \(Int(passed.inSeconds)) s: the PC slept, or the daemon was stopped or given no time")
  }
}
