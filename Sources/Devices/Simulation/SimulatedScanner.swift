private import Glibc
private import Machine

/// A scanner without the scanner: a pseudo-terminal with a stable name, which can be unplugged.
///
/// For tests, the demo and `lotline simulate`. No call of it blocks its thread.
public actor SimulatedScanner {
  /// The stable name, as a udev link would give it.
  public nonisolated let link: String
  private var plugged: Plugged?

  /// The two sides of the terminal.
  private struct Plugged {
    let terminal: PseudoTerminal
    /// Our own opening of the side that the reader opens, to take a dead reader's mark off it.
    let readerSide: Int32
  }

  /// Plugs a scanner in whose port is found at `link`.
  public init(link: String) throws {
    self.link = link
    plugged = try Self.plug(link)
  }

  deinit {
    if let plugged { close(plugged.readerSide) }
  }

  public var isPlugged: Bool { plugged != nil }

  /// Pulls the plug: the link goes, and who has the port open is told.
  public func unplug() {
    guard let old = plugged else { return }
    plugged = nil
    close(old.readerSide)
  }

  /// Plugs it in again under the same name, as another terminal.
  public func plug() throws {
    guard plugged == nil else { return }
    plugged = try Self.plug(link)
  }

  private static func plug(_ link: String) throws -> Plugged {
    let terminal = try PseudoTerminal(link: link)
    let readerSide = retrying { open(terminal.path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC) }
    guard readerSide >= 0 else { throw SystemFailure(doing: "opening \(terminal.path)") }
    _ = fcntl(terminal.control, F_SETFL, O_NONBLOCK)
    return Plugged(terminal: terminal, readerSide: readerSide)
  }

  /// Sends `frame`, delimiters included, and waits for what is answered; empty if nothing is within `limit`.
  public func scan(_ frame: [UInt8], answerWithin limit: Duration = .seconds(5)) async throws -> [UInt8] {
    _ = received()  // an answer that came too late belongs to an earlier scan
    try await send(frame)
    let end = ContinuousClock.now + limit
    while true {
      let answer = received()
      if !answer.isEmpty || ContinuousClock.now >= end || plugged == nil { return answer }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// Sends bytes and waits for no answer; throws if nobody takes them within `limit`.
  public func send(_ bytes: [UInt8], within limit: Duration = .seconds(5)) async throws {
    releaseAbandoned()
    let end = ContinuousClock.now + limit
    var sent = 0
    while sent < bytes.count {
      guard let plugged else { throw SystemFailure(doing: "sending from \(link), which is unplugged", code: ENODEV) }
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying { write(plugged.terminal.control, part.baseAddress, part.count) }
      }
      if count > 0 {
        sent += count
        continue
      }
      let failure = SystemFailure(doing: "sending from \(link)")
      guard failure.code == EAGAIN, ContinuousClock.now < end else { throw failure }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// Waits until `count` bytes of late answers have come, at most for `limit`, and drops them.
  ///
  /// A frame that was sent twice is answered twice; the second answer must not be taken for the next frame's. A
  /// reader that was killed owes its answers for ever, hence the limit.
  public func passOver(lateAnswers count: Int, within limit: Duration = .seconds(2)) async throws {
    let end = ContinuousClock.now + limit
    var missing = count
    while missing > 0, ContinuousClock.now < end, plugged != nil {
      missing -= received().count
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// What was answered and not fetched yet.
  public func received() -> [UInt8] { plugged?.terminal.receive(timeoutMilliseconds: 0) ?? [] }

  /// Takes the mark of exclusive use off the port if the reader that set it is dead.
  ///
  /// On a pseudo-terminal the mark outlives a killed process and shuts out the next one, unless that is
  /// root. The reader's file lock does not outlive it, and so tells whether it lives.
  public func releaseAbandoned() {
    guard let side = plugged?.readerSide else { return }
    var isExclusive: Int32 = 0
    guard ioctl(side, Self.readExclusive, &isExclusive) == 0, isExclusive != 0 else { return }
    guard flock(side, LOCK_EX | LOCK_NB) == 0 else { return }
    _ = ioctl(side, UInt(TIOCNXCL), 0)
    flock(side, LOCK_UN)
  }

  /// `TIOCGEXCL`, a macro that Swift does not import.
  private static let readExclusive: UInt = 0x8004_5440
}
