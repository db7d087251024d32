public import Events

/// The settings in force, and whether the files say something else by now.
public struct SettingsStatus: Sendable, Hashable {
  /// The settings file, as the daemon was told.
  public var path: String
  /// Since when they are in force.
  public var since: Timestamp
  /// Each file in force with its SHA-256 in hex, by the name under which history keeps it.
  public var files: [File]
  /// What the files say that takes effect at the next start only.
  public var nextStart: [String] = []
  /// The last time that other settings were asked for; nil where they never were.
  public var lastReload: Timestamp?
  /// Why the files were not taken then, one line each: the settings in force are older than the files.
  public var problems: [String] = []
  /// The daemon was started again and again, and these settings are the last that ran well; nil in the usual case.
  public var safeMode: SafeMode?
  public var reloads: UInt64 = 0
  public var refusals: UInt64 = 0

  /// Since when, and why, the settings in force are not those of the files.
  public struct SafeMode: Sendable, Hashable {
    public var since: Timestamp
    public var why: String

    public init(since: Timestamp, why: String) { (self.since, self.why) = (since, why) }
  }

  /// A file of the settings.
  public struct File: Sendable, Hashable {
    public var name: String
    public var sha256: String

    public init(name: String, sha256: String) {
      self.name = name
      self.sha256 = sha256
    }
  }

  public init(path: String, since: Timestamp, files: [File]) {
    self.path = path
    self.since = since
    self.files = files
  }

  func write(to writer: inout JSONWriter) {
    writer.object { writer in
      writer.field("path", path)
      writer.field("since", since)
      writer.key("files")
      writer.array { writer in
        for file in files {
          writer.object { writer in
            writer.field("file", file.name)
            writer.field("sha256", file.sha256)
          }
        }
      }
      writer.texts("next_start", nextStart)
      writer.field("outdated", !problems.isEmpty)
      writer.field("last_reload", lastReload)
      writer.texts("problems", problems)
      if let safeMode {
        writer.key("safe_mode")
        writer.object { writer in
          writer.field("since", safeMode.since)
          writer.field("why", safeMode.why)
        }
      }
    }
  }

  func addMetrics(to text: inout MetricsText) {
    text.family("lotline_settings_outdated", .gauge, "1 while the files say something that could not be taken.")
    text.sample(problems.isEmpty ? 0 : 1)
    text.family(
      "lotline_safe_mode", .gauge, "1 while the settings in force are the last that ran well, not the files'.")
    text.sample(safeMode == nil ? 0 : 1)
    text.family("lotline_settings_waiting", .gauge, "Settings of the files that take effect at the next start.")
    text.sample(nextStart.count)
    text.family("lotline_settings_since_timestamp_seconds", .gauge, "Since when the settings in force are.")
    text.sample(Double(since.microseconds) / 1e6)
    text.family("lotline_settings_reloads_total", .counter, "Times that the files were read again since the start.")
    text.sample(reloads)
    text.family("lotline_settings_refusals_total", .counter, "Times that they were refused then.")
    text.sample(refusals)
  }
}

/// What came of reading the settings again.
public struct ReloadAnswer: Sendable, Hashable {
  /// False: everything is as it was, and `problems` say why.
  public var isTaken: Bool
  /// The files whose text is new.
  public var files: [String] = []
  public var restarted: [String] = []
  public var added: [String] = []
  public var removed: [String] = []
  /// The stations whose rules are others, or that came or went.
  public var stations: [String] = []
  /// What takes effect at the next start only.
  public var nextStart: [String] = []
  /// One line each, as `lotline check` prints them.
  public var problems: [String] = []
  /// All of it in one line for people.
  public var words: String

  public init(isTaken: Bool, words: String) {
    self.isTaken = isTaken
    self.words = words
  }

  func write(to writer: inout JSONWriter) {
    writer.field("taken", isTaken)
    writer.texts("files", files)
    writer.texts("restarted", restarted)
    writer.texts("added", added)
    writer.texts("removed", removed)
    writer.texts("stations", stations)
    writer.texts("next_start", nextStart)
    writer.texts("problems", problems)
    writer.field("words", words)
  }
}

extension JSONWriter {
  fileprivate mutating func texts(_ name: String, _ texts: [String]) {
    key(name)
    array { writer in for text in texts { writer.value(text) } }
  }
}
