import Foundation
import Glibc
import TestParts

/// A process of the built program, or of a foreign one, that a test starts, asks, kills and waits for.
///
/// Its output goes to files of a scratch folder, so that nothing blocks on a full pipe.
final class Program: @unchecked Sendable {  // Foundation's Process is not Sendable; only this type touches it
  private let process = Process()
  let output: String
  let messages: String
  private let input = Pipe()

  /// The `lotline` that was built beside these tests, or the one that LOTLINE_PROGRAM names.
  static let lotline: String = {
    if let named = ProcessInfo.processInfo.environment["LOTLINE_PROGRAM"] { return URL(filePath: named).path }
    let tests = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    return tests.appending(path: "lotline").path
  }()

  /// The root of the source tree.
  static let tree: String = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// The Python that has the packages which foreign programs need; `make test` makes it.
  static let python = tree + "/.parts/venv/bin/python"

  /// Whether that Python is there, for traits.
  static var hasPython: Bool { FileManager.default.isExecutableFile(atPath: python) }

  /// Starts our own program.
  convenience init(
    _ arguments: [String], in folder: ScratchFolder, name: String, environment: [String: String] = [:]
  ) throws {
    try self.init(Self.lotline, arguments, in: folder, name: name, environment: environment)
  }

  init(
    _ executable: String, _ arguments: [String], in folder: ScratchFolder, name: String,
    environment: [String: String] = [:]
  ) throws {
    output = folder.file("\(name)-\(UUID().uuidString.prefix(8)).out")
    messages = folder.file("\(name)-\(UUID().uuidString.prefix(8)).err")
    for path in [output, messages] { _ = FileManager.default.createFile(atPath: path, contents: nil) }
    process.executableURL = URL(filePath: executable)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(
      environment.merging(["SWIFT_BACKTRACE": "enable=no"]) { given, _ in given }
    ) { _, new in new }
    let written = try [output, messages].map { try FileHandle(forWritingTo: URL(filePath: $0)) }
    process.standardOutput = written[0]
    process.standardError = written[1]
    process.standardInput = input
    try process.run()
    // They are the program's now. Kept here, those of all tests that run at once would leave no descriptor below 960 for
    // the tests of Modbus connections.
    for handle in written + [input.fileHandleForReading] { try? handle.close() }
  }

  deinit {
    if process.isRunning { Glibc.kill(process.processIdentifier, SIGKILL) }
  }

  var isRunning: Bool { process.isRunning }
  var processIdentifier: Int32 { process.processIdentifier }

  func signal(_ number: Int32) { Glibc.kill(process.processIdentifier, number) }

  /// Waits for the end and gives the exit status, or the negative number of the signal that ended it.
  @discardableResult
  func ended(within limit: Duration = .seconds(60)) async throws -> Int32 {
    try await eventually("\(process.executableURL?.lastPathComponent ?? "") ends", within: limit) { !process.isRunning }
    // Foundation keeps it for good: a sweep that starts thousands would leave no descriptor that libmodbus can wait for.
    try? input.fileHandleForWriting.close()
    return process.terminationReason == .exit ? process.terminationStatus : -process.terminationStatus
  }

  /// Kills it at once and waits until it is gone.
  func killed() async throws {
    signal(SIGKILL)
    try await ended()
  }

  func say(_ line: String) throws { try input.fileHandleForWriting.write(contentsOf: Data((line + "\n").utf8)) }

  /// Ends its standard input.
  func closeInput() throws { try input.fileHandleForWriting.close() }

  var printed: String { read(output) }
  var said: String { read(messages) }

  /// The lines printed so far.
  var lines: [String] { printed.split(separator: "\n").map(String.init) }

  private func read(_ path: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path) ?? Data(), as: UTF8.self)
  }

  /// Runs our own program to its end.
  static func run(_ arguments: [String], in folder: ScratchFolder, within limit: Duration = .seconds(60))
    async throws -> (status: Int32, output: String, messages: String)
  {
    try await run(lotline, arguments, in: folder, within: limit)
  }

  /// Runs any program to its end.
  static func run(
    _ executable: String, _ arguments: [String], in folder: ScratchFolder, within limit: Duration = .seconds(60)
  )
    async throws -> (status: Int32, output: String, messages: String)
  {
    let program = try Program(executable, arguments, in: folder, name: "run")
    let status = try await program.ended(within: limit)
    return (status, program.printed, program.said)
  }
}

/// A port of the loopback that was free a moment ago, for a daemon that must come back on the same one.
func freePort() throws -> Int {
  let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
  defer { close(descriptor) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_addr.s_addr = inet_addr("127.0.0.1")
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let bound = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
    }
  }
  guard bound else { throw Impatience(description: "no free port on the loopback") }
  return Int(UInt16(bigEndian: address.sin_port))
}
