import Foundation
import Glibc
import TestParts

/// A control group of its own with little memory, in which programs are started; gone when it is let go of.
final class MemoryLimit {
  private let path: String
  private static let root = "/sys/fs/cgroup"
  /// Whether the memory of groups is limited the old way (cgroup v1).
  private static let isOld = FileManager.default.fileExists(atPath: root + "/memory/memory.limit_in_bytes")
  private static let isNew =
    (try? String(contentsOfFile: root + "/cgroup.subtree_control", encoding: .utf8))?.contains("memory") == true

  static var isAllowed: Bool {
    getuid() == 0 && (isOld || isNew) && access(isOld ? root + "/memory" : root, W_OK) == 0
  }
  static let reason = "needs root, and a memory controller of control groups in /sys/fs/cgroup that may be written"

  init(megabytes: Int) throws {
    path = (Self.isOld ? Self.root + "/memory" : Self.root) + "/lotline-test-\(UUID().uuidString.prefix(13))"
    guard mkdir(path, 0o755) == 0 else { throw Impatience(description: "no control group \(path): errno \(errno)") }
    try set(Self.isOld ? "memory.limit_in_bytes" : "memory.max", "\(megabytes << 20)")
    // Without it, what does not fit would go to the swap, where there is one.
    try? set(Self.isOld ? "memory.memsw.limit_in_bytes" : "memory.swap.max", Self.isOld ? "\(megabytes << 20)" : "0")
  }

  deinit {
    for _ in 0..<200 where rmdir(path) != 0 { usleep(10_000) }  // until the last process in it is gone
  }

  private func set(_ name: String, _ value: String) throws {
    try Data(value.utf8).write(to: URL(filePath: "\(path)/\(name)"))
  }

  /// How many processes the kernel has killed in it for want of memory.
  var kills: Int {
    let name = Self.isOld ? "memory.oom_control" : "memory.events"
    let text = (try? String(contentsOfFile: "\(path)/\(name)", encoding: .utf8)) ?? ""
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line.flatMap { Int($0.split(separator: " ")[1]) } ?? 0
  }

  /// Starts a program in it; the kernel chooses a `victim` before all others.
  func start(_ command: [String], victim: Bool = false, in folder: ScratchFolder, name: String) throws -> Program {
    let script =
      "echo $$ >\(path)/cgroup.procs && \(victim ? "echo 1000 >/proc/self/oom_score_adj && " : "")exec \"$@\""
    return try Program("/bin/sh", ["-c", script, name] + command, in: folder, name: name)
  }
}
