internal import Events

/// What a scanner has to say about itself and could not yet: kept until it is committed, in order.
///
/// Bounded: where it grows too long, the outages in it become one and the last state stays.
struct Outbox: Sendable {
  private(set) var waiting: [Report] = []

  static let most = 32

  mutating func add(_ report: Report) {
    if case .hole(let new) = report, case .hole(var last) = waiting.last, new.kind == .unreadableScan,
      last.kind == new.kind, last.reason == new.reason, let before = last.count, let more = new.count
    {
      last.to = new.to
      last.count = before + more
      waiting[waiting.count - 1] = .hole(last)
      return
    }
    waiting.append(report)
    if waiting.count > Self.most { join() }
  }

  mutating func removeFirst() { waiting.removeFirst() }

  private mutating func join() {
    var joined: [Report] = []
    var last: Report?
    for report in waiting {
      switch report {
      case .hole(let hole):
        let place = joined.firstIndex { if case .hole(let other) = $0 { other.kind == hole.kind } else { false } }
        if let place, case .hole(var first) = joined[place] {
          first.to = hole.to
          first.count = first.count.flatMap { count in hole.count.map { count + $0 } }
          joined[place] = .hole(first)
        } else {
          joined.append(report)
        }
      default: last = report
      }
    }
    waiting = joined + (last.map { [$0] } ?? [])
  }
}

/// Says when a repeated message is worth writing again: when it changes, then once in a while.
struct Repetition: Sendable {
  private var last: (message: String, at: ContinuousClock.Instant)?
  private let interval: Duration

  init(every interval: Duration) { self.interval = interval }

  mutating func isDue(_ message: String, at now: ContinuousClock.Instant = .now) -> Bool {
    if let last, last.message == message, now - last.at < interval { return false }
    last = (message, now)
    return true
  }
}
