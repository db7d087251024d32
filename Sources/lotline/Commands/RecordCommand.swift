import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline record`: what passes between this PC and a device, to a file.
struct RecordCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "record", abstract: "Writes what passes between this PC and a device to a file, for lotline replay.",
    discussion: """
      While the daemon runs, what it sends and receives is recorded, and nothing else is sent; otherwise the device is \
      asked as its map plans, over a connection of its own, and told nothing: no acknowledge, no answer to a scan. Of \
      several PLCs on one bus all is recorded.

      The file is text, one line of JSON for each piece, with its time and what went wrong; the first line has the \
      device, its address and its map, and no secrets. Each line is written at once: whatever ends the recording, the \
      file can be used.

      Exit status 1 where nothing came from the device.

      EXAMPLES
        lotline record press-1 --for 10m
        lotline record press-1 --for 2s -o bus.jsonl
        lotline record gun-1 --limit 1MB --alone
      """)

  @Argument(help: "The device's name in the settings.")
  var device: String

  @Option(
    name: .customLong("for"), help: ArgumentHelp("How long; default: until Ctrl-C.", valueName: "10m"))
  var length: String?

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp("A new file; default: the device's name and the time, in this folder.", valueName: "file"))
  var output: String?

  @Option(help: ArgumentHelp("End when the file is as large.", valueName: "size"))
  var limit = "100MB"

  @Flag(help: "Open a connection of its own although the daemon runs.")
  var alone = false

  @OptionGroup var edge: EdgeOptions

  func validate() throws {
    if let length, (parseDuration(length) ?? .zero) <= .zero {
      throw ValidationError("--for \(length): a time such as 60s or 10m is asked for")
    }
    guard (parseByteCount(limit) ?? 0) >= 1000 else {
      throw ValidationError("--limit \(limit): a size from 1kB up is asked for, such as 100MB")
    }
  }

  func run() async throws {
    try await reporting {
      let settings = try EdgeSettings.read(edge.config)
      let found = try settings.device(named: device, in: edge.config)
      let daemon = alone ? nil : try await settings.runningDaemon()
      let began = Moment.now().time
      let path = output ?? "\(device)-\(began.description.prefix(19).filter { $0 != "-" && $0 != ":" }).jsonl"
      let file = try RecordingFile(path, limit: parseByteCount(limit) ?? 100_000_000)
      let way = daemon.map { "as \($0.door) reads it" } ?? "over a connection of its own: no daemon is asked"
      let end = try await Interrupts(last: {}).during { stop in
        complain("recording \(device) to \(path), \(way)\(length == nil ? "; Ctrl-C ends it" : "")")
        return try await ended(by: stop) {
          if let daemon {
            try await daemon.follow("/v1/devices/\(percentEncoded(device))/wire") { try await file.take($0) }
          } else {
            try await record(found, to: file)
          }
        }
      }
      try await file.close(end)
      complain(await file.summary)
      guard await file.received > 0 else {
        throw Asking.Failure(description: "nothing came from \(device) while it was recorded")
      }
    }
  }

  /// Runs `body` until it ends, the time is over or somebody ends it; why it ended.
  private func ended(by stop: AsyncStream<Void>, _ body: @escaping @Sendable () async throws -> Void) async throws
    -> String
  {
    let limit = length.flatMap { parseDuration($0) }
    return try await withThrowingTaskGroup(of: String.self) { group in
      group.addTask {
        do { try await body() } catch is RecordingFile.Full { return "its limit of \(self.limit) was reached" }
        return "the device's line ended, or the daemon"
      }
      group.addTask {
        for await _ in stop { break }
        return "it was stopped"
      }
      if let limit {
        group.addTask {
          try await Task.sleep(for: limit)
          return "\(format(limit)) were over"
        }
      }
      defer { group.cancelAll() }
      return try await group.next() ?? ""
    }
  }

  /// Asks the device as its map plans, and tells it nothing.
  private func record(_ device: DeviceSettings, to file: RecordingFile) async throws {
    let line = LineDevices([device.unanswered], lastCycles: [:], logger: daemonLogger()) { _ in .accepted }
    let (head, entries) = try line.recording(of: device.name)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await line.run() }
      defer { group.cancelAll() }
      try await file.take(head.bytes[...])
      for await entry in entries { try await file.take(entry.bytes[...]) }
    }
  }
}

/// A recording while it is written: whole lines, each at once.
private actor RecordingFile {
  /// The file is as large as it may be.
  struct Full: Error {}

  /// Room for the line that says why the recording ends.
  private static let lastWords = 250

  private let path: String
  private let limit: Int
  private let handle: FileHandle
  private var size = 0
  private var open: [UInt8] = []
  private var sent = 0
  private(set) var received = 0
  private var lastNote: String?

  /// A new file: what was recorded before is evidence.
  init(_ path: String, limit: Int) throws {
    (self.path, self.limit) = (path, limit)
    let descriptor = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else {
      let why = String(cString: strerror(errno))
      let remedy = errno == EEXIST ? "it is not written over: give another name with -o" : "give another place with -o"
      throw Asking.Failure(description: "writing \(path): \(why): \(remedy)")
    }
    handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
  }

  /// Takes bytes that may end within a line.
  func take(_ bytes: ArraySlice<UInt8>) throws {
    open += bytes
    while let end = open.firstIndex(of: 0x0A) {
      let line = Array(open[...end])
      open.removeSubrange(...end)
      guard size + line.count + Self.lastWords <= limit else { throw Full() }
      try write(line)
    }
  }

  private func write(_ line: [UInt8]) throws {
    do { try handle.write(contentsOf: Data(line)) } catch {
      throw Asking.Failure(description: "writing \(path): \(error.localizedDescription)")
    }
    size += line.count
    switch JSON(line.dropLast()).flatMap({ WireEntry($0) })?.kind {
    case .sent: sent += 1
    case .received: received += 1
    case .note(let text): lastNote = text
    case .ended, nil: break
    }
  }

  /// Says in the file why it ends, and has it on disk.
  func close(_ why: String) throws {
    try write(WireEntry(moment: .now(), kind: .ended(why)).bytes)
    try handle.synchronize()
  }

  var summary: String {
    let note = lastNote.map { "; the last word of the line was: \($0)" } ?? ""
    return "\(path): \(counted(sent, "piece")) sent, \(received) received, \(size) bytes\(note)"
  }
}
