import Events
import Logging
import Machine

/// Which changes of a delivery are worth a line in the log.
///
/// Pure. A central that is dead for a week, or that comes and goes all day, fills none.
struct DeliveryLog {
  private var outages = OutageLog()

  /// What is to be written after a step that led from one status to the next; nil for nothing.
  mutating func line(
    from before: ForwardStatus, to after: ForwardStatus, at instant: ContinuousClock.Instant, _ now: Timestamp
  ) -> (level: Logger.Level, text: String)? {
    guard before.state != after.state || before.reason != after.reason else { return nil }
    let wasTrouble = before.state == .away || before.state == .refused
    let reason = after.reason ?? "no reason"
    switch after.state {
    case .away:
      return outages.tellsOutage(isFirst: !wasTrouble, at: instant).map { also in
        (.warning, "\(after.other) at \(after.url) is away: \(reason). Events are kept and sent later\(also)")
      }
    case .refused:
      return outages.tellsOutage(isFirst: !wasTrouble, at: instant).map { also in
        (.error, "\(after.other) at \(after.url) refuses: \(reason). Tried again each minute\(also)")
      }
    case .sending, .idle:
      guard wasTrouble, outages.tellsReturn else { return nil }
      let seconds = Int(now.since(before.since).inSeconds.rounded())
      return (.notice, "\(after.other) at \(after.url) is back after \(seconds) s")
    case .starting: return nil
    }
  }
}
