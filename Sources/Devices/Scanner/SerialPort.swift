private import Glibc
internal import Machine

/// Why a serial port cannot be used, in one line with what to do.
struct PortFailure: Error, Hashable {
  let reason: String
  /// Whether there is no such port now: nothing is plugged in.
  var isAbsent = false
}

/// An open serial port: ours alone, raw, and set as the map says.
///
/// All calls block the calling thread for at most the time that they are given.
struct SerialPort: ~Copyable {
  let path: String
  private let descriptor: Descriptor

  /// Opens `path` for us alone and sets the line.
  init(path: String, line: SerialLine) throws(PortFailure) {
    // O_NONBLOCK: an open must not wait for a modem's carrier.
    let number = retrying { open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
    guard number >= 0 else { throw Self.cannotOpen(path, errno) }
    var isOurs = false
    do {
      try Self.takeAlone(number, path)
      isOurs = true
      try Self.set(number, path, line)
    } catch {
      if isOurs { _ = ioctl(number, UInt(TIOCNXCL), 0) }
      // Closing it here and not in a Descriptor: a value that cannot be copied is either whole or not there.
      close(number)
      throw error
    }
    self.path = path
    descriptor = Descriptor(owning: number)
  }

  deinit {
    // On a pseudo-terminal the mark would outlive us.
    _ = ioctl(descriptor.number, UInt(TIOCNXCL), 0)
  }

  private static func cannotOpen(_ path: String, _ code: Int32) -> PortFailure {
    let hint =
      switch code {
      case ENOENT, ENODEV, ENXIO: "is it plugged in? (ls -l /dev/serial/by-id shows what is)"
      case EACCES, EPERM: "may this user open it? (its group is often dialout)"
      case EBUSY:
        "another program has it for itself: end that one (fuser \(path) names it); a pseudo-terminal whose "
          + "user was killed stays so until its other side is closed"
      default: "the next attempt follows"
      }
    return PortFailure(
      reason: "opening \(path): \(String(cString: strerror(code))): \(hint)",
      isAbsent: [ENOENT, ENODEV, ENXIO].contains(code))
  }

  /// Two locks, since the terminal's does not hold against root, and the file's only among those who ask.
  private static func takeAlone(_ number: Int32, _ path: String) throws(PortFailure) {
    guard isatty(number) == 1 else {
      throw PortFailure(reason: "\(path) is no serial line: name a scanner's port, such as one of /dev/serial/by-id")
    }
    guard retrying({ flock(number, LOCK_EX | LOCK_NB) }) == 0 else {
      throw PortFailure(
        reason: "\(path) is in use by another program, or by another device of the settings: end that one "
          + "(fuser \(path) names it)")
    }
    guard ioctl(number, UInt(TIOCEXCL), 0) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "taking \(path) for us alone"))")
    }
  }

  // MARK: Setting the line

  private static func set(_ number: Int32, _ path: String, _ line: SerialLine) throws(PortFailure) {
    var wanted = termios()
    guard tcgetattr(number, &wanted) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "reading the settings of \(path)"))")
    }
    cfmakeraw(&wanted)
    let speed = speed(of: line.baud)
    cfsetispeed(&wanted, speed)
    cfsetospeed(&wanted, speed)
    wanted.c_cflag &= ~(tcflag_t(CSIZE | PARENB | PARODD | CSTOPB) | tcflag_t(CRTSCTS))
    wanted.c_cflag |= tcflag_t(CLOCAL | CREAD | (line.dataBits == 7 ? CS7 : CS8))
    wanted.c_iflag &= ~tcflag_t(IXON | IXOFF | IXANY | IGNPAR | INPCK | PARMRK | ISTRIP)
    if line.parity != .none {
      wanted.c_cflag |= tcflag_t(line.parity == .odd ? PARENB | PARODD : PARENB)
      wanted.c_iflag |= tcflag_t(INPCK | PARMRK)
    }
    if line.stopBits == 2 { wanted.c_cflag |= tcflag_t(CSTOPB) }
    // With one byte as the least, a read of nothing is the end of the line and not only an empty one.
    withUnsafeMutableBytes(of: &wanted.c_cc) {
      $0[Int(VMIN)] = 1
      $0[Int(VTIME)] = 0
    }
    guard retrying({ tcsetattr(number, TCSANOW, &wanted) }) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "setting \(path) to \(line)"))")
    }
    // The call succeeds if any one change was taken: what is in force is read back.
    var found = termios()
    guard tcgetattr(number, &found) == 0 else {
      throw PortFailure(reason: "\(SystemFailure(doing: "reading back the settings of \(path)"))")
    }
    try compare(found, with: wanted, path, line)
  }

  private static func compare(_ found: termios, with wanted: termios, _ path: String, _ line: SerialLine)
    throws(PortFailure)
  {
    let size = tcflag_t(CSIZE)
    let parity = tcflag_t(PARENB | PARODD)
    let refused: String? =
      if found.c_cflag & size != wanted.c_cflag & size {
        "\(line.dataBits) data bits"
      } else if found.c_cflag & parity != wanted.c_cflag & parity {
        "parity \(line.parity.rawValue)"
      } else if found.c_cflag & tcflag_t(CSTOPB) != wanted.c_cflag & tcflag_t(CSTOPB) {
        "\(line.stopBits) stop bits"
      } else if found.c_ospeed != wanted.c_ospeed {
        "\(line.baud) baud"
      } else if found.c_iflag != wanted.c_iflag || found.c_lflag != wanted.c_lflag {
        "raw input"
      } else {
        nil
      }
    guard let refused else { return }
    throw PortFailure(reason: "\(path) does not take \(refused) of \(line): set the map's line to what the port can do")
  }

  private static func speed(of baud: Int) -> speed_t {
    let speeds: [Int: Int32] = [
      300: B300, 600: B600, 1200: B1200, 2400: B2400, 4800: B4800, 9600: B9600, 19200: B19200, 38400: B38400,
      57600: B57600, 115_200: B115200, 230_400: B230400, 460_800: B460800, 921_600: B921600,
    ]
    return speed_t(speeds[baud] ?? B9600)
  }

  // MARK: Bytes

  enum Arrival: Sendable, Hashable {
    case bytes([UInt8])
    /// Nothing in the time given, or woken.
    case nothing
    /// The line is no more; why.
    case gone(String)
  }

  /// Waits for bytes at most `milliseconds`, or until `wake` is signalled.
  borrowing func receive(within milliseconds: Int32, wake: WakeUp) -> Arrival {
    var waited = [
      pollfd(fd: descriptor.number, events: Int16(POLLIN), revents: 0),
      pollfd(fd: wake.descriptor, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&waited, 2, milliseconds) > 0, waited[0].revents != 0 else { return .nothing }
    if waited[0].revents & Int16(POLLIN) != 0 {
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = retrying { read(descriptor.number, &buffer, buffer.count) }
      if count > 0 { return .bytes(Array(buffer[..<count])) }
      if count < 0 {
        let code = errno
        return code == EAGAIN ? .nothing : .gone(String(cString: strerror(code)))
      }
    }
    return .gone("the line was hung up")
  }

  /// Writes all of `bytes` within `milliseconds`; otherwise gives the reason why not.
  borrowing func send(_ bytes: [UInt8], within milliseconds: Int32 = 1000) -> String? {
    let end = ContinuousClock.now + .milliseconds(Int64(milliseconds))
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying { write(descriptor.number, part.baseAddress, part.count) }
      }
      if count > 0 {
        sent += count
        continue
      }
      let code = errno
      guard count < 0, code == EAGAIN else { return String(cString: strerror(code)) }
      let left = end - ContinuousClock.now
      guard left > .zero else {
        tcflush(descriptor.number, TCOFLUSH)  // so that closing does not wait for it either
        return "it takes no bytes"
      }
      var waited = pollfd(fd: descriptor.number, events: Int16(POLLOUT), revents: 0)
      _ = poll(
        &waited, 1,
        max(1, Int32(left.components.seconds * 1000) + Int32(left.components.attoseconds / 1_000_000_000_000_000)))
    }
    return nil
  }
}
