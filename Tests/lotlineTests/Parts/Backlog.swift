import Events
import Foundation
import Logging
import Queue
import TestParts
import Testing

/// What a line PC has gathered while its central was away: a queue file made by the queue itself, many events a commit.
struct Backlog {
  let path: String
  let events: Int
  private static let eventsPerCommit = 2000

  /// Readings of 1 kB each, `megabytes` of lines in all.
  ///
  /// The same two thousand come again and again, each with its own number: making them anew would take longest.
  static func readings(_ path: String, megabytes: Int) async throws -> Backlog {
    let now = Moment.now()
    let block = (0..<eventsPerCommit).map { number in
      let tags = (0..<20).map { Tag("temperature-of-zone-\($0)-mean", .double(Double(number * 20 + $0) / 7)) }
      return Event(ReadingData(device: "oven-1", group: "zones", tags: tags, stamp: nil), at: now, subject: "ST10")
    }
    return try await made(path, events: megabytes * 1000) { block[$0 % eventsPerCommit] }
  }

  /// A station's work, spread over the seven days before now: of five events a scan, the context that follows, a cycle
  /// with its stamp, and two readings.
  static func week(_ path: String, events: Int) async throws -> Backlog {
    let now = Moment.now()
    let step = 7 * 86400.0 / Double(events)
    return try await made(path, events: events) { index in
      let before = Duration.seconds(-step * Double(events - index))
      return work(index, at: Moment(time: now.time.adding(before), boottimeNanoseconds: UInt64(index) * 1000))
    }
  }

  private static func work(_ index: Int, at moment: Moment) -> Event {
    let number = index + 1
    let unit = "SN\(1_000_000 + index / 5)"
    func event(_ data: some EventData) -> Event { Event(data, at: moment, subject: "ST10") }
    switch index % 5 {
    case 0:
      return event(ScanData(device: "gun-1", raw: Array("\(unit)\r".utf8), text: unit, roles: [.init("unit", unit)]))
    case 1:
      return event(
        ContextData(
          station: "ST10", field: "unit", from: nil, to: unit, how: .scanned, by: .sequence(UInt64(number - 1))))
    case 2:
      let fields = [("operator", "OP-1017"), ("lot", "L\(index / 5000)"), ("unit", unit), ("materials.coil", "COIL-7")]
      let stamp = Stamp(
        station: "ST10", fields: fields.map { .init(name: $0.0, value: $0.1, by: .sequence(UInt64(number - 2))) })
      return event(
        CycleData(
          device: "press-1", trigger: UInt64(index / 5 % 65536), after: moment.time.adding(.milliseconds(-20)),
          tags: [Tag("serial", .int(Int64(index / 5))), Tag("force", .double(Double(index % 997) / 10))],
          result: "pass", stamp: stamp))
    default:
      return event(
        ReadingData(
          device: "press-1", group: "process",
          tags: [Tag("oil-temp", .double(43.5)), Tag("pressure", .double(Double(index % 613) / 4))], stamp: nil))
    }
  }

  private static func made(_ path: String, events: Int, _ event: @Sendable (Int) -> Event) async throws -> Backlog {
    var settings = QueueSettings(path: path)
    settings.limitBytes = 100_000_000_000
    settings.reserveBytes = 0
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let queue = try await EventQueue.open(settings, source: LineFolder.name, logger: quiet)
    for first in stride(from: 0, to: events, by: eventsPerCommit) {
      let entry = Entry(events: (first..<min(first + eventsPerCommit, events)).map(event))
      _ = try await queue.append { _ in entry }
    }
    try #require(queue.status.last == UInt64(events))
    await queue.close()
    return Backlog(path: path, events: events)
  }
}

/// What an observer that knows nothing of our code says of the lines in a queue, or at a central.
struct LinesDigest: Equatable {
  let incarnation: String
  let lines: Int64
  let sha256: String
  /// Lines, those behind the ones that were asked for included.
  let all: Int64

  /// Of a queue that nobody has open.
  init(ofQueue path: String, in folder: ScratchFolder) async throws { try await self.init([path], in: folder) }

  /// Of a central: the first `count` lines of an incarnation.
  ///
  /// - Parameter authority: of its certificate, where it has one.
  init(ofCentral url: String, incarnation: String, count: Int, authority: String? = nil, in folder: ScratchFolder)
    async throws
  {
    try await self.init(
      [url, incarnation, "\(count)"], environment: authority.map { ["SSL_CERT_FILE": $0] } ?? [:], in: folder)
  }

  private init(_ arguments: [String], environment: [String: String] = [:], in folder: ScratchFolder) async throws {
    let observer = try Program(
      Program.python, [Program.tree + "/Tests/foreign/lines_digest.py"] + arguments, in: folder, name: "observer",
      environment: environment)
    try #require(try await observer.ended(within: .seconds(1800)) == 0, "\(observer.said)")
    let said = try #require(JSON(Array(observer.printed.utf8)))
    incarnation = try #require(said["incarnation"]?.text)
    lines = try #require(said["lines"]?.whole)
    sha256 = try #require(said["sha256"]?.text)
    all = try #require(said["all"]?.whole)
  }
}
