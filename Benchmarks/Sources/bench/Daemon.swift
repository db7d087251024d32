import CReference
import Foundation
import Glibc

/// A process of the release program `lotline`, or of this one.
final class Daemon {
  private let process = Process()
  private let log: String
  private let output = Pipe()

  /// `lotline`, which is built beside this program.
  static var program: URL { this.deletingLastPathComponent().appending(path: "lotline") }
  static var this: URL { URL(filePath: "/proc/self/exe").resolvingSymlinksInPath() }

  /// Starts `program ARGUMENTS`; its messages go to the file `log`.
  init(_ program: URL, _ arguments: [String], log: String) throws {
    self.log = log
    _ = FileManager.default.createFile(atPath: log, contents: nil)
    process.executableURL = program
    process.arguments = arguments
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = FileHandle(forWritingAtPath: log)
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// Waits until `isReady`, at most half a minute.
  func ready(_ isReady: () -> Bool) async throws {
    let end = ContinuousClock.now + .seconds(30)
    while !isReady() {
      guard process.isRunning, ContinuousClock.now < end else {
        throw BenchFailure(
          "\(process.arguments?.joined(separator: " ") ?? "") did not begin to work: "
            + String(decoding: (FileManager.default.contents(atPath: log) ?? Data()).suffix(600), as: UTF8.self))
      }
      try await Task.sleep(for: .milliseconds(20))
    }
  }

  /// Waits for its end and gives what it printed.
  func printed() throws -> String {
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationStatus == 0 else {
      throw BenchFailure("\(process.arguments?.first ?? "") ended with status \(process.terminationStatus)")
    }
    return String(decoding: data, as: UTF8.self)
  }

  /// Ends it in order.
  func stop() {
    if process.isRunning { process.terminate() }
    process.waitUntilExit()
  }

  /// Seconds of CPU that its threads have used so far, from the scheduler's nanoseconds.
  ///
  /// Threads that have ended do not count: measure between two moments of a process that keeps its own.
  func cpuSeconds() throws -> Double {
    let tasks = "/proc/\(process.processIdentifier)/task"
    var nanoseconds = 0.0
    for task in try FileManager.default.contentsOfDirectory(atPath: tasks) {
      guard let text = try? String(contentsOfFile: "\(tasks)/\(task)/schedstat", encoding: .utf8),
        let first = text.split(separator: " ").first, let value = Double(first)
      else { continue }
      nanoseconds += value
    }
    return nanoseconds / 1e9
  }

  /// How many files and sockets it has open.
  func descriptors() throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/fd").count
  }

  /// Megabytes of memory of its own, and resident in all.
  func memory() throws -> (own: Double, resident: Double) {
    let status = try String(contentsOfFile: "/proc/\(process.processIdentifier)/status", encoding: .utf8)
    func megabytes(_ name: String) throws -> Double {
      guard let line = status.split(separator: "\n").first(where: { $0.hasPrefix("\(name):") }),
        let kilobytes = line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap({ Double($0) })
      else { throw BenchFailure("the kernel does not tell \(name)") }
      return kilobytes * 1024 / 1e6
    }
    return (try megabytes("RssAnon"), try megabytes("VmRSS"))
  }
}

/// Whether somebody listens on a port of this machine.
func isOpen(_ port: Int) -> Bool {
  let socket = reference_connect(Int32(port))
  if socket >= 0 { reference_disconnect(socket) }
  return socket >= 0
}
