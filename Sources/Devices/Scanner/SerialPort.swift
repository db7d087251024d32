private import Glibc
internal import Machine

/// Why a port cannot be used, in one line with what to do.
struct PortFailure: Error, Hashable {
  let reason: String
  /// Whether there is no such port now: nothing is plugged in.
  var isAbsent = false
  /// Whether another program has it.
  var isBusy = false
}

/// An open serial port: ours alone, raw, and set as the map says.
///
/// All calls block the calling thread for at most the time that they are given.
struct SerialPort: ~Copyable {
  let path: String
  private let line: ByteLine
  /// For a loop of its owner's own.
  var number: Int32 { line.number }

  /// Opens `path` for us alone and sets the line.
  ///
  /// - Parameter marksErrors: parity and framing errors come as `PARMRK` marks between the bytes, to be taken apart by
  ///   `ParityMarks`; without, a byte with a wrong parity comes as 0.
  init(path: String, line: SerialLine, marksErrors: Bool = false) throws(PortFailure) {
    // O_NONBLOCK: an open must not wait for a modem's carrier.
    let number = retrying { open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
    guard number >= 0 else { throw Self.cannotOpen(path, errno) }
    if let refusal = DescriptorReserve.refusal(of: number) {
      close(number)
      throw PortFailure(reason: refusal.description)
    }
    var isOurs = false
    do {
      try Self.takeAlone(number, path)
      isOurs = true
      try Self.set(number, path, line, marksErrors: marksErrors)
    } catch {
      if isOurs { _ = ioctl(number, UInt(TIOCNXCL), 0) }
      // Closing it here and not in a Descriptor: a value that cannot be copied is either whole or not there.
      close(number)
      throw error
    }
    self.path = path
    self.line = ByteLine(owning: number, isSocket: false)
  }

  deinit {
    // On a pseudo-terminal the mark would outlive us.
    _ = ioctl(line.number, UInt(TIOCNXCL), 0)
  }

  /// Waits for bytes at most `milliseconds`, or until `wake` is signalled.
  borrowing func receive(within milliseconds: Int32, wake: WakeUp) -> ByteLine.Arrival {
    line.receive(within: milliseconds, wake: wake)
  }

  /// Writes all of `bytes` within `milliseconds`; otherwise gives the reason why not.
  borrowing func send(_ bytes: [UInt8], within milliseconds: Int32 = 1000) -> String? {
    line.send(bytes, within: milliseconds)
  }

  /// Throws away what came and was not read yet, such as a late answer.
  borrowing func discardInput() { tcflush(line.number, TCIFLUSH) }

  // MARK: Opening

  private static func cannotOpen(_ path: String, _ code: Int32) -> PortFailure {
    let hint =
      switch code {
      case ENOENT, ENODEV, ENXIO: "is it plugged in? (ls -l /dev/serial/by-id shows what is)"
      case EACCES, EPERM: "may this user open it? (its group is often dialout)"
      case EBUSY: inUse(path, by: PortHolder.name(of: path))
      default: "the next attempt follows"
      }
    return PortFailure(
      reason: "opening \(path): \(String(cString: strerror(code))): \(hint)",
      isAbsent: [ENOENT, ENODEV, ENXIO].contains(code), isBusy: code == EBUSY)
  }

  private static func inUse(_ path: String, by holder: String?) -> String {
    switch holder {
    case "another device of the settings"?: "another device of the settings has it: give each its own port"
    case let holder?: "\(holder) has it: end that one"
    case nil:
      "another program has it for itself: end that one (fuser \(path) names it); a pseudo-terminal whose "
        + "user was killed stays so until its other side is closed"
    }
  }

  /// Two locks, since the terminal's does not hold against root, and the file's only among those who ask.
  private static func takeAlone(_ number: Int32, _ path: String) throws(PortFailure) {
    guard isatty(number) == 1 else {
      throw PortFailure(reason: "\(path) is no serial line: name a serial port, such as one of /dev/serial/by-id")
    }
    guard retrying({ flock(number, LOCK_EX | LOCK_NB) }) == 0 else {
      throw PortFailure(
        reason: "\(path) is in use: \(inUse(path, by: PortHolder.name(of: path, besides: number)))", isBusy: true)
    }
    guard ioctl(number, UInt(TIOCEXCL), 0) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "taking \(path) for us alone"))")
    }
  }

  // MARK: Setting the line

  private static func set(_ number: Int32, _ path: String, _ line: SerialLine, marksErrors: Bool)
    throws(PortFailure)
  {
    var wanted = termios()
    guard tcgetattr(number, &wanted) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "reading the settings of \(path)"))")
    }
    prepare(&wanted, line, marksErrors: marksErrors)
    guard retrying({ tcsetattr(number, TCSANOW, &wanted) }) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "setting \(path) to \(line)"))")
    }
    if speeds[line.baud] == nil {
      do { try LineSpeed.set(line.baud, of: number) } catch { throw refused("\(line.baud) baud", of: line, by: path) }
    }
    // The call succeeds if any one change was taken: what is in force is read back.
    var found = termios()
    guard tcgetattr(number, &found) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "reading back the settings of \(path)"))")
    }
    if let what = untaken(found, of: wanted, line) { throw refused(what, of: line, by: path) }
    do {
      let speed = try LineSpeed.read(of: number)
      // A driver says what its divider really gives; a receiver follows up to about 2 %.
      guard abs(speed - line.baud) * 50 <= line.baud else {
        throw refused("\(line.baud) baud (it took \(speed))", of: line, by: path)
      }
    } catch let failure as SystemFailure {
      throw PortFailure(reason: "reading back the settings of \(path): \(failure.reason)")
    } catch let failure as PortFailure {
      throw failure
    } catch {}
  }

  private static func prepare(_ wanted: inout termios, _ line: SerialLine, marksErrors: Bool) {
    cfmakeraw(&wanted)
    let speed = speed_t(speeds[line.baud] ?? B38400)
    cfsetispeed(&wanted, speed)
    cfsetospeed(&wanted, speed)
    let sizes: [Int: Int32] = [5: CS5, 6: CS6, 7: CS7, 8: CS8]
    wanted.c_cflag &= ~tcflag_t(CSIZE | PARENB | PARODD | CSTOPB | CMSPAR)
    wanted.c_cflag &= ~tcflag_t(CRTSCTS)
    wanted.c_cflag |= tcflag_t(CLOCAL | CREAD | (sizes[line.dataBits] ?? CS8)) | parity(line.parity)
    if line.stopBits == 2 { wanted.c_cflag |= tcflag_t(CSTOPB) }
    if line.flow == .rtsCts { wanted.c_cflag |= tcflag_t(CRTSCTS) }
    wanted.c_iflag &= ~tcflag_t(IXON | IXOFF | IXANY | IGNPAR | INPCK | PARMRK | ISTRIP)
    if line.flow == .xonXoff { wanted.c_iflag |= tcflag_t(IXON | IXOFF) }
    // INPCK has framing errors marked too, which is how a wrong speed shows where there is no parity.
    if marksErrors { wanted.c_iflag |= tcflag_t(INPCK | PARMRK) }
    if line.parity != .none { wanted.c_iflag |= tcflag_t(INPCK) }
    // With one byte as the least, a read of nothing is the end of the line and not only an empty one.
    withUnsafeMutableBytes(of: &wanted.c_cc) {
      $0[Int(VMIN)] = 1
      $0[Int(VTIME)] = 0
    }
  }

  private static func parity(_ parity: SerialLine.Parity) -> tcflag_t {
    switch parity {
    case .none: 0
    case .even: tcflag_t(PARENB)
    case .odd: tcflag_t(PARENB | PARODD)
    case .mark: tcflag_t(PARENB | PARODD | CMSPAR)
    case .space: tcflag_t(PARENB | CMSPAR)
    }
  }

  /// The first part of the setting that the driver did not take; nil where it took all.
  private static func untaken(_ found: termios, of wanted: termios, _ line: SerialLine) -> String? {
    let differs = { (flags: tcflag_t) in found.c_cflag & flags != wanted.c_cflag & flags }
    if differs(tcflag_t(CSIZE)) { return "\(line.dataBits) data bits" }
    if differs(tcflag_t(PARENB | PARODD | CMSPAR)) { return "parity \(line.parity.rawValue)" }
    if differs(tcflag_t(CSTOPB)) { return "\(line.stopBits) stop bits" }
    let onOff = tcflag_t(IXON | IXOFF)
    if differs(tcflag_t(CRTSCTS)) || found.c_iflag & onOff != wanted.c_iflag & onOff {
      return "flow control \(line.flow.rawValue)"
    }
    if found.c_iflag != wanted.c_iflag || found.c_lflag != wanted.c_lflag { return "raw input" }
    return nil
  }

  private static func refused(_ what: String, of line: SerialLine, by path: String) -> PortFailure {
    PortFailure(reason: "\(path) does not take \(what) of \(line): set the map's line to what the port can do")
  }

  private static let speeds: [Int: Int32] = [
    50: B50, 75: B75, 110: B110, 134: B134, 150: B150, 200: B200, 300: B300, 600: B600, 1200: B1200, 1800: B1800,
    2400: B2400, 4800: B4800, 9600: B9600, 19200: B19200, 38400: B38400, 57600: B57600, 115_200: B115200,
    230_400: B230400, 460_800: B460800, 500_000: B500000, 576_000: B576000, 921_600: B921600, 1_000_000: B1000000,
    1_152_000: B1152000, 1_500_000: B1500000, 2_000_000: B2000000, 2_500_000: B2500000, 3_000_000: B3000000,
    3_500_000: B3500000, 4_000_000: B4000000,
  ]
}
