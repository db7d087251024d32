public import Events
private import Glibc
internal import Machine

/// A copy of a queue that was verified.
public struct QueueBackup: Sendable, Hashable {
  public let file: String
  public let bytes: Int
  /// Events whose chain was followed in the copy.
  public let events: UInt64
  /// The last event in it.
  public let last: EventID?
  /// The longest that intake was held up for a step; nil where nobody had the queue open.
  public internal(set) var longestStep: Duration?

  public func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("file", file)
      writer.field("bytes", bytes)
      writer.field("events", events)
      writer.field("last", last?.description)
      writer.field("longest_step_us", longestStep.map { Int64($0 / .microseconds(1)) })
    }
  }
}

/// How many pages of 4096 bytes are copied at once, while intake waits: as many as this disk gives in a few milliseconds.
struct CopyPace: Hashable {
  private(set) var pages: Int32 = 32
  private(set) var longest: Duration = .zero

  /// Notes how long the last step took.
  mutating func took(_ time: Duration) {
    longest = max(longest, time)
    if time > .milliseconds(5) {
      pages = max(1, pages / 2)
    } else if time < .milliseconds(1) {
      pages = min(64, pages * 2)
    }
  }
}

extension EventQueue {
  /// Copies the queue to `file` while it is in use, and verifies the copy; errors are one line for people.
  ///
  /// Between two steps intake and sending go on, and what they commit is in the copy too. Put in the place of the queue
  /// later, it is known to be old by the marker beside the queue, or by what the central has, and begins a new incarnation.
  public func backUp(to file: String) async throws -> QueueBackup {
    let part = try QueueBackup.begin(file, of: settings.path)
    do {
      guard let connection = self.file?.connection else { throw OpeningFailure("the queue is not open: \(trouble)") }
      let copy = try connection.copy(to: part)
      var pace = CopyPace()
      while true {
        let began = ContinuousClock.now
        let isDone = try copy.step(pages: pace.pages)
        pace.took(ContinuousClock.now - began)
        if isDone { break }
        try Task.checkCancellation()
        // Others' turn.
        try await Task.sleep(for: .milliseconds(1))
      }
      var backup = try await QueueCopier().finish(part, file)
      backup.longestStep = pace.longest
      return backup
    } catch {
      unlink(part)
      throw OpeningFailure("no backup of \(settings.path) in \(file): \(error)")
    }
  }
}

extension QueueBackup {
  /// Copies a queue that no daemon has open; blocks while it does.
  public static func ofQueue(at path: String, to file: String) async throws -> QueueBackup {
    try await QueueCopier().copy(path, to: file)
  }

  /// Where the copy is made; throws where there cannot be one.
  fileprivate static func begin(_ file: String, of queue: String) throws -> String {
    func no(_ why: String) -> OpeningFailure { OpeningFailure("no backup of \(queue) in \(file): \(why)") }
    guard size(of: file) == nil else { throw no("there is such a file already: name another one") }
    let needed = (size(of: queue) ?? 0) + (size(of: queue + "-wal") ?? 0) + (16 << 20)
    if let free = freeBytes(beside: file), free < needed {
      throw no("\(free / 1_000_000) MB are free there, and \(needed / 1_000_000) MB are needed")
    }
    for end in ["", "-journal", "-wal", "-shm"] { unlink(file + ".part" + end) }
    return file + ".part"
  }
}

/// What takes long and is not the queue's own, on a thread of its own.
private actor QueueCopier {
  private let thread = OwnThread(name: "queue-copy")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func copy(_ path: String, to file: String) throws -> QueueBackup {
    let part = try QueueBackup.begin(file, of: path)
    let hadIndex = size(of: path + "-shm") != nil
    defer { if !hadIndex { unlink(path + "-shm") } }
    do {
      let lock = try FileLock(path: QueueSettings(path: path).lockPath, of: "the queue \(path)", setting: "queue.path")
      let connection = try Connection(path: path, mode: .reading)
      guard try connection.pragma("application_id") == Schema.applicationID else {
        throw OpeningFailure("it is not a queue of Lotline")
      }
      let copy = try connection.copy(to: part)
      while try !copy.step(pages: 256) { try Task.checkCancellation() }
      let backup = try finish(part, file)
      _ = consume lock
      return backup
    } catch {
      unlink(part)
      throw OpeningFailure("no backup of \(path) in \(file): \(error)")
    }
  }

  /// Flushes a copy, follows its chains, and gives it its name.
  func finish(_ part: String, _ file: String) throws -> QueueBackup {
    let number = Glibc.open(part, O_RDONLY | O_CLOEXEC)
    guard number >= 0 else { throw SystemFailure(doing: "opening \(part)") }
    let output = Descriptor(owning: number)
    guard fsync(output.number) == 0 else { throw SystemFailure(doing: "flushing \(part)") }
    // What is verified is what the disk gives, not what memory still has of it.
    posix_fadvise(output.number, 0, 0, POSIX_FADV_DONTNEED)
    let verdict = try QueueVerdict.ofQueue(at: part)
    if let bad = verdict.firstBad { throw OpeningFailure("the copy is not good: \(bad.place): \(bad.reason)") }
    guard size(of: file) == nil else { throw OpeningFailure("somebody else has made this file meanwhile") }
    guard rename(part, file) == 0 else { throw SystemFailure(doing: "renaming \(part) to \(file)") }
    try flushFolder(of: file)
    return QueueBackup(file: file, bytes: size(of: file) ?? 0, events: verdict.good, last: verdict.end?.id)
  }
}
