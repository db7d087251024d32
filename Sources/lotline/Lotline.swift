import ArgumentParser
import Foundation

/// `lotline`: two long-running roles and the technician's commands (design: the README's table).
@main
struct Lotline: AsyncParsableCommand {
  static let version = "0.1.0"

  static let configuration = CommandConfiguration(
    commandName: "lotline",
    abstract: "Ties every reading of a production line to who made it, where and in which lot.",
    discussion: "Results go to standard output, messages to standard error. Exit status: 0 all is well, "
      + "1 something is wrong (it says what), 64 the command line is.",
    version: version,
    subcommands: [
      EdgeCommand.self, CentralCommand.self, DemoCommand.self, CheckCommand.self, ReadCommand.self,
      DecodeCommand.self, ScanCommand.self, ListenCommand.self, RecordCommand.self, ReplayCommand.self,
      ImportCommand.self, ExportCommand.self,
      SimulateCommand.self, StatusCommand.self, ReloadCommand.self, QueueCommand.self, BackupCommand.self,
      EventsCommand.self, TraceCommand.self,
      GapsCommand.self, ExplainCommand.self, VerifyCommand.self, ManualCommand.self,
    ])

  /// Runs the command; what is wrong with the command line is told in one line, as all that goes wrong is.
  static func main() async {
    do {
      var command = try parseAsRoot()
      if var concurrent = command as? any AsyncParsableCommand {
        try await concurrent.run()
      } else {
        try command.run()
      }
    } catch {
      guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
      let usage = fullMessage(for: error).split(separator: "\n").first { $0.hasPrefix("Usage: ") }
      complain(message(for: error).replacing("\n", with: " ") + (usage.map { ". \($0)" } ?? ""))
      Foundation.exit(exitCode(for: error).rawValue)
    }
  }
}
