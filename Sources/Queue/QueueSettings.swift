/// Where the queue is, how large it may grow, and how long it keeps what the central has.
public struct QueueSettings: Sendable, Hashable {
  /// The SQLite file; its lock, marker, ballast and what was set aside stand beside it.
  public var path: String
  /// The bytes that rows and journal may use; readings that come at a rate are refused from 95 % on, all else at 100 %.
  public var limitBytes: Int = 10_000_000_000
  /// How long a row stays after it is safe at the central.
  public var keep: Duration = .seconds(30 * 86400)
  /// Disk space held back in a ballast file, so that a full disk can still be drained; 0 for none.
  public var reserveBytes: Int = 64 << 20
  /// Pages of 4096 bytes in the journal that start a checkpoint.
  public var checkpointPages: Int = 1000

  /// How long taking over from a damaged file may hold up the opening.
  var salvageTime: Duration = .milliseconds(1200)

  public init(path: String) { self.path = path }

  var lockPath: String { path + ".lock" }
  var markerPath: String { path + ".marker" }
  var replacementPath: String { path + ".replacing" }
  var ballastPath: String { path + ".ballast" }
}

/// Bounds that are not settings: what one row and one commit may hold.
enum Limit {
  /// Bytes of one line, and of one value of state.
  static let line = 1 << 20
  /// Entries that share one commit at most, so that the journal stays small.
  static let entriesPerCommit = 4096
  /// Bytes of lines in one commit, beyond which further entries go into the next.
  static let bytesPerCommit = 8 << 20
  /// Share of the limit, in percent, from which on periodic readings are refused.
  static let periodicPercent = 95
  /// Share of the limit, in percent, from which on rows that are safe go before their time.
  static let pressurePercent = 85
  /// Share of the limit, in percent, from which on rows go that are received and not yet safe: readings would be
  /// refused next.
  static let releasePercent = 92
}
