internal import Machine

/// An open way to a scanner, of either kind.
enum ScannerLink: ~Copyable {
  case port(SerialPort)
  case socket(ScannerSocket)

  /// Waits for bytes at most `milliseconds`, or until `wake` is signalled.
  borrowing func receive(within milliseconds: Int32, wake: WakeUp) -> ByteLine.Arrival {
    switch self {
    case .port(let port): port.receive(within: milliseconds, wake: wake)
    case .socket(let socket): socket.receive(within: milliseconds, wake: wake)
    }
  }

  /// Writes all of `bytes` within a second; otherwise gives the reason why not.
  borrowing func send(_ bytes: [UInt8]) -> String? {
    switch self {
    case .port(let port): port.send(bytes)
    case .socket(let socket): socket.send(bytes)
    }
  }
}
