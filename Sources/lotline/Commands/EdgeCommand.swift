import ArgumentParser
import Events
import Foundation
import Logging
import Machine
import Queue

struct EdgeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "edge", abstract: "The daemon of a line PC.", subcommands: [Run.self])

  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Reads the devices, stamps what they say, keeps it and sends it on.",
      discussion: """
        It runs until SIGTERM or Ctrl-C. Where it was started more than five times within a minute, it goes on with the \
        last settings that ran well for a minute (safe mode), and says so, until the files can be used again: lotline \
        reload.

        EXAMPLES
          lotline edge run --config etc/lotline/edge.yaml
        """)

    @OptionGroup var edge: EdgeOptions

    func run() async throws {
      try await reporting {
        let environment = ProcessInfo.processInfo.environment
        let folder = EdgeSettings.stateFolder(of: edge.config, environment: environment)
        let starts = StartsFile(folder: folder)
        let boot = Host.bootID
        let moment = Moment.now()
        let recent = starts.begin(at: moment, boot: boot)
        let plan = try StartPlan(
          files: Result { try EdgeSettings.read(edge.config) }, recent: recent, at: moment.time
        ) {
          GoodSettings(folder: folder, path: edge.config).flatMap { good in (try? good.read()).map { (good, $0) } }
        }
        var logger = daemonLogger()
        logger[metadataKey: "source"] = "\(plan.settings.source)"
        let daemon = EdgeDaemon(
          path: edge.config, plan: plan, stateFolder: folder, environment: environment, logger: logger)
        do { try await daemon.run() } catch let failure as OpeningFailure where failure.isInUse {
          starts.forget(boot: boot)
          throw failure
        }
        starts.forget(boot: boot)
      }
    }
  }
}
