private import CMachine
private import Glibc

/// A pseudo-terminal whose control side we hold: a serial line without the wire, for simulated scanners.
///
/// Dropping it is pulling the plug: the terminal's side reads an end of file. The link, if one is made,
/// plays the stable name (`/dev/serial/by-id/…`) that udev gives a scanner.
public final class PseudoTerminal: Sendable {
  /// The control side: what is written here is what the scanner says.
  public let control: Int32
  /// The device path of the terminal's side.
  public let path: String
  private let link: String?

  /// Opens a pair; `link`, if given, becomes a symbolic link to the terminal's side.
  public init(link: String? = nil) throws {
    var name = [CChar](repeating: 0, count: 128)
    control = lotline_open_pty(&name, name.count)
    guard control >= 0 else { throw SystemFailure(doing: "opening a pseudo-terminal") }
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    self.link = link
    if let link {
      unlink(link)
      guard symlink(path, link) == 0 else {
        let failure = SystemFailure(doing: "linking \(link) to \(path)")
        close(control)
        throw failure
      }
    }
  }

  deinit {
    if let link { unlink(link) }
    close(control)
  }

  /// Sends all of `bytes` to whoever reads the terminal's side.
  public func send(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes[sent...].withUnsafeBytes { part in
        retrying { write(control, part.baseAddress, part.count) }
      }
      guard count > 0 else { throw SystemFailure(doing: "writing to \(path)") }
      sent += count
    }
  }

  /// What arrived from the terminal's side within `timeoutMilliseconds`; empty if nothing did.
  public func receive(timeoutMilliseconds: Int32) -> [UInt8] {
    var wait = pollfd(fd: control, events: Int16(POLLIN), revents: 0)
    guard retrying({ poll(&wait, 1, timeoutMilliseconds) }) > 0, wait.revents & Int16(POLLIN) != 0 else { return [] }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = retrying { read(control, &buffer, buffer.count) }
    return count > 0 ? Array(buffer[..<count]) : []
  }
}
