/// How bits travel on a serial line: `9600 8N1`, or with flow control `9600 8N1 rts-cts`.
public struct SerialLine: Sendable, Hashable, CustomStringConvertible {
  /// Bits a second.
  public let baud: Int
  /// 5 to 8.
  public let dataBits: Int
  public let parity: Parity
  /// 1 or 2.
  public let stopBits: Int
  public let flow: Flow

  public enum Parity: String, Sendable, Hashable, CaseIterable {
    case none = "N"
    case even = "E"
    case odd = "O"
    /// The parity bit is always 1.
    case mark = "M"
    /// The parity bit is always 0.
    case space = "S"
  }

  /// How the side that cannot take more for now says so.
  public enum Flow: String, Sendable, Hashable, CaseIterable {
    case none
    /// By the wires RTS and CTS.
    case rtsCts = "rts-cts"
    /// By the bytes XOFF (13 hex) and XON (11 hex), which codes then cannot contain.
    case xonXoff = "xon-xoff"
  }

  public init(
    baud: Int = 9600, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1, flow: Flow = .none
  ) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
    self.flow = flow
  }

  public var description: String {
    "\(baud) \(dataBits)\(parity.rawValue)\(stopBits)" + (flow == .none ? "" : " \(flow.rawValue)")
  }

  /// The rates that termios(3) names; a line may be set to any other in `baudLimits`, where its driver can.
  public static let rates = [
    50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800,
    500_000, 576_000, 921_600, 1_000_000, 1_152_000, 1_500_000, 2_000_000, 2_500_000, 3_000_000, 3_500_000, 4_000_000,
  ]
  /// The slowest and the fastest line.
  public static let baudLimits = 50...4_000_000
}
