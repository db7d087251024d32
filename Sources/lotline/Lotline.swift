import ArgumentParser

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
      SimulateCommand.self, StatusCommand.self, EventsCommand.self, TraceCommand.self, GapsCommand.self,
      VerifyCommand.self,
    ])
}
