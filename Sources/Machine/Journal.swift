private import CMachine
private import Glibc

/// systemd's journal, spoken directly: an entry with its fields is one datagram.
///
/// It never waits: a journal that does not keep up must not hold up who writes to it.
public final class Journal: Sendable {
  public static let standardPath = "/run/systemd/journal/socket"
  /// Larger entries would have to be handed over as files; longer texts are cut.
  public static let longestValue = 32 << 10
  private let descriptor: Int32

  /// Nil where nobody listens at `path`.
  public init?(path: String = standardPath) {
    let number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard number >= 0 else { return nil }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else {
      close(number)
      return nil
    }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let connected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(number, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard connected == 0 else {
      close(number)
      return nil
    }
    descriptor = number
  }

  deinit { close(descriptor) }

  /// Whether standard error goes to the journal: `JOURNAL_STREAM` names the file that it is, unless somebody turned it
  /// elsewhere.
  public static func isStandardError(environment: [String: String]) -> Bool {
    let parts = environment["JOURNAL_STREAM"]?.split(separator: ":").map { UInt64($0) } ?? []
    guard parts.count == 2, let device = parts[0], let inode = parts[1] else { return false }
    return lotline_is_file(2, device, inode) == 1
  }

  /// Sends an entry; false where the journal does not take it now.
  ///
  /// - Parameter fields: names of A-Z, 0-9 and _, as systemd.journal-fields(7) has them.
  public func send(_ fields: [(name: String, value: String)]) -> Bool {
    var bytes: [UInt8] = []
    for (name, value) in fields {
      let text = Array(value.utf8.prefix(Self.longestValue))
      bytes += Array(name.utf8)
      if text.contains(10) {
        // With its length, since its lines are no ends.
        bytes.append(10)
        withUnsafeBytes(of: UInt64(text.count).littleEndian) { bytes += $0 }
      } else {
        bytes.append(UInt8(ascii: "="))
      }
      bytes += text
      bytes.append(10)
    }
    return retrying {
      Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
    } == bytes.count
  }
}
