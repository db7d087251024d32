import Forward
import Logging
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
