import CReference
import Foundation
import Machine

/// Settings and store of a central in a scratch folder.
struct CentralFolder {
  let path: String
  let port: ReservedPort

  var url: String { "http://127.0.0.1:\(port.port)" }

  init(_ path: String, sources: [String]) throws {
    self.path = path
    port = try ReservedPort()
    try write(
      """
      store: { sqlite: \(path)/central.db }
      web: { listen: "127.0.0.1:\(port.port)" }
      sources:
      \(sources.map { "  \($0): {}\n" }.joined())routes:
        P9: [ST10, ST20]

      """, to: path + "/central.yaml")
  }

  /// Starts it and waits until it listens.
  func start() async throws -> Daemon {
    let daemon = try Daemon(
      Daemon.program, ["central", "run", "--config", path + "/central.yaml"], log: path + "/central.log")
    try await daemon.ready { isOpen(port.port) }
    return daemon
  }
}
