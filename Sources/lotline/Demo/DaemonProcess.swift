import Foundation
import Glibc

/// The central or the edge of the demo: a process of this very executable, as a service manager would start it.
///
/// `@unchecked` because Foundation's `Process` is not Sendable; what is done with it here is safe from any thread.
final class DaemonProcess: @unchecked Sendable {
  private let process = Process()
  /// Where its messages go.
  let log: String

  /// Starts `lotline ARGUMENTS`; its messages are added to the file `log`.
  init(_ arguments: [String], log: String) throws {
    self.log = log
    if !FileManager.default.fileExists(atPath: log) { _ = FileManager.default.createFile(atPath: log, contents: nil) }
    let file = try FileHandle(forWritingTo: URL(filePath: log))
    try file.seekToEnd()
    process.executableURL = URL(filePath: "/proc/self/exe").resolvingSymlinksInPath()
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = file
    process.standardError = file
    try process.run()
  }

  deinit { kill() }

  var isRunning: Bool { process.isRunning }

  /// Ends it at once, as a power cut would.
  func kill() { if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) } }

  /// Asks it to stop.
  func terminate() { if process.isRunning { Glibc.kill(process.processIdentifier, SIGTERM) } }

  /// Waits for its end: the exit status, the negative number of the signal that ended it, or nil if it goes on.
  func ended(within limit: Duration) async -> Int32? {
    let end = ContinuousClock.now + limit
    while process.isRunning {
      guard ContinuousClock.now < end else { return nil }
      try? await Task.sleep(for: .milliseconds(10))
    }
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// The last lines that it wrote.
  var lastWords: String {
    let text = String(decoding: FileManager.default.contents(atPath: log) ?? Data(), as: UTF8.self)
    return text.split(separator: "\n").suffix(8).joined(separator: "\n")
  }
}
