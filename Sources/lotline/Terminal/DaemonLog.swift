import Foundation
import Logging

/// The logger of a daemon: one line a message on standard error, with the level that journald understands.
func daemonLogger() -> Logger {
  Logger(label: "lotline") { _ in JournalLog() }
}

/// Writes `<PRIORITY>message key=value …`: journald takes the priority off and keeps it, a person reads the rest.
///
/// Under journald (which sets `JOURNAL_STREAM`) lines carry the priority and no time; elsewhere the time and the level.
struct JournalLog: LogHandler {
  var logLevel: Logger.Level = .info
  var metadata: Logger.Metadata = [:]
  private let underJournal = ProcessInfo.processInfo.environment["JOURNAL_STREAM"] != nil

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    let extra = all.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value)" }.joined()
    let text = visible("\(event.message)\(extra)")
    let line =
      underJournal
      ? "<\(priority(event.level))>\(text)\n"
      : "\(Date().formatted(.iso8601)) \(event.level) \(text)\n"
    FileHandle.standardError.write(Data(line.utf8))
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
