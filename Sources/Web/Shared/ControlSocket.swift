private import Glibc
import Hummingbird
import Logging

/// Puts a router behind a Unix socket of mode 0660 at `path`; one that a killed daemon left there is taken away first.
func controlSocket(
  _ router: Router<BasicRequestContext>, path: String, logger: Logger, onRunning: @escaping @Sendable () -> Void
) -> Application<RouterResponder<BasicRequestContext>> {
  unlink(path)
  var quiet = logger
  quiet.logLevel = max(quiet.logLevel, .notice)
  return Application(
    router: router, configuration: ApplicationConfiguration(address: .unixDomainSocket(path: path)),
    onServerRunning: { _ in
      chmod(path, 0o660)
      onRunning()
    }, logger: quiet)
}
