/// The line broke: what came was not the answer to the question, or nothing came.
///
/// After any of these but `gateway` a TCP connection is closed, since nobody can tell what would be read from it next;
/// a serial line is left until it is quiet. That a device refuses a question (`DeviceException`) is another matter: the
/// line is sound.
enum LineFault: Error, Sendable, Hashable {
  /// The answer to another request: a late one, or a mixed-up gateway.
  case transaction(asked: UInt16, found: UInt16)
  case protocolID(UInt16)
  case length(expected: [Int], found: Int)
  case unit(asked: UInt8, found: UInt8)
  case function(asked: UInt8, found: UInt8)
  case byteCount(expected: Int, found: Int)
  /// The answer to a write does not repeat what was written.
  case echo
  /// The checksum of an RTU frame is wrong.
  case checksum
  /// Our own question came back in place of an answer.
  case ownEcho
  /// A serial line is never quiet.
  case noise
  /// Bytes that nobody asked for, before a request or after an answer.
  case leftover(Int)
  /// The whole answer did not come in time; so many bytes of it did.
  case timeout(Duration, received: Int)
  case closed
  /// The serial line is gone.
  case unplugged
  /// A gateway answers that it has no way to the device, or no answer from it; the connection to the gateway is sound.
  case gateway(DeviceException)
  case connect(String)
  case system(doing: String, reason: String)
  /// Too many files are open: libmodbus would end the process.
  case descriptors(Int32)
  /// The daemon is on its way down.
  case stopped

  /// One word for counters.
  var kind: String {
    switch self {
    case .transaction: "transaction"
    case .protocolID: "protocol"
    case .length: "length"
    case .unit: "unit"
    case .function: "function"
    case .byteCount: "byte-count"
    case .echo: "echo"
    case .checksum: "checksum"
    case .ownEcho: "own-echo"
    case .noise: "noise"
    case .leftover: "leftover"
    case .timeout: "timeout"
    case .closed: "closed"
    case .unplugged: "unplugged"
    case .gateway(let exception): "exception-\(exception.code)"
    case .connect: "connect"
    case .system: "system"
    case .descriptors: "descriptors"
    case .stopped: "stopped"
    }
  }

  /// Whether a serial line can still be used after it.
  var leavesLine: Bool {
    switch self {
    case .closed, .unplugged, .connect, .system, .descriptors, .stopped: false
    default: true
    }
  }

  /// Whether the device may have done nothing wrong but be slow or away: what a breaker counts.
  var isSilence: Bool {
    switch self {
    case .timeout, .gateway: true
    default: false
    }
  }
}

extension LineFault: CustomStringConvertible {
  var description: String {
    switch self {
    case .transaction(let asked, let found):
      "the answer belongs to request \(found), not to \(asked): it came late, or a gateway mixed them up"
    case .protocolID(let found): "the answer is not Modbus: its protocol id is \(found), not 0"
    case .length(let expected, let found):
      "the answer says it is \(found) bytes long, not \(expected.map(String.init).joined(separator: " or "))"
    case .unit(let asked, let found): "unit \(found) answered in place of unit \(asked): check the unit in the settings"
    case .function(let asked, let found): "the answer is for function \(found), not \(asked)"
    case .byteCount(let expected, let found): "the answer holds \(found) bytes of data, not \(expected)"
    case .echo: "the answer to the write does not repeat what was written"
    case .leftover(let count): "\(count) \(count == 1 ? "byte" : "bytes") came that nobody asked for"
    case .timeout(let limit, 0): "no answer within \(limit.short)"
    case .timeout(let limit, let received):
      "only \(received) \(received == 1 ? "byte" : "bytes") came within \(limit.short)"
    case .checksum: "the answer's checksum is wrong: check line speed, parity, cable and terminator"
    case .ownEcho: "our own question came back: switch the echo of the adapter off"
    case .noise: "the line is never quiet: another master, a wrong speed, or a fault of the cable"
    case .closed: "the device closed the connection"
    case .unplugged: "the serial line is gone: is the adapter plugged in?"
    case .gateway(let exception): exception.description
    case .connect(let reason): reason
    case .system(let doing, let reason): "\(doing): \(reason)"
    case .descriptors(let number):
      "\(number) files are open in this process, too many for another connection: set fewer devices, or LimitNOFILE=1024"
    case .stopped: "stopped"
    }
  }
}

/// The device answered that it will not do what was asked; the line is sound.
struct DeviceException: Sendable, Hashable, CustomStringConvertible {
  let code: UInt8

  /// Whether asking again soon makes sense: the device is busy, or a gateway has no way to it now.
  var isTransient: Bool { isBusy || isGateway }
  /// It will do it in a moment: asked again within the same round.
  var isBusy: Bool { code == 5 || code == 6 }
  /// A gateway says it, and not the device.
  var isGateway: Bool { code == 10 || code == 11 }
  /// The device will never do it as its program stands: asked again rarely.
  var isLasting: Bool { (1...3).contains(code) }

  var description: String {
    let name =
      switch code {
      case 1: "illegal function"
      case 2: "illegal data address"
      case 3: "illegal data value"
      case 4: "device failure"
      case 5: "accepted, not done yet"
      case 6: "device busy"
      case 8: "memory parity error"
      case 10: "the gateway has no way to the device"
      case 11: "the gateway has no answer from the device"
      default: "unknown reason"
      }
    return isGateway ? "\(name) (exception \(code))" : "the device refused: \(name) (exception \(code))"
  }
}

extension Duration {
  /// `500ms` or `1s`, for messages.
  var short: String {
    let milliseconds = Int64((inMilliseconds).rounded())
    return milliseconds % 1000 == 0 ? "\(milliseconds / 1000)s" : "\(milliseconds)ms"
  }

  var inMilliseconds: Double { Double(components.seconds) * 1000 + Double(components.attoseconds) / 1e15 }
}
