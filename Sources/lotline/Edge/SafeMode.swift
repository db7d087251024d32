import Events
import Settings

/// The daemon runs with the last settings that ran well, since it was started again and again.
struct SafeMode: Sendable, Hashable {
  let since: Timestamp
  /// For people, in one line.
  let why: String
  /// What is wrong with the files, one line each; empty where they can be read.
  let problems: [String]
}

/// With which settings a start goes on.
struct StartPlan {
  let settings: EdgeSettings
  /// Nil: with those of the files.
  let safeMode: SafeMode?
  /// What is to be said where the files are taken although starts go wrong.
  let warning: String?

  /// Decides it.
  ///
  /// - Parameters:
  ///   - files: what the files say, or why they cannot be used.
  ///   - recent: starts within the minute before this one that did not end in order.
  ///   - good: the last settings that ran well; asked for where they are needed.
  /// - Throws: why the files cannot be used, where there is nothing else, or where the service manager is to try again.
  init(
    files: Result<EdgeSettings, any Error>, recent: Int, at now: Timestamp, good: () -> (GoodSettings, EdgeSettings)?
  )
    throws
  {
    let count = "the daemon was started \(recent + 1) times within a minute"
    guard recent >= Starts.most, let (kept, settings) = good() else {
      (self.settings, safeMode, warning) = (try files.get(), nil, nil)
      return
    }
    switch files {
    case .success(let read)
    where GoodSettings(path: kept.path, since: kept.since, files: read.files).files == kept.files:
      (self.settings, safeMode) = (read, nil)
      warning = "\(count), with settings that ran well before: it is not they that are to blame"
    case .success:
      self.settings = settings
      warning = nil
      safeMode = SafeMode(
        since: now, why: "\(count) with the settings of the files; those in force ran well at \(kept.since)",
        problems: [])
    case .failure(let error):
      self.settings = settings
      warning = nil
      safeMode = SafeMode(
        since: now, why: "\(count), and the files cannot be used; the settings in force ran well at \(kept.since)",
        problems: "\(error)".split(separator: "\n").map(String.init))
    }
  }
}
