/// How bits travel on a serial line: `9600 8N1`.
public struct SerialLine: Sendable, Hashable, CustomStringConvertible {
  /// Bits a second.
  public let baud: Int
  /// 7 or 8.
  public let dataBits: Int
  public let parity: Parity
  /// 1 or 2.
  public let stopBits: Int

  public enum Parity: String, Sendable, Hashable {
    case none = "N"
    case even = "E"
    case odd = "O"
  }

  public init(baud: Int = 9600, dataBits: Int = 8, parity: Parity = .none, stopBits: Int = 1) {
    self.baud = baud
    self.dataBits = dataBits
    self.parity = parity
    self.stopBits = stopBits
  }

  public var description: String { "\(baud) \(dataBits)\(parity.rawValue)\(stopBits)" }

  /// The rates that a line can be set to.
  public static let rates = [
    300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115_200, 230_400, 460_800, 921_600,
  ]
}
