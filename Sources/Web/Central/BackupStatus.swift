public import Events
public import Store

/// How the central's own backups stand.
public struct BackupStatus: Sendable, Hashable {
  public var folder: String
  public var every: Duration
  /// The last that was verified and put in the folder.
  public var last: BackupRecord?
  /// Why the last attempt failed; nil where it did not.
  public var failure: String?
  /// Since the start.
  public var failures: UInt64 = 0
  /// When the daemon began to take backups.
  public var began: Timestamp

  public init(folder: String, every: Duration, began: Timestamp) {
    self.folder = folder
    self.every = every
    self.began = began
  }

  /// Whether a backup should have been taken long ago.
  public func isOverdue(at now: Timestamp) -> Bool { now.since(last?.taken ?? began) > every * 2 }

  func write(to writer: inout JSONWriter, now: Timestamp) {
    writer.field("folder", folder)
    writer.field("every_seconds", Int(every.inSeconds))
    writer.field("overdue", isOverdue(at: now))
    writer.field("failure", failure)
    writer.field("failures", failures)
  }

  func addMetrics(to text: inout MetricsText, now: Timestamp) {
    text.family("lotline_central_backup_failing", .gauge, "1 while the last attempt to take a backup failed.")
    text.sample(failure == nil ? 0 : 1)
    text.family("lotline_central_backup_failures_total", .counter, "Backups that failed since the start.")
    text.sample(failures)
    text.family("lotline_central_backup_overdue", .gauge, "1 where twice the time between backups is over.")
    text.sample(isOverdue(at: now) ? 1 : 0)
  }
}
