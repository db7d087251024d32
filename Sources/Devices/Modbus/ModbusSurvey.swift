import Machine

/// Looks at a Modbus device that no map describes yet: one request at a time, reading only.
///
/// Each look is judged like a device's readings, on a thread of its own. After a fault the next look connects again.
public actor ModbusSurvey {
  nonisolated private let thread = OwnThread(name: "survey")
  nonisolated public var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let dialer: Dialer
  private let timeout: Duration
  /// Nothing is asked before: where nothing tells a late answer from a right one (RTU), it is waited for.
  private var notBefore = ContinuousClock.now
  private var link: ModbusLink?

  /// What one request found.
  public enum Sight: Sendable, Hashable {
    /// The bytes of registers or bits as they came.
    case data([UInt8])
    /// The device refused; the exception's number and what it means.
    case refused(UInt8, String)
    /// Nobody answered in time.
    case silent(String)
    /// What came was no sound answer, or the connection ended.
    case broken(String)
    /// Nothing was asked: there is no connection, or the serial line cannot be opened.
    case unreachable(String)
  }

  public nonisolated var place: ModbusPlace { dialer.place }

  /// Opens nothing yet; `timeout` is for connecting and for each whole answer.
  public init(_ place: ModbusPlace, timeout: Duration = .seconds(1)) {
    (dialer, self.timeout) = (Dialer(place), timeout)
  }

  /// Asks for `count` addresses of `table` from `address` on.
  public func look(_ table: ModbusAddress.Table, address: Int, count: Int, unit: UInt8) -> Sight {
    let question = Question.read(table, address: UInt16(address), count: UInt16(count))
    do throws(LineFault) { if link == nil { link = try opened() } } catch { return .unreachable(error.description) }
    guard var open = link.take() else { return .broken(LineFault.closed.description) }
    do throws(LineFault) {
      let answer = try open.ask(question, unit: unit, timeout: timeout)
      link = consume open
      switch answer {
      case .data(let bytes): return .data(bytes)
      case .refused(let exception): return .refused(exception.code, exception.description)
      }
    } catch {
      if case .timeout = error {
        if case .tcp = dialer.place {} else { notBefore = ContinuousClock.now + timeout }
      }
      if case .timeout(_, 0) = error { return .silent(error.description) }
      return .broken(error.description)
    }
  }

  /// A new connection.
  private func opened() throws(LineFault) -> ModbusLink {
    var opened = try dialer.connect(timeout: timeout)
    opened.rest(for: notBefore - ContinuousClock.now)
    return opened
  }
}
