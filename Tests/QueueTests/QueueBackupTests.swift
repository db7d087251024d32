import Events
import Foundation
import Queue
import TestParts
import Testing

/// Copies of a queue in use, and what is said of what is in one.
@Suite(.timeLimit(minutes: 5)) struct QueueBackupTests {
  let folder: ScratchFolder

  init() throws { folder = try ScratchFolder() }

  @Test func `a copy that is made while events come is whole, and old once it is put back`() async throws {
    let queue = try await openQueue(folder)
    let text = String(repeating: "x", count: 3000)
    for index in 0..<600 { _ = try await queue.append(entry("\(text) \(index)")) }
    let producer = Task {
      for index in 0..<400 { _ = try await queue.append(entry("\(text) beside \(index)")) }
    }
    let file = folder.file("copy.db")
    let backup = try await queue.backUp(to: file)
    try await producer.value
    let last = try #require(backup.last)
    #expect(backup.events == last.sequence && last.sequence >= 600 && last.incarnation == queue.status.incarnation)
    let verdict = try QueueVerdict.ofQueue(at: file)
    #expect(verdict.isGood && verdict.good == backup.events)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(names.filter { $0.hasPrefix("copy") } == ["copy.db"])
    // Every line of it is byte for byte the queue's.
    let copy = try ScratchFolder()
    try FileManager.default.copyItem(atPath: file, toPath: copy.file("queue.db"))
    let other = try await openQueue(copy)
    for after in stride(from: UInt64(0), to: last.sequence, by: 100) {
      let limit = Int(min(100, last.sequence - after))
      let theirs = try await other.batch(after: after, limit: limit, maxBytes: 1 << 24)
      #expect(try await queue.batch(after: after, limit: limit, maxBytes: 1 << 24).lines == theirs.lines)
    }
    await other.close()
    let old = queue.status
    await queue.close()

    for end in ["", "-wal"] { try? FileManager.default.removeItem(atPath: folder.file("queue.db\(end)")) }
    try FileManager.default.moveItem(atPath: file, toPath: folder.file("queue.db"))
    let again = try await openQueue(folder)
    if last.sequence < old.last {
      #expect(again.status.incarnation != old.incarnation)
      #expect(again.opening.previous?.why.contains("an older copy of the queue file was put back") == true)
      #expect(again.opening.lost.first?.numbers == (last.sequence + 1)...old.last)
    }
    await again.close()
  }

  @Test func `a copy is not written over a file, and a queue that is closed meanwhile gives none`() async throws {
    let queue = try await openQueue(folder)
    try await queue.fill(10)
    try folder.write("precious.db", "precious")
    await #expect { try await queue.backUp(to: folder.file("precious.db")) } throws: {
      "\($0)".contains("there is such a file already")
    }
    #expect(try String(contentsOfFile: folder.file("precious.db"), encoding: .utf8) == "precious")
    await queue.close()
    await #expect(throws: (any Error).self) { try await queue.backUp(to: folder.file("other.db")) }
    #expect(!FileManager.default.fileExists(atPath: folder.file("other.db.part")))
    // Nobody has it open now: it is copied as it lies there.
    let backup = try await QueueBackup.ofQueue(at: folder.file("queue.db"), to: folder.file("other.db"))
    #expect(backup.events == 10)
  }

  @Test func `an altered event is in no backup`() async throws {
    let queue = try await openQueue(folder)
    for index in 0..<50 { _ = try await queue.append(entry("the event with number \(index)")) }
    await queue.close()
    var bytes = try Data(contentsOf: URL(filePath: folder.file("queue.db")))
    let word = try #require(bytes.range(of: Data("the event with number 20".utf8)))
    bytes[word.lowerBound] ^= 1
    try bytes.write(to: URL(filePath: folder.file("queue.db")))
    await #expect {
      try await QueueBackup.ofQueue(at: folder.file("queue.db"), to: folder.file("copy.db"))
    } throws: {
      "\($0)".contains(":21: its bytes are not what was hashed")
    }
    #expect(!FileManager.default.fileExists(atPath: folder.file("copy.db")))
  }

  @Test func `the report says what is unsent, unsafe, kept, and how much more may come`() async throws {
    let queue = try await openQueue(folder, limitBytes: 5_000_000)
    try await queue.fill(20)
    try await queue.record(try queue.receipt(through: 20, safe: 20), from: "central", frees: true)
    _ = try await queue.beginIncarnation(why: "a test")
    try await queue.fill(30)
    try await queue.record(try queue.receipt(through: 12, safe: 5), from: "central", frees: true)
    let report = try await queue.report()
    #expect(report.rows == 50 && report.limitBytes == 5_000_000)
    #expect(report.lives.map(\.unsent) == [0, 18] && report.lives.map(\.unsafe) == [0, 7])
    #expect(report.lives.map(\.kept) == [20, 5])
    let free = try #require(report.freeBytes)
    #expect(free > 0 && free <= 5_000_000 - report.bytes)
    #expect(
      report.reasons(keep: "30d", central: "sending") == [
        "18 events not at the central yet: sending", "7 events at the central, and in no backup of it yet",
        "25 events safe at the central, kept for 30d",
      ])
    var writer = JSONWriter()
    writer.object { report.write(to: &$0) }
    #expect(JSON(writer.bytes).flatMap { QueueReport($0) } == report)
    await queue.close()
    let stopped = try QueueReport.ofQueue(at: folder.file("queue.db"))
    #expect(stopped.lives == report.lives && stopped.freeBytes == nil)
  }
}

@Suite struct `Proof of a backup beside intake` {
  @Test(.timeLimit(minutes: 20), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: figures of a copy of 200 MB while events are accepted`() async throws {
    let folder = try ScratchFolder()
    let queue = try await openQueue(folder, limitBytes: 1_000_000_000)
    let text = String(repeating: "x", count: 1500)
    for _ in 0..<250 {
      _ = try await queue.append { _ in Entry(events: (0..<400).map { event("\(text) \($0)") }) }
    }
    /// Appends one by one until told to end; how long each took, sorted.
    func load(while isGoing: @escaping @Sendable () -> Bool) async throws -> [Duration] {
      var times: [Duration] = []
      while isGoing() {
        let began = ContinuousClock.now
        _ = try await queue.append(entry("beside"))
        times.append(ContinuousClock.now - began)
      }
      return times.sorted()
    }
    func shown(_ times: [Duration]) -> String {
      let picks = [times.count / 2, times.count * 99 / 100, times.count - 1].map { times[$0] / .milliseconds(1) }
      return "\(times.count) appends, p50 \(picks[0]) ms, p99 \(picks[1]) ms, longest \(picks[2]) ms"
    }
    let end = ContinuousClock.now + .seconds(5)
    print("without a copy:", shown(try await load { ContinuousClock.now < end }))
    let copying = Task { try await queue.backUp(to: folder.file("copy.db")) }
    let done = Task { _ = try? await copying.value }
    let isDone = Collected<Bool>()
    Task {
      await done.value
      await isDone.add(true)
    }
    var times: [Duration] = []
    while await isDone.count == 0 {
      let began = ContinuousClock.now
      _ = try await queue.append(entry("beside"))
      times.append(ContinuousClock.now - began)
    }
    let backup = try await copying.value
    print("beside a copy of \(backup.bytes) bytes:", shown(times.sorted()), "longest step", backup.longestStep ?? .zero)
    #expect(backup.events >= 100_000)
    await queue.close()
  }
}
