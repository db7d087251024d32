import Foundation
import Glibc
import TestParts

/// Programs with mounts of their own, which only root may give them.
enum OwnMounts {
  /// Whether this process may; where not, what needs it is skipped with that reason.
  static let areAllowed: Bool = {
    guard getuid() == 0, FileManager.default.isExecutableFile(atPath: "/usr/bin/unshare") else { return false }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["-m", "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", "/mnt"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }()

  static let reason = "needs root, to mount a small filesystem or another resolv.conf for one process"

  /// Starts our program after the shell commands of `preparation`, in mounts that only it sees; with `tracer`, a command
  /// line that is to run it.
  static func start(
    _ arguments: [String], after preparation: String, under tracer: [String] = [], in folder: ScratchFolder,
    name: String, environment: [String: String] = [:]
  ) throws -> Program {
    try Program(
      "/usr/bin/unshare",
      ["-m", "/bin/sh", "-c", "set -e; \(preparation); exec \"$@\"", "sh"] + tracer + [Program.lotline] + arguments,
      in: folder, name: name, environment: environment)
  }
}
