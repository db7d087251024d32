import Crypto
import Events
import Foundation
import Logging
import Queue
import TestParts
import Testing

/// The source that all queues of these tests belong to.
let line3 = SourceName("plant1.line3.pc1")!

/// A gap event that says `text`: any event will do here.
func event(_ text: String, at time: Timestamp = Moment.now().time) -> Event {
  Event(
    GapData(kind: .noRead, reason: text), at: Moment(time: time, boottimeNanoseconds: 1), subject: "ST10")
}

func entry(_ text: String) -> @Sendable (Place) -> Entry { { _ in Entry(events: [event(text)]) } }

/// A queue in a folder of its own.
func openQueue(
  _ folder: ScratchFolder, limitBytes: Int = 100_000_000, keep: Duration = .seconds(30 * 86400),
  source: SourceName = line3
) async throws -> EventQueue {
  var settings = QueueSettings(path: folder.file("queue.db"))
  settings.limitBytes = limitBytes
  settings.keep = keep
  settings.reserveBytes = 0
  return try await EventQueue.open(settings, source: source, logger: silent)
}

let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

extension EventQueue {
  /// Appends `count` events one after the other.
  @discardableResult
  nonisolated func fill(_ count: Int, _ text: String = "event") async throws -> Committed {
    var last: Committed?
    for index in 0..<count { last = try await append(entry("\(text) \(index)")) }
    return try #require(last)
  }

  /// All lines of the current incarnation that can be had.
  func everything() throws -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var after: UInt64 = 0
    while true {
      let batch = try batch(after: after, limit: 100, maxBytes: 1 << 20)
      if batch.lines.isEmpty { return lines }
      lines.append(contentsOf: batch.lines)
      after = batch.last
    }
  }

  func receipt(through: UInt64, safe: UInt64) throws -> Receipt {
    let head = through == 0 ? ChainHash.zero : try batch(after: through - 1, limit: 1, maxBytes: 1).head
    return Receipt(
      source: line3, incarnation: status.incarnation, receivedThrough: through, head: head, safeThrough: safe)
  }
}

/// The chain's hash after `lines`, computed without any of our own code.
func independentHead(_ lines: [[UInt8]]) -> String {
  var hash = Data(count: 32)
  for line in lines { hash = Data(SHA256.hash(data: hash + Data(SHA256.hash(data: Data(line))))) }
  return hash.map { String(format: "%02x", $0) }.joined()
}

/// Changes bytes of a file in place.
func overwrite(_ path: String, at offset: Int, with bytes: [UInt8]) throws {
  let file = try FileHandle(forUpdating: URL(filePath: path))
  try file.seek(toOffset: UInt64(offset))
  try file.write(contentsOf: Data(bytes))
  try file.close()
}

/// Where `text` stands in a file.
func position(of text: String, in path: String) throws -> Int {
  let data = try Data(contentsOf: URL(filePath: path))
  return try #require(data.range(of: Data(text.utf8))).lowerBound
}
