import Forward
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import UnixSignals

/// A part of a daemon that runs until it is told to stop, and then ends by its task being cancelled.
struct Work: Service, CustomStringConvertible {
  let description: String
  let body: @Sendable () async -> Void

  init(_ name: String, _ body: @escaping @Sendable () async -> Void) {
    description = name
    self.body = body
  }

  func run() async { await cancelWhenGracefulShutdown { await body() } }
}

/// A listener of a daemon; one that cannot listen says where it wanted to, and what to do.
struct Listening: Service {
  /// The address or the path.
  let place: String
  /// The setting that says so.
  let setting: String
  let service: any Service

  /// Why it cannot listen.
  struct Fault: Error, CustomStringConvertible {
    let description: String
  }

  func run() async throws {
    do { try await service.run() } catch let error as IOError {
      let remedy =
        error.errnoCode == EADDRINUSE
        ? "another program listens there (ss -lntp shows which): stop it, or set \(setting) to another place"
        : "set \(setting) to a place of this PC that this user may use"
      throw Fault(description: "listening on \(place): \(String(cString: strerror(error.errnoCode))): \(remedy)")
    }
  }
}

/// Forwards until the daemon stops, and then sends what the devices said last, for at most two seconds.
struct LastSending: Service {
  let forwarder: Forwarder

  init(_ forwarder: Forwarder) { self.forwarder = forwarder }

  func run() async {
    await cancelWhenGracefulShutdown { await forwarder.run() }
    await forwarder.drain(within: .seconds(2))
  }
}

/// Runs services together until SIGTERM or SIGINT, then stops them in the reverse of their order.
///
/// What hangs is cancelled after six seconds, so that a daemon is down within the ten that the service manager waits.
func runTogether(_ services: [any Service], logger: Logger) async throws {
  var quiet = logger
  quiet.logLevel = .warning
  var settings = ServiceGroupConfiguration(
    services: services.map { .init(service: $0) }, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
  settings.maximumGracefulShutdownDuration = .seconds(6)
  try await ServiceGroup(configuration: settings).run()
}
