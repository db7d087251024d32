import ArgumentParser
import Foundation

struct EdgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edge", abstract: "The daemon of a line PC.", subcommands: [Run.self])

  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reads the devices, stamps what they say, keeps it and sends it on.",
      discussion: """
        It runs until SIGTERM or Ctrl-C.

        EXAMPLES
          lotline edge run --config etc/lotline/edge.yaml
        """)

    @OptionGroup var edge: EdgeOptions

    func run() async throws {
      try await reporting {
        let settings = try EdgeSettings.read(edge.config)
        let daemon = EdgeDaemon(
          path: edge.config, settings: settings, environment: ProcessInfo.processInfo.environment,
          logger: daemonLogger())
        try await daemon.run()
      }
    }
  }
}
