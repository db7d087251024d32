public import Events
import Machine

/// A tag as a device shows it now: for the technician who compares a map with the machine.
public struct TagReadout: Sendable, Hashable {
  public let group: String
  public let tag: String
  /// As the map writes it.
  public let address: String
  public let type: ValueType
  /// When the answer arrived.
  public let time: Timestamp
  /// The bytes of its registers as they came; one byte for a coil or discrete input; none where it was refused.
  public let raw: [UInt8]
  public let value: TagValue
  public let unit: String?

  /// The registers as they came, most significant byte first; empty for coils and discrete inputs.
  public var words: [UInt16] {
    guard raw.count % 2 == 0 else { return [] }
    return stride(from: 0, to: raw.count, by: 2).map { UInt16(raw[$0]) << 8 | UInt16(raw[$0 + 1]) }
  }
}

/// Why a device could not be read: which device, and what to look at.
public struct ReadoutFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public let kind: Kind
  public let device: String
  public let address: String
  public let reason: String
  public var description: String { "reading \(device) at \(address): \(reason)" }

  /// Whose fault it is.
  public enum Kind: Sendable, Hashable {
    /// There is no such device or group.
    case unknown
    /// It has no tags.
    case scanner
    /// It gives no sound answer, or nobody asks it now.
    case away
  }

  init(_ kind: Kind = .away, device: String, address: String, reason: String) {
    (self.kind, self.device, self.address, self.reason) = (kind, device, address, reason)
  }

  init(scanner: String, address: String) {
    self.init(
      .scanner, device: scanner, address: address,
      reason: "it is a scanner; `lotline events --follow` shows what it scans")
  }
}

/// Reads all tags of a Modbus device once, triggers and acknowledges included; writes nothing.
///
/// Throws `ReadoutFailure` where there is no connection or no sound answer, or the device is a scanner.
public func readOnce(_ settings: DeviceSettings) async throws -> [TagReadout] {
  try await DeviceReadout(settings).read()
}

/// Reads a Modbus device again and again over one connection; a fault closes it, the next read opens a new one.
public actor DeviceReadout {
  nonisolated private let thread: OwnThread
  nonisolated public var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let device: String
  private let address: String
  private let dialer: Dialer
  private let unit: UInt8
  private let map: ModbusMap
  private var link: ModbusLink?

  /// Opens nothing yet; throws `ReadoutFailure` for a device that is no Modbus device.
  public init(_ settings: DeviceSettings) throws {
    guard case .modbus(let map) = settings.map.map, case .modbus(let place, let unit) = settings.link else {
      throw ReadoutFailure(scanner: settings.name, address: "its serial line")
    }
    device = settings.name
    address = "\(place) unit \(unit)"
    (dialer, self.unit, self.map) = (Dialer(place), unit, map)
    thread = OwnThread(name: "read")
  }

  /// Asks all that the map plans, in its order; tags that the device refuses are bad, with its reason.
  public func read() async throws -> [TagReadout] {
    do throws(LineFault) {
      var open = try take()
      let readouts = try read(over: &open)
      link = consume open
      return readouts
    } catch {
      throw ReadoutFailure(device: device, address: address, reason: error.description)
    }
  }

  /// The open connection, or a new one.
  private func take() throws(LineFault) -> ModbusLink {
    if let open = link.take() { return open }
    var opened = try dialer.connect(timeout: map.requests.timeout)
    opened.rest(for: map.requests.pauseAfterConnect)
    return opened
  }

  private func read(over link: inout ModbusLink) throws(LineFault) -> [TagReadout] {
    var round = ReadoutRound(of: map)
    while let request = round.next {
      let limits = map.requests
      let answer = try link.ask(Question(request), unit: unit, timeout: limits.timeout, rested: limits.pause)
      round.take(answer, at: Moment.now().time)
    }
    return round.readouts
  }
}
