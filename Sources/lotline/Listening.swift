import Forward
import Glibc
import Logging
import NIOCore
import ServiceLifecycle
import Web

/// A listener of a daemon that has nothing to do without it: where it cannot listen, it says so and ends the daemon.
struct Listening: Service {
  /// The address or the path.
  let place: String
  /// The setting that says so.
  let setting: String
  let service: any Service

  func run() async throws {
    do { try await service.run() } catch let error as IOError {
      throw ListeningFault(place: place, setting: setting, error)
    }
  }
}

/// A listener of a daemon that goes on without it: it is tried again, for ever.
///
/// A port that is taken, an address that is not there yet, a certificate that is just being replaced: nothing of
/// that may keep a line from being read.
struct LastingListener: Service {
  let board: ListenerBoard
  /// The setting that says where.
  let setting: String
  let logger: Logger
  /// Makes the service anew for each attempt; it says where it listens once clients can connect.
  let make: @Sendable (_ onRunning: @escaping @Sendable (String) -> Void) throws -> any Service
  /// Called once the first attempt has ended, however it did.
  let onTried: @Sendable () -> Void

  private static let shortestPause = Duration.milliseconds(500)
  private static let longestPause = Duration.seconds(30)

  func run() async {
    var pause = Self.shortestPause
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      let failures = board.status.failures
      await attempt()
      if Task.isCancelled || Task.isShuttingDownGracefully { return }
      // One that listened, if only for a while, starts over.
      if board.status.failures > failures + 1 { pause = Self.shortestPause }
      let rest = pause
      await cancelWhenGracefulShutdown { try? await Task.sleep(for: rest) }
      pause = min(pause * 2, Self.longestPause)
    }
  }

  /// Listens until it is told to stop, or cannot.
  private func attempt() async {
    do {
      let service = try make { place in
        let wasFailing = board.status.isListening == false
        board.listens(at: place)
        logger.info("the \(board.status.name) \(wasFailing ? "now listens" : "is") at \(place)")
        onTried()
      }
      try await service.run()
      if Task.isCancelled || Task.isShuttingDownGracefully { return }
      fail("it ended by itself")
    } catch is CancellationError {
      return
    } catch {
      fail(ListeningFault(place: board.status.place, setting: setting, error).reason)
    }
  }

  private func fail(_ reason: String) {
    let place = board.status.place
    if board.fails(reason) {
      logger.error(
        """
        the \(board.status.name) does not listen on \(place): \(reason). Everything else goes on, and it is tried again, \
        for ever
        """)
    }
    onTried()
  }
}

/// Why a daemon cannot listen, and what to do.
struct ListeningFault: Error, CustomStringConvertible {
  let place: String
  let reason: String

  init(place: String, setting: String, _ error: any Error) {
    self.place = place
    reason =
      switch error {
      case let error as IOError: Self.reason(error.errnoCode, setting)
      case let error as ListenerFault: error.description
      case let error as TokenFault: error.description
      case is SocketAddressError, is SocketAddressError.UnknownHost:
        "its host has no address: set \(setting) to an address of this PC"
      default: "\(error)"
      }
  }

  var description: String { "listening on \(place): \(reason)" }

  private static func reason(_ code: Int32, _ setting: String) -> String {
    let remedy =
      switch code {
      case EADDRINUSE:
        "another program listens there (ss -lntp shows which): stop it, or set \(setting) to another place"
      case EADDRNOTAVAIL:
        "this PC does not have that address now (ip address shows which it has): see to its network, or set "
          + "\(setting) to another place"
      case EACCES where setting == "web.listen":
        "this user may not: set \(setting) to a port from 1024 on"
      default: "set \(setting) to a place of this PC that this user may use"
      }
    return "\(String(cString: strerror(code))): \(remedy)"
  }
}
