import Foundation
import Glibc

/// A filesystem that answers nothing: whoever opens a path in it hangs in the call, until `letGo`.
///
/// It is FUSE without a program behind it. A process that hangs in it can be killed.
public final class HungMount: Sendable {
  public let path: String
  private let descriptor: Int32
  private let mount: Int32

  /// Whether this process may make one, for traits.
  public static let isPossible: Bool = {
    guard let folder = try? ScratchFolder() else { return false }
    return (try? HungMount(folder.file("hung"))) != nil
  }()

  public static let reason = "needs root and /dev/fuse, to have a call of the system hang"

  public init(_ path: String) throws {
    self.path = path
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    descriptor = open("/dev/fuse", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { throw Impatience(description: "no /dev/fuse") }
    mount = Glibc.mount("hung", path, "fuse", 0, "fd=\(descriptor),rootmode=40000,user_id=0,group_id=0")
    guard mount == 0 else {
      close(descriptor)
      throw Impatience(description: "FUSE cannot be mounted at \(path)")
    }
  }

  /// All calls that hang in it end with an error.
  public func letGo() { umount2(path, Int32(MNT_FORCE) | Int32(MNT_DETACH)) }

  deinit {
    letGo()
    close(descriptor)
  }
}
