import Events

/// Says which refusals of a line PC's batches are worth a line in the log.
///
/// A line PC tries for ever. A refusal is told when it is another one than before, a few times at most, and then once
/// in ten minutes with how many came since.
struct RefusalLog: Sendable {
  /// Lines of one source within an interval.
  static let most = 5
  static let interval: Duration = .seconds(600)

  private struct Standing {
    var began: ContinuousClock.Instant
    var told: Set<String> = []
    var untold = 0
  }

  private var standing: [SourceName: Standing] = [:]

  /// Takes one refusal, in the words that it would be told with.
  ///
  /// - Returns: what the line says beside these words (often nothing); nil where it is not to be written.
  mutating func tells(_ words: String, of source: SourceName, at now: ContinuousClock.Instant = .now) -> String? {
    guard var known = standing[source] else {
      standing[source] = Standing(began: now, told: [words])
      return ""
    }
    defer { standing[source] = known }
    if now - known.began >= Self.interval {
      let untold = known.untold
      known = Standing(began: now, told: [words])
      return untold == 0 ? "" : "; batches were refused \(untold) times more since the last line about it"
    }
    guard known.told.count < Self.most, known.told.insert(words).inserted else {
      known.untold += 1
      return nil
    }
    return ""
  }
}
