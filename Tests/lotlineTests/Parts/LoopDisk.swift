import Foundation
import Glibc
import TestParts

/// A small ext4 filesystem in an image file, whose power can be cut under the program that has it mounted.
///
/// The cut is ext4's own (`FS_IOC_SHUTDOWN`, nothing flushed): what was not synced is gone, as is every later write.
/// The next program that is started on it finds what a PC finds after a power cut, and mounting replays the journal.
final class LoopDisk: Sendable {
  /// Where the program sees it.
  let path: String
  private let image: String

  /// Whether this process may make and cut one; where not, what needs it is skipped with that reason.
  static let isAllowed: Bool = {
    guard OwnMounts.areAllowed, let scratch = try? ScratchFolder(),
      let disk = try? LoopDisk(scratch.file("try"), megabytes: 2)
    else { return false }
    return (try? run("/usr/bin/unshare", ["-m", "/bin/sh", "-c", disk.mounting])) == 0
  }()

  static let reason = "needs root and loop devices, to cut the power of a filesystem of its own"

  /// Makes the folder `path` and, beside it, an image with an empty filesystem.
  init(_ path: String, megabytes: Int, inodes: Int? = nil) throws {
    self.path = path
    image = path + ".ext4"
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    guard
      try Self.run(
        "/usr/sbin/mkfs.ext4",
        ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0"] + (inodes.map { ["-N", "\($0)"] } ?? [])
          + [image, "\(megabytes)m"]) == 0
    else { throw Impatience(description: "no ext4 filesystem in \(image)") }
  }

  /// The shell's commands that mount it, once nothing else has the image any more.
  ///
  /// A shell that is killed leaves its mount command running, which has the lock until it is done: two mounts of one image
  /// would write over each other.
  var mounting: String {
    "exec 9>>\(image).lock; flock 9; while losetup --associated \(image) | grep -q .; do sleep 0.01; done; mount -o loop \(image) \(path); exec 9>&-"
  }

  /// Cuts the power; false where `program` has not mounted it yet.
  func cut(under program: Program) throws -> Bool {
    let root = open("/proc/\(program.processIdentifier)/root\(path)", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { return false }
    defer { close(root) }
    var about = stat()
    // Only ever a loop device (major number 7): before the mount the folder is one of this machine's own filesystem.
    guard fstat(root, &about) == 0, (about.st_dev >> 8) & 0xFFF == 7 else { return false }
    var nothingFlushed: UInt32 = 2
    guard ioctl(root, 0x8004_587D, &nothingFlushed) == 0 else {
      throw Impatience(description: "the filesystem at \(path) could not be shut down: errno \(errno)")
    }
    return true
  }

  private static func run(_ executable: String, _ arguments: [String]) throws -> Int32 {
    let process = Process()
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.standardOutput = FileHandle.nullDevice
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    return process.terminationStatus
  }
}
