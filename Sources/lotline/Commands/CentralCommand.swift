import ArgumentParser
import Foundation
import Store

struct CentralCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "central", abstract: "The trace store.",
    subcommands: [Run.self, Backup.self, Restore.self, Verify.self, Rebuild.self])

  struct Options: ParsableArguments {
    @Option(help: "The central's settings.")
    var config = "/etc/lotline/central.yaml"
  }

  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Takes events, keeps them, and answers questions.",
      discussion: """
        It runs until SIGTERM or Ctrl-C.

        EXAMPLES
          lotline central run --config etc/lotline/central.yaml
        """)

    @OptionGroup var central: Options

    func run() async throws {
      try await reporting {
        let settings = try CentralSettings.read(central.config)
        let daemon = CentralDaemon(
          settings: settings, environment: ProcessInfo.processInfo.environment, logger: daemonLogger())
        try await daemon.run()
      }
    }
  }

  struct Rebuild: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Makes units, lots, links and gaps anew from the stored events.",
      discussion: """
        The central must be stopped. The events themselves are not touched.

        EXAMPLES
          lotline central rebuild --config etc/lotline/central.yaml
        """)

    @OptionGroup var central: Options

    func run() async throws {
      try await reporting {
        let settings = try CentralSettings.read(central.config)
        let store = try await TraceStore.open(
          path: settings.store.sqlite, rules: settings.rules, logger: daemonLogger())
        try await store.rebuild()
        try store.close()
        print("\(settings.store.sqlite): everything that follows from the events was made again")
      }
    }
  }
}
