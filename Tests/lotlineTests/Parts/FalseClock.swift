import Events
import Foundation
import Glibc
import TestParts

/// A wall clock that a test sets while a daemon runs: preloaded into the daemon, which shares a small file with it.
///
/// `@unchecked` because the daemons read the mapped words while the test writes them, each word by itself.
final class FalseClock: @unchecked Sendable {
  private static let compiler = "/usr/bin/cc"
  static let isPossible = FileManager.default.isExecutableFile(atPath: compiler)
  static let reason = "needs a C compiler to make a clock from"

  /// What the daemon that is to see this clock needs.
  let environment: [String: String]
  /// How far the wall clock and the boot clock are from the kernel's, in nanoseconds, and whether the kernel says that a
  /// time source disciplines it.
  private let words: UnsafeMutablePointer<Int64>
  private static let size = 3 * MemoryLayout<Int64>.size

  init(in folder: ScratchFolder) async throws {
    let library = folder.file("false_clock.so")
    let run = try await Program.run(
      Self.compiler,
      ["-shared", "-fPIC", "-O1", "-o", library, "\(Program.tree)/Tests/foreign/false_clock.c", "-ldl"], in: folder)
    guard run.status == 0 else { throw Impatience(description: run.messages) }
    let path = folder.file("clock")
    try Data(count: Self.size).write(to: URL(filePath: path))
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    guard let mapped = mmap(nil, Self.size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0), mapped != MAP_FAILED
    else { throw Impatience(description: "cannot map \(path)") }
    words = mapped.assumingMemoryBound(to: Int64.self)
    environment = ["LD_PRELOAD": library, "FALSE_CLOCK": path]
  }

  deinit { munmap(words, Self.size) }

  /// Sets the wall clock, as somebody does by hand: no time source vouches for it any more.
  func set(to time: Timestamp) {
    words[2] = 0
    words[0] = (time.microseconds - Moment.now().time.microseconds) * 1000
  }

  /// Sets it to a time that is so far from the kernel's.
  func set(_ ahead: Duration) { set(to: Moment.now().time.adding(ahead)) }

  /// Steps it without a word about its time source, as a leap second does.
  func step(_ duration: Duration) { words[0] += duration.wholeMicroseconds * 1000 }

  /// The PC slept for so long: wall and boot clock go on, the monotonic one does not.
  func sleep(_ duration: Duration) {
    words[1] += duration.wholeMicroseconds * 1000
    words[0] += duration.wholeMicroseconds * 1000
  }

  /// A time source has it, or has it no more.
  var isSynchronised: Bool {
    get { words[2] != 0 }
    set { words[2] = newValue ? 1 : 0 }
  }
}
