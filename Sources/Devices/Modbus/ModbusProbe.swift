import Machine

/// One Modbus connection that is asked as often as its owner likes, without a map: for measurements.
///
/// It goes the way of a device's readings: the same frames, the same checks, a thread of its own.
public actor ModbusProbe {
  nonisolated private let thread = OwnThread(name: "probe")
  nonisolated public var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let dialer: Dialer
  private let unit: UInt8
  private let timeout: Duration
  private var link: ModbusLink?

  /// Opens nothing yet; `timeout` is for connecting and for each whole answer.
  public init(host: String, port: Int, unit: UInt8 = 1, timeout: Duration = .seconds(1)) {
    (dialer, self.unit, self.timeout) = (Dialer(.tcp(host: host, port: port)), unit, timeout)
  }

  /// Reads `count` addresses from `address` on, `times` in a row; gives the bytes of the last answer.
  ///
  /// Throws `ReadoutFailure` where there is no connection or no sound answer; the next call connects again.
  public func read(
    _ table: ModbusAddress.Table, address: UInt16, count: UInt16, times: Int = 1
  ) async throws(ReadoutFailure) -> [UInt8] {
    do throws(LineFault) {
      var open = try take()
      let bytes = try ask(.read(table, address: address, count: count), times, over: &open)
      link = consume open
      return bytes
    } catch {
      throw ReadoutFailure(device: "the probe", address: "\(dialer.place) unit \(unit)", reason: error.description)
    }
  }

  /// The open connection, or a new one.
  private func take() throws(LineFault) -> ModbusLink {
    if let open = link.take() { return open }
    return try dialer.connect(timeout: timeout)
  }

  private func ask(_ question: Question, _ times: Int, over link: inout ModbusLink) throws(LineFault) -> [UInt8] {
    var last: [UInt8] = []
    for _ in 0..<times {
      switch try link.ask(question, unit: unit, timeout: timeout) {
      case .data(let bytes): last = bytes
      case .refused(let exception): throw .connect("the device refuses: \(exception)")
      }
    }
    return last
  }
}
