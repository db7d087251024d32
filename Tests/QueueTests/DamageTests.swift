import Events
import Foundation
import GRDBSQLite
import Queue
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct DamageTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private var path: String { folder.file("queue.db") }

  /// A closed queue with `count` events, whose incarnation is returned.
  private func closedQueue(_ count: Int) async throws -> QueueStatus {
    let queue = try await openQueue(folder)
    try await queue.fill(count)
    _ = try await queue.append { _ in Entry(events: [event("last")], state: [.init(key: "context", value: [7])]) }
    let status = queue.status
    await queue.close()
    return status
  }

  @Test func `a flipped byte in a row is found, named, and never sent`() async throws {
    let before = try await closedQueue(500)
    try overwrite(path, at: try position(of: "event 100\"", in: path), with: Array("Event".utf8))
    let offline = try QueueVerdict.ofQueue(at: path)
    #expect(offline.firstBad?.place == "event \(before.incarnation):101")
    let queue = try await openQueue(folder)
    #expect(queue.status.incarnation == before.incarnation, "one bad row does not end an incarnation")
    let verdict = await queue.verify()
    #expect(verdict.firstBad?.place == "event \(before.incarnation):101")
    #expect(verdict.good == 100)
    let upTo = try await queue.batch(after: 90, limit: 100, maxBytes: 1 << 20)
    #expect(upTo.first == 91 && upTo.last == 100)
    let behind = try await queue.batch(after: 100, limit: 100, maxBytes: 1 << 20)
    #expect(behind.lost == 101...101 && behind.first == 102 && behind.lines.count == 100)
    _ = try VerifiedBatch(behind, from: line3)
    #expect(queue.status.damaged == [EventID(incarnation: before.incarnation, sequence: 101)])
    #expect(try await queue.append(entry("goes on")).place.first == 502)
  }

  @Test func `a damaged header costs the file its name and the line nothing`() async throws {
    let before = try await closedQueue(500)
    try overwrite(path, at: 0, with: [UInt8](repeating: 0xA5, count: 100))
    let damaged = try Data(contentsOf: URL(filePath: path))
    let queue = try await openQueue(folder)
    let opening = queue.opening
    let evidence = try #require(opening.setAside)
    #expect(try Data(contentsOf: URL(filePath: evidence)) == damaged, "the evidence is as it was")
    #expect(queue.status.incarnation != before.incarnation)
    #expect(opening.previous?.incarnation == before.incarnation)
    #expect(opening.previous?.through == 501)
    #expect(opening.previous?.head == before.head)
    #expect(opening.salvaged == 501)
    #expect(opening.lost == [] && !opening.isSalvaging && !opening.keptState)
    #expect(try await queue.append(entry("goes on")).place.first == 1)
    // the old rows are still there to be sent, before the new ones
    #expect(queue.status.incarnations.map(\.incarnation) == [before.incarnation, queue.status.incarnation])
    let batch = try await queue.batch(incarnation: before.incarnation, after: 0, limit: 1000, maxBytes: 1 << 20)
    #expect(batch.lines.count == 501 && batch.head == before.head && batch.lost == nil)
    _ = try VerifiedBatch(batch, from: line3)
    #expect(await queue.verify().isGood)
    await queue.close()
    let again = try await openQueue(folder)
    #expect(again.status.incarnations.map(\.last) == [501, 1])
    #expect(again.status.rows == 502)
  }

  @Test func `a page of garbage in the middle costs the rows on it, each by its number`() async throws {
    let before = try await closedQueue(500)
    let at = try position(of: "event 250\"", in: path) / 4096 * 4096
    try overwrite(path, at: at, with: [UInt8](repeating: 0xFF, count: 4096))
    let queue = try await openQueue(folder)
    var evidence = queue.opening.setAside
    if evidence == nil {
      // the page is met only when it is read
      _ = try? await queue.batch(after: 0, limit: 1000, maxBytes: 1 << 20)
      evidence = queue.opening.setAside
    }
    #expect(evidence != nil)
    let opening = queue.opening
    #expect(opening.lost.count == 1)
    let lost = try #require(opening.lost.first)
    #expect(lost.incarnation == before.incarnation && lost.numbers.contains(251) && lost.numbers.count < 20)
    #expect(opening.salvaged == 501 - UInt64(lost.numbers.count))
    #expect(opening.keptState)
    #expect(try await queue.state(prefix: "") == ["context": [7]])
    let first = try await queue.batch(incarnation: before.incarnation, after: 0, limit: 1000, maxBytes: 1 << 20)
    #expect(first.last == lost.numbers.lowerBound - 1)
    let second = try await queue.batch(
      incarnation: before.incarnation, after: first.last, limit: 1000, maxBytes: 1 << 20)
    #expect(second.lost == lost.numbers && second.last == 501 && second.head == before.head)
    _ = try VerifiedBatch(second, from: line3)
  }

  @Test func `a chain that is broken at the end sets the file aside`() async throws {
    let before = try await closedQueue(100)
    try overwrite(path, at: try position(of: "last\"", in: path), with: Array("LAST".utf8))
    let queue = try await openQueue(folder)
    #expect(queue.opening.setAside != nil)
    #expect(queue.opening.salvaged == 100)
    #expect(queue.opening.lost == [LostNumbers(incarnation: before.incarnation, numbers: 101...101)])
    let rest = try await queue.batch(incarnation: before.incarnation, after: 100, limit: 10, maxBytes: 1 << 20)
    #expect(rest.lines.isEmpty && rest.lost == 101...101 && rest.first == 102 && rest.head == before.head)
  }

  @Test func `a row near the end that is not as it was written sets the file aside at the start`() async throws {
    let before = try await closedQueue(100)
    try overwrite(path, at: try position(of: "event 95\"", in: path), with: Array("EVENT 95".utf8))
    let queue = try await openQueue(folder)
    #expect(queue.opening.setAside != nil && queue.status.incarnation != before.incarnation)
    #expect(queue.opening.salvaged == 100)
    #expect(queue.opening.lost == [LostNumbers(incarnation: before.incarnation, numbers: 96...96)])
  }

  @Test func `rows that are still in the journal are salvaged with the rest`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(100)
    let copy = try ScratchFolder()
    for suffix in ["", "-wal", ".marker"] {
      try FileManager.default.copyItem(atPath: path + suffix, toPath: copy.file("queue.db" + suffix))
    }
    try overwrite(copy.file("queue.db"), at: 0, with: [UInt8](repeating: 0, count: 200))
    try overwrite(copy.file("queue.db-wal"), at: 32 + 24, with: [UInt8](repeating: 0, count: 100))
    let second = try await openQueue(copy)
    #expect(second.opening.setAside != nil)
    #expect(second.opening.salvaged == 100)
  }

  @Test func `an event that spans many pages is salvaged whole`() async throws {
    let text = String(repeating: "long ", count: 20_000)
    let before = try await openQueue(folder)
    _ = try await before.append(entry(text))
    try await before.fill(3)
    let status = before.status
    await before.close()
    try overwrite(path, at: 0, with: [UInt8](repeating: 0xA5, count: 100))
    let queue = try await openQueue(folder)
    #expect(queue.opening.salvaged == 4 && queue.opening.lost == [])
    let batch = try await queue.batch(incarnation: status.incarnation, after: 0, limit: 9, maxBytes: 1 << 20)
    #expect(batch.head == status.head)
  }

  @Test func `an older copy that is put back is detected`() async throws {
    let first = try await closedQueue(50)
    let copy = folder.file("copy.db")
    try FileManager.default.copyItem(atPath: path, toPath: copy)
    let second = try await closedQueue(30)
    #expect(second.last == 82)
    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: copy, toPath: path)
    let queue = try await openQueue(folder)
    let previous = try #require(queue.opening.previous)
    #expect(previous.incarnation == first.incarnation && previous.through == 82 && previous.head == second.head)
    #expect(previous.why.contains("an older copy of the queue file was put back"))
    #expect(queue.opening.lost == [LostNumbers(incarnation: first.incarnation, numbers: 52...82)])
    #expect(queue.status.incarnation != first.incarnation)
    #expect(try await queue.append(entry("new life")).place.first == 1)
    let old = try await queue.batch(incarnation: first.incarnation, after: 40, limit: 100, maxBytes: 1 << 20)
    #expect(old.first == 41 && old.last == 51)
    let gone = try await queue.batch(incarnation: first.incarnation, after: 51, limit: 100, maxBytes: 1 << 20)
    #expect(gone.lost == 52...82 && gone.head == second.head)
  }

  @Test func `a queue file that is gone is not taken for a new one`() async throws {
    let before = try await closedQueue(10)
    try FileManager.default.removeItem(atPath: path)
    let queue = try await openQueue(folder)
    #expect(queue.opening.previous?.incarnation == before.incarnation)
    #expect(queue.opening.previous?.through == 11)
    #expect(queue.opening.previous?.why == "the queue file is gone")
  }

  @Test func `a new incarnation keeps the old rows, and numbers begin with 1`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(5)
    let old = queue.status
    let previous = try await queue.beginIncarnation(why: "conflict at the central")
    #expect(previous.incarnation == old.incarnation && previous.through == 5 && previous.head == old.head)
    #expect(queue.status.last == 0 && queue.status.head == .zero)
    #expect(try await queue.append(entry("a")).place.first == 1)
    let batch = try await queue.batch(incarnation: old.incarnation, after: 0, limit: 10, maxBytes: 1 << 20)
    #expect(batch.lines.count == 5 && batch.head == old.head)
    let receipt = Receipt(
      source: line3, incarnation: old.incarnation, receivedThrough: 5, head: old.head, safeThrough: 5)
    try await queue.record(receipt, from: "central", frees: true)
    let lives = queue.status.incarnations
    #expect(lives.map(\.incarnation) == [old.incarnation, queue.status.incarnation])
    #expect(lives.map { $0.received["central"] } == [5, nil])
    #expect(await queue.verify().good == 6)
  }
}
