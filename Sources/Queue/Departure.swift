public import Events

/// Decides when lines that are gathered into a batch leave: company saves requests, and nobody waits long for it.
///
/// A batch that is full leaves at once, so that a backlog is caught up at full speed. Any other leaves when its oldest
/// line is 45 ms old: a person who looks sees no delay, and a steady stream makes some 20 requests a second.
struct Departure: Hashable {
  /// How old the oldest line may get.
  static let age = Duration.milliseconds(45)

  /// Whether more lines are there than the batch may hold, or it may hold no more.
  var isFull: Bool
  /// When the oldest line's moment was; nil where there are no lines.
  var oldest: Moment?

  init(_ batch: Batch, isFull: Bool) {
    self.isFull = isFull
    oldest = batch.lines.first.flatMap { try? Envelope(line: $0) }.map {
      Moment(time: $0.time, boottimeNanoseconds: $0.boottimeNanoseconds)
    }
  }

  /// How much longer to wait for company; zero: it leaves.
  ///
  /// A line from before the last boot, or whose moment is to come, has no age on this boot's clock: it leaves.
  func wait(at now: Moment) -> Duration {
    guard !isFull, let oldest, oldest.boottimeNanoseconds <= now.boottimeNanoseconds else { return .zero }
    let passed = now.boottimeNanoseconds - oldest.boottimeNanoseconds
    guard passed < UInt64(Self.age / .nanoseconds(1)) else { return .zero }
    return Self.age - .nanoseconds(Int64(passed))
  }
}

extension EventQueue {
  /// The next batch for one who sends as events come: waits for a line if there is none, and then for company.
  ///
  /// - Parameters:
  ///   - wait: how long to wait for the first line.
  ///   - veilsHeld: as in `batch`.
  public nonisolated func gathered(
    incarnation: Incarnation, after: UInt64, limit: Int, maxBytes: Int, wait: Duration, veilsHeld: Bool = false
  ) async throws(QueueFault) -> Batch {
    func next() async throws(QueueFault) -> Batch {
      try await self.batch(
        incarnation: incarnation, after: after, limit: limit, maxBytes: maxBytes, veilsHeld: veilsHeld)
    }
    // Before the batch is read: what comes while it is read does not make it full.
    var last = status.last
    var batch = try await next()
    if batch.lines.isEmpty, wait > .zero, status.incarnation == incarnation {
      await waitForMore(than: after, atMost: wait)
      last = status.last
      batch = try await next()
    }
    let isFull = batch.lines.count >= limit || status.incarnation != incarnation || batch.last < last
    let more = Departure(batch, isFull: isFull).wait(at: .now())
    guard more > .zero else { return batch }
    await waitForMore(than: after + UInt64(limit) - 1, atMost: more)
    return try await next()
  }
}
