import Events
import Foundation
import GRDBSQLite
import Glibc
import Machine
import TestParts
import Testing

@testable import Queue

@Suite(.timeLimit(minutes: 5)) struct OpeningTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  @Test func `what durability rests on is in force after opening`() throws {
    let connection = try Connection(path: folder.file("queue.db"), mode: .exclusive)
    #expect(try connection.pragma("synchronous") == "2")
    #expect(try connection.pragma("journal_mode") == "wal")
    #expect(try connection.pragma("locking_mode") == "exclusive")
    try connection.run("CREATE TABLE t(x)")
    #expect(size(of: folder.file("queue.db-shm")) == nil)
  }

  /// In a process of its own, since the mask for new files holds for all threads of a process.
  @Test func `no file of a queue can be read by everybody`() async throws {
    await #expect(processExitsWith: .success) {
      umask(0o022)
      let folder = try ScratchFolder()
      var settings = QueueSettings(path: folder.file("queue.db"))
      settings.reserveBytes = 1 << 20
      let queue = try await EventQueue.open(settings, source: line3, logger: silent)
      try await queue.fill(3)
      try await queue.beat(at: Moment.now().time)
      let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
      try #require(names == ["queue.db", "queue.db-wal", "queue.db.ballast", "queue.db.lock", "queue.db.marker"])
      for name in names {
        let about = try FileManager.default.attributesOfItem(atPath: folder.file(name))
        try #require(about[.posixPermissions] as? Int == 0o640, "\(name)")
      }
    }
  }

  @Test func `the last sign of life is the beat or the last event, whichever is later`() async throws {
    let beat = Moment.now().time.adding(.seconds(1000))
    do {
      let queue = try await openQueue(folder)
      #expect(queue.opening == Opening())
      try await queue.fill(1)
      await queue.close()
    }
    do {
      let queue = try await openQueue(folder)
      #expect(queue.opening.stoppedCleanly)
      let alive = try #require(queue.opening.alive)
      #expect(alive < beat && alive.since(Moment.now().time) > .seconds(-60))
      try await queue.beat(at: beat)
      // no close: as after a crash
    }
    try await eventually("the file is free again") { (try? await openQueue(folder)) != nil }
  }

  @Test func `a crash is told from an orderly end`() async throws {
    let beat = Moment.now().time.adding(.seconds(1000))
    do {
      let queue = try await openQueue(folder)
      try await queue.beat(at: beat)
    }
    let again = try await openQueue(folder)
    #expect(!again.opening.stoppedCleanly)
    #expect(again.opening.alive == beat)
  }

  @Test func `opening and its first calls make a bounded number of steps, however many there are`() async throws {
    do {
      let queue = try await openQueue(folder)
      for _ in 0..<50 {
        _ = try await queue.append { _ in Entry(events: (0..<4000).map { event("event \($0)") }) }
      }
      #expect(queue.status.last == 200_000)
      await queue.close()
    }
    let settings = QueueSettings(path: folder.file("queue.db"))
    let file = try QueueFile(settings, source: line3, newLife: (1, "test"))
    try file.checkTail(count: 64)
    #expect(file.current.last == 200_000 && file.rowCount == 200_000)
    #expect(file.connection.steps < 5000)
    _ = try file.batch(of: file.current, after: 199_000, limit: 10, maxBytes: 1 << 20)
    #expect(file.connection.steps < 5000)
  }

  @Test func `a marker is read as it was written, and nothing else is taken for one`() throws {
    let marker = Marker(ordinal: 3, incarnation: .random(), sequence: 1047, hash: .zero)
    try marker.write(to: folder.file("m"))
    #expect(Marker(path: folder.file("m")) == marker)
    #expect(Marker(text: String(marker.text.dropLast())) == nil)
    #expect(Marker(text: "") == nil)
    #expect(Marker(path: folder.file("absent")) == nil)
  }

  @Test func `row keys order incarnations before numbers`() {
    let key = RowKey(ordinal: 7, sequence: RowKey.lastSequence)
    #expect(key.ordinal == 7 && key.sequence == RowKey.lastSequence)
    #expect(key < RowKey(ordinal: 8, sequence: 0))
    #expect(RowKey(ordinal: RowKey.lastOrdinal, sequence: RowKey.lastSequence).packed > 0)
  }

  @Test func `an export is followed from its own first line, and one changed byte is named`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(20)
    let lines = try await queue.everything()
    func check(_ lines: [[UInt8]], previous: ChainHash? = nil) -> QueueVerdict {
      var check = ExportCheck(previous: previous, head: queue.status.head)
      for line in lines { check.take(line) }
      return check.finish()
    }
    #expect(check(lines).isGood)
    #expect(check(lines).good == 20)
    let middle = try await queue.batch(after: 10, limit: 10, maxBytes: 1 << 20)
    #expect(check(middle.lines, previous: middle.previous).isGood)
    #expect(check(middle.lines).firstBad?.place == "line 1")
    var held = lines
    held[4] = Array("#\(hex(ChainHash.digest(of: lines[4])))".utf8)
    #expect(check(held).isGood)
    var altered = lines
    altered[4] = Array(String(decoding: lines[4], as: UTF8.self).replacing("event 4", with: "Event 4").utf8)
    #expect(check(altered).firstBad?.place == "the export")
    var missing = lines
    missing.remove(at: 9)
    #expect(check(missing).firstBad?.place == "line 10")
    var cut = lines
    cut[19].removeLast()
    #expect(check(cut).firstBad?.place == "line 20")
  }
}
