private import Glibc

/// The service manager's notification socket (`sd_notify(3)`), spoken directly: it is one datagram.
///
/// Without `NOTIFY_SOCKET` in the environment (a daemon started by hand) nothing is sent.
public struct Supervisor: Sendable {
  private let socketPath: String?
  /// How often the service manager wants a sign of life; nil where no watchdog is set.
  public let watchdogInterval: Duration?

  /// Reads `NOTIFY_SOCKET` and `WATCHDOG_USEC` as systemd sets them.
  public init(environment: [String: String]) {
    socketPath = environment["NOTIFY_SOCKET"].flatMap { $0.isEmpty ? nil : $0 }
    watchdogInterval = environment["WATCHDOG_USEC"].flatMap(Int64.init).map { .microseconds($0) }
  }

  /// The service has started: everything it promises is open and in force.
  public func ready(status: String) { send("READY=1\nSTATUS=\(status)", isNeeded: true) }
  /// The service reads its settings again; `ready` says that it is done.
  public func reloading() {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    send("RELOADING=1\nMONOTONIC_USEC=\(UInt64(now.tv_sec) * 1_000_000 + UInt64(now.tv_nsec) / 1000)", isNeeded: true)
  }
  /// Runs a step of the start that may take long (a queue that needs repair): the service manager is told every five
  /// seconds that it goes on, for an hour at most.
  public func extending<Value: Sendable>(
    _ text: String, _ body: @Sendable () async throws -> Value
  ) async rethrows -> Value {
    async let _: Void = extend(text)
    return try await body()
  }

  private func extend(_ text: String) async {
    let pace = Duration.seconds(5)
    for _ in 0..<720 where !Task.isCancelled {
      send("EXTEND_TIMEOUT_USEC=30000000\nSTATUS=\(text)")
      try? await Task.sleep(for: pace)
    }
  }

  /// One line that `systemctl status` shows.
  public func status(_ text: String) { send("STATUS=\(text)") }
  /// Work was done since the last call.
  public func alive() { send("WATCHDOG=1") }
  /// The service is on its way down.
  public func stopping() { send("STOPPING=1") }

  /// What is needed waits up to a second for a service manager that reads nothing; the rest, which is said again, does not:
  /// signs of life must not stop with it.
  private func send(_ message: String, isNeeded: Bool = false) {
    guard let socketPath else { return }
    let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { return }
    defer { close(descriptor) }
    var limit = timeval(tv_sec: 1, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    let flags = Int32(MSG_NOSIGNAL) | (isNeeded ? 0 : Int32(MSG_DONTWAIT))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var path = Array(socketPath.utf8)
    if path.first == UInt8(ascii: "@") { path[0] = 0 }  // the abstract name space
    guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
    let bytes = Array(message.utf8)
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = sendto(descriptor, bytes, bytes.count, flags, $0, length)
      }
    }
  }
}
