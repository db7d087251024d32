/// Opens the way to one place, again and again.
struct Dialer: Sendable {
  let place: ModbusPlace
  private let lookup: HostLookup?
  private let tap: TapPoint?

  init(_ place: ModbusPlace, tap: TapPoint? = nil) {
    self.place = place
    self.tap = tap
    lookup =
      switch place {
      case .tcp(let host, _), .rtuOverTCP(let host, _): HostLookup(host)
      case .serial: nil
      }
  }

  /// Connects to the first address of a host that takes it, finding them and each attempt within `timeout`; or opens
  /// the serial line.
  func connect(timeout: Duration) throws(LineFault) -> ModbusLink {
    switch place {
    case .tcp(_, let port): try connect(port: port, framing: .tcp, timeout: timeout)
    case .rtuOverTCP(_, let port): try connect(port: port, framing: .rtu, timeout: timeout)
    case .serial(let path, let line): try ModbusLink(path: path, line: line, tap: tap)
    }
  }

  private func connect(port: Int, framing: ModbusFraming, timeout: Duration) throws(LineFault) -> ModbusLink {
    guard let lookup else { throw .connect("\(place) has no host") }
    let limit = min(timeout, ModbusLink.longestConnect)
    var fault = LineFault.connect("the name \(lookup.host) has no address")
    for address in try lookup.addresses(within: limit) {
      if Task.isCancelled { throw .stopped }
      do throws(LineFault) {
        return try ModbusLink(host: address, port: port, framing: framing, timeout: limit, tap: tap)
      } catch { fault = error }
    }
    throw fault
  }
}
