import Foundation
import Glibc
import Machine

/// Lines from standard input, waited for on a thread of its own so that nothing else waits.
actor TypedLines {
  private let thread = OwnThread(name: "typed-lines")
  private var rest: [UInt8] = []

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// The next line without its end; nil at the end of input.
  ///
  /// Throws when the task is cancelled.
  func next() throws -> String? {
    while true {
      if let end = rest.firstIndex(of: 0x0A) {
        defer { rest.removeSubrange(...end) }
        return String(decoding: rest[..<end], as: UTF8.self)
      }
      try Task.checkCancellation()
      var wait = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard retrying({ poll(&wait, 1, 200) }) > 0 else { continue }
      var buffer = [UInt8](repeating: 0, count: 4096)
      let count = retrying { read(STDIN_FILENO, &buffer, buffer.count) }
      guard count > 0 else {
        defer { rest = [] }
        return rest.isEmpty ? nil : String(decoding: rest, as: UTF8.self)
      }
      rest += buffer.prefix(count)
    }
  }
}

extension OutputOptions {
  /// Prints a line at once, also where standard output is a pipe.
  static func printLine(_ bytes: [UInt8]) {
    FileHandle.standardOutput.write(Data(bytes + [0x0A]))
  }
}
