public import Events
private import Glibc
internal import Machine
internal import Settings

/// Why nothing can be heard, in one line with what to do.
public struct TapFailure: Error, Sendable, Hashable, CustomStringConvertible {
  public let description: String
}

/// What came over a line in one go.
public struct HeardFrame: Sendable, Hashable {
  public let raw: [UInt8]
  /// When its last byte arrived.
  public let moment: Moment
  /// Why a map could not use it; nil for a whole frame, and where no map cuts frames.
  public let damage: String?
  /// Bytes with a parity or framing error, where the line is set so that the system tells them.
  public let damagedBytes: Int

  public init(raw: [UInt8], moment: Moment, damage: String?, damagedBytes: Int) {
    self.raw = raw
    self.moment = moment
    self.damage = damage
    self.damagedBytes = damagedBytes
  }
}

/// Listens to a serial line or a connection and sends nothing: what comes, cut into frames, with its times.
///
/// Every call blocks a thread of its own.
public actor LineTap {
  /// What is listened to.
  public enum Place: Sendable, Hashable, CustomStringConvertible {
    case serial(path: String, line: SerialLine)
    case tcp(host: String, port: Int)

    public var description: String {
      switch self {
      case .serial(let path, let line): "\(path) at \(line)"
      case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
      }
    }
  }

  nonisolated private let thread = OwnThread(name: "tap")
  nonisolated public var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private let place: Place
  private let wake = WakeUp()
  private var port: SerialPort?
  private var connection: Descriptor?
  private var marks: ParityMarks
  private var cutter: Cutter

  /// Silence that ends a frame where no map says what does.
  public static let silence: Duration = .milliseconds(50)

  /// Opens nothing yet.
  ///
  /// - Parameter rule: how frames are cut; nil: by silence.
  public init(_ place: Place, rule: FrameRule? = nil) {
    self.place = place
    cutter = rule.map { .rule(FrameReader($0)) } ?? .silence(bytes: [], damaged: 0, last: nil)
    if case .serial = place { marks = ParityMarks(isMarked: true) } else { marks = ParityMarks(isMarked: false) }
  }

  /// Opens the port, for us alone, or connects.
  public func open() throws(TapFailure) {
    switch place {
    case .serial(let path, let line):
      do throws(PortFailure) { port = try SerialPort(path: path, line: line, marksErrors: true) } catch {
        throw TapFailure(description: error.reason)
      }
    case .tcp(let host, let port): connection = Descriptor(owning: try Self.connect(host, port, within: .seconds(5)))
    }
  }

  /// The frames that ended within `limit`, perhaps none.
  public func next(within limit: Duration) throws(TapFailure) -> [HeardFrame] {
    let end = ContinuousClock.now + limit
    while !Task.isCancelled {
      let left = min(end - ContinuousClock.now, cutter.left(at: .now()) ?? limit)
      guard let bytes = try receive(within: Int32(max(0, left.inMilliseconds.rounded(.up)))) else {
        if let frame = cutter.silent(at: .now()) { return [frame] }
        if ContinuousClock.now >= end { return [] }
        continue
      }
      let frames = cutter.take(marks.decode(bytes), at: .now())
      if !frames.isEmpty { return frames }
    }
    return []
  }

  /// Bytes, or nil where none came in time.
  private func receive(within milliseconds: Int32) throws(TapFailure) -> [UInt8]? {
    if let open = port.take() {
      let arrival = open.receive(within: milliseconds, wake: wake)
      port = consume open
      switch arrival {
      case .bytes(let bytes): return bytes
      case .nothing: return nil
      case .gone(let reason): throw TapFailure(description: "\(place) is gone, unplugged? (\(reason))")
      }
    }
    guard let number = connection?.number else { throw TapFailure(description: "\(place) is not open") }
    var wait = pollfd(fd: number, events: Int16(POLLIN), revents: 0)
    guard retrying({ poll(&wait, 1, milliseconds) }) > 0 else { return nil }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = retrying { recv(number, &buffer, buffer.count, Int32(MSG_DONTWAIT)) }
    if count > 0 { return Array(buffer[..<count]) }
    if count < 0, errno == EAGAIN { return nil }
    throw TapFailure(description: "\(place) closed the connection")
  }

  private static func connect(_ host: String, _ port: Int, within limit: Duration) throws(TapFailure) -> Int32 {
    let addresses: [String]
    do throws(LineFault) { addresses = try HostLookup(host).addresses(within: limit) } catch {
      throw TapFailure(description: "connecting to \(host):\(port): \(error)")
    }
    var why = "it has no address"
    for address in addresses {
      var hints = addrinfo()
      hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
      hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV
      var list: UnsafeMutablePointer<addrinfo>?
      guard getaddrinfo(address, String(port), &hints, &list) == 0, let entry = list?.pointee else { continue }
      defer { freeaddrinfo(list) }
      let number = socket(
        entry.ai_family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
      guard number >= 0 else { continue }
      _ = Glibc.connect(number, entry.ai_addr, entry.ai_addrlen)
      var wait = pollfd(fd: number, events: Int16(POLLOUT), revents: 0)
      let isReady = retrying { poll(&wait, 1, Int32(limit.inMilliseconds)) } > 0
      var code: Int32 = 0
      var length = socklen_t(MemoryLayout<Int32>.size)
      getsockopt(number, SOL_SOCKET, SO_ERROR, &code, &length)
      if isReady, code == 0 { return number }
      close(number)
      why = isReady ? String(cString: strerror(code)) : "no connection within \(limit.short)"
    }
    throw TapFailure(description: "connecting to \(host):\(port): \(why)")
  }
}

/// Cuts what is heard, by a map's rule or by silence.
private enum Cutter {
  case rule(FrameReader)
  case silence(bytes: [UInt8], damaged: Int, last: Moment?)

  /// How long until the open frame ends by silence; nil while none is open.
  func left(at now: Moment) -> Duration? {
    switch self {
    case .rule(let reader):
      guard let deadline = reader.deadline else { return nil }
      return .nanoseconds(Int64(clamping: deadline) - Int64(clamping: now.boottimeNanoseconds))
    case .silence(_, _, let last):
      guard let last else { return nil }
      return LineTap.silence - .nanoseconds(Int64(clamping: now.boottimeNanoseconds - last.boottimeNanoseconds))
    }
  }

  mutating func take(_ received: [ParityMarks.Received], at moment: Moment) -> [HeardFrame] {
    switch self {
    case .rule(var reader):
      let frames = reader.take(received, at: moment)
      self = .rule(reader)
      return frames.map {
        HeardFrame(raw: $0.raw, moment: $0.moment, damage: $0.damage, damagedBytes: $0.lineErrors)
      }
    case .silence(let bytes, let damaged, let last):
      let isLate =
        last.map {
          moment.boottimeNanoseconds - $0.boottimeNanoseconds > UInt64(LineTap.silence.wholeMicroseconds) * 1000
        }
        ?? false
      let ended = isLate ? silent(at: moment) : nil
      let before: (bytes: [UInt8], damaged: Int) = isLate ? ([], 0) : (bytes, damaged)
      self = .silence(
        bytes: before.bytes + received.map(\.byte), damaged: before.damaged + received.count { $0.isDamaged },
        last: moment)
      return ended.map { [$0] } ?? []
    }
  }

  /// Nothing came up to now: gives the frame that this ends.
  mutating func silent(at now: Moment) -> HeardFrame? {
    guard let left = left(at: now), left <= .zero else { return nil }
    switch self {
    case .rule(var reader):
      defer { self = .rule(reader) }
      return reader.end(because: "nothing more came").map {
        HeardFrame(raw: $0.raw, moment: $0.moment, damage: $0.damage, damagedBytes: $0.lineErrors)
      }
    case .silence(let bytes, let damaged, let last):
      self = .silence(bytes: [], damaged: 0, last: nil)
      guard let last, !bytes.isEmpty else { return nil }
      return HeardFrame(raw: bytes, moment: last, damage: nil, damagedBytes: damaged)
    }
  }
}

extension SerialLine {
  /// Reads `9600 8N1` as a map's `line` is read.
  ///
  /// - Throws: `SettingsError`, which says what is allowed.
  public static func parsed(_ text: String) throws -> SerialLine {
    let file = try SettingsFile(name: "the line", text: "line: \(text)\n")
    var fields = file.root.fields(of: "line")
    let line = fields.optional("line").map { SerialLine($0) }
    fields.close()
    try file.check()
    return line ?? SerialLine()
  }
}
