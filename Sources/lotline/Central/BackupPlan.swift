import Events

/// When the central copies itself, under which name, and which copies go.
struct BackupPlan: Sendable, Hashable {
  let settings: CentralSettings.BackupSettings

  private static let shortestPause = Duration.seconds(60)
  private static let longestPause = Duration.seconds(3600)

  /// How long to wait for the next backup.
  ///
  /// - Parameters:
  ///   - last: when the newest copy was taken; one from a time to come, after a step of the clock, tells nothing.
  ///   - failures: how many attempts in a row have failed.
  func pause(after last: Timestamp?, failures: Int, now: Timestamp) -> Duration {
    if failures > 0 {
      return min(Self.shortestPause * (1 << min(failures - 1, 10)), Self.longestPause, settings.every)
    }
    guard let last, last <= now else { return .zero }
    return max(.zero, settings.every - now.since(last))
  }

  private static let (start, end) = ("central-", "Z.db")

  /// The path of a copy that is taken now; in the order of their names copies are in that of their times.
  func file(at now: Timestamp) -> String {
    let stamp = now.description.prefix(19).filter { $0 != "-" && $0 != ":" }
    return "\(settings.folder)/\(Self.start)\(stamp)\(Self.end)"
  }

  /// Whether a file of the folder is a copy that was taken by plan; others are never touched.
  func isOwn(_ name: String) -> Bool {
    guard name.hasPrefix(Self.start), name.hasSuffix(Self.end) else { return false }
    let stamp = name.dropFirst(Self.start.count).dropLast(Self.end.count)
    return stamp.count == 15 && stamp.allSatisfy { $0 == "T" || ("0"..."9").contains($0) }
  }

  /// Of the names in the folder those that go, now that a new copy is verified.
  func superfluous(among names: [String]) -> [String] { Array(names.filter(isOwn).sorted().dropLast(settings.keep)) }
}
