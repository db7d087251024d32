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
