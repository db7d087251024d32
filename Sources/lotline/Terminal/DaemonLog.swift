import Foundation
import Logging
import Machine

/// The logger of a daemon: one line a message, to the journal with its fields where standard error goes there.
func daemonLogger() -> Logger {
  let environment = ProcessInfo.processInfo.environment
  let journal = Journal.isStandardError(environment: environment) ? Journal() : nil
  let isUnderJournal = environment["JOURNAL_STREAM"] != nil
  return Logger(label: "lotline") { _ in
    JournalLog(journal: journal, isUnderJournal: isUnderJournal) { FileHandle.standardError.write(Data($0.utf8)) }
  }
}

/// Writes to the journal in its own form, with the place in the code, the device, the station and the source as fields.
///
/// Where the journal's socket is not there, a line is `<PRIORITY>message`: who reads standard error for the journal takes
/// the priority off and keeps it. Where no journal is, it has the time and the level, for people.
struct JournalLog: LogHandler {
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]
  let journal: Journal?
  let isUnderJournal: Bool
  let write: @Sendable (String) -> Void
  /// What messages name themselves: fields for those who filter.
  private static let fields = ["device", "station", "source"]

  init(journal: Journal?, isUnderJournal: Bool, write: @escaping @Sendable (String) -> Void) {
    (self.journal, self.isUnderJournal, self.write) = (journal, isUnderJournal, write)
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let extra = all.filter { !Self.fields.contains($0.key) }.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }
    let text = visible("\(event.message)\(extra.joined())")
    let priority = priority(event.level)
    if let journal {
      var entry = [
        ("PRIORITY", "\(priority)"), ("SYSLOG_IDENTIFIER", "lotline"), ("MESSAGE", text), ("CODE_FILE", event.file),
        ("CODE_LINE", "\(event.line)"), ("CODE_FUNC", event.function),
      ]
      for name in Self.fields {
        if let value = all[name] { entry.append(("LOTLINE_\(name.uppercased())", visible("\(value)"))) }
      }
      if journal.send(entry) { return }
    }
    if isUnderJournal {
      write("<\(priority)>\(text)\n")
    } else {
      write("\(Date().formatted(.iso8601)) \(event.level) \(text)\n")
    }
  }

  private func priority(_ level: Logger.Level) -> Int {
    switch level {
    case .trace, .debug: 7
    case .info: 6
    case .notice: 5
    case .warning: 4
    case .error: 3
    case .critical: 2
    }
  }
}
