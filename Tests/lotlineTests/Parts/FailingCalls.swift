import Foundation
import Glibc
import TestParts

/// A program whose nth system call of one kind on one of its files fails, or is its last.
struct FailingCalls: CustomStringConvertible {
  /// As strace names it.
  let call: String
  /// Counted in each thread.
  let number: Int
  let fault: Fault
  let isForEver: Bool

  enum Fault: String, CaseIterable {
    case input = "error=EIO"
    case space = "error=ENOSPC"
    case kill = "signal=SIGKILL"
  }

  var description: String { "\(call) \(number)\(isForEver ? " and later" : "") \(fault.rawValue)" }

  /// Whether this process may trace another; where not, what needs it is skipped with that reason.
  static let areAllowed: Bool = {
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/strace") else { return false }
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/strace")
    process.arguments = ["-qq", "-o", "/dev/null", "-e", "inject=close:error=EIO:when=1", "true"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationReason == .exit
  }()

  /// The command line of a tracer that lets each flush of `files` take so long.
  static func slowFlushes(of files: [String], microseconds: Int, from number: Int, log: String) -> [String] {
    ["/usr/bin/strace", "-D", "-f", "-qq", "-o", log, "-e", "trace=fdatasync"]
      + ["-e", "inject=fdatasync:delay_exit=\(microseconds):when=\(number)+"] + files.flatMap { ["-P", $0] }
  }

  static let reason = "needs strace, and the right to trace a program of one's own"

  /// Starts our program with this fault on `files`; its number is that of our program, not of the tracer.
  func start(_ arguments: [String], on files: [String], in folder: ScratchFolder, log: String) throws -> Program {
    let when = "\(number)\(isForEver ? "+" : "")"
    return try Program(
      "/usr/bin/strace",
      ["-D", "-f", "-qq", "-o", log, "-e", "trace=\(call)", "-e", "inject=\(call):\(fault.rawValue):when=\(when)"]
        + files.flatMap { ["-P", $0] } + [Program.lotline] + arguments,
      in: folder, name: "traced")
  }

  /// Whether it has happened, by the tracer's log.
  func hasHappened(log: String) -> Bool { Self.has(fault == .kill ? "killed by SIGKILL" : "(INJECTED)", log) }

  /// Whether a flush was slowed down.
  static func isSlow(log: String) -> Bool { has("(DELAYED)", log) }

  private static func has(_ mark: String, _ log: String) -> Bool {
    String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self).contains(mark)
  }
}
