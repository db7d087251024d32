import Events
import Foundation
import Glibc
import TestParts
import Testing

@testable import Queue

/// A damaged file is set aside in steps, and the process may be killed between any two.
@Suite(.timeLimit(minutes: 5)) struct ReplacementTests {
  let folder: ScratchFolder
  init() throws { folder = try ScratchFolder() }

  private var path: String { folder.file("queue.db") }
  private var evidence: String { folder.file("queue.db.damaged-20261124T080000Z") }

  enum Step: CaseIterable {
    case said, movedFile, movedAll, markedAll, emptyFile, newFile
  }

  /// A queue that may have been open a moment ago: a program that another test starts holds its lock until it runs.
  private func reopened() async throws -> EventQueue {
    var queue: EventQueue?
    try await eventually("the queue is free") {
      do { queue = try await openQueue(folder) } catch  where "\(error)".contains("in use by another lotline") {}
      return queue != nil
    }
    return try #require(queue)
  }

  /// A queue with 300 events, some of them in the journal, and state.
  private func queueThatWasKilled() async throws -> QueueStatus {
    let queue = try await reopened()
    try await queue.fill(299)
    _ = try await queue.append { _ in Entry(events: [event("last")], state: [.init(key: "context", value: [7])]) }
    let status = queue.status
    await queue.close()
    return status
  }

  @Test(arguments: Step.allCases)
  func `a kill after any step is gone on from: nothing is lost, and one new life begins`(_ step: Step) async throws {
    let before = try await queueThatWasKilled()
    let marker = try #require(Marker(path: path + ".marker"))
    let settings = QueueSettings(path: path)
    try Replacement(evidence: evidence, why: "the queue file was damaged").write(to: settings.replacementPath)
    if step != .said { try #require(rename(path, evidence) == 0) }
    if step == .movedFile {
      // Its journal is still there.
      try Data(count: 4096).write(to: URL(filePath: path + "-wal"))
    }
    if [.markedAll, .emptyFile, .newFile].contains(step) { try marker.write(to: evidence + ".marker") }
    if step == .emptyFile { try Data().write(to: URL(filePath: path)) }
    var begun: Incarnation?
    if step == .newFile {
      let file = try QueueFile(
        settings, source: line3, newLife: (marker.ordinal + 1, "the queue file was damaged"), salvaging: evidence)
      begun = file.current.incarnation
      file.connection.close()
    }

    let queue = try await reopened()
    #expect(queue.opening.setAside == evidence && queue.opening.keptState && !queue.opening.stoppedCleanly)
    #expect(queue.opening.salvaged == 300 && queue.opening.lost == [] && !queue.opening.isSalvaging)
    #expect(queue.opening.previous?.incarnation == before.incarnation && queue.opening.previous?.through == 300)
    #expect(queue.opening.previous?.head == before.head)
    #expect(queue.status.incarnations.map(\.last) == [300, 0])
    if let begun { #expect(queue.status.incarnation == begun) }
    #expect(try await queue.state(prefix: "") == ["context": [7]])
    #expect(try await queue.append(entry("goes on")).place.first == 1)
    #expect(await queue.verify().isGood)
    #expect(!FileManager.default.fileExists(atPath: settings.replacementPath))
    await queue.close()
    let again = try await reopened()
    #expect(again.opening.previous == nil && again.status.incarnations.map(\.last) == [300, 1])
  }

  @Test func `state is taken over once: what changed since stays`() async throws {
    _ = try await queueThatWasKilled()
    try overwrite(path, at: 4096 * 3, with: [UInt8](repeating: 0xFF, count: 4096))
    try Replacement(evidence: evidence, why: "test").write(to: QueueSettings(path: path).replacementPath)
    let queue = try await reopened()
    let kept = queue.opening.keptState
    _ = try await queue.append { _ in Entry(events: [event("a")], state: [.init(key: "context", value: [8])]) }
    await queue.close()
    let again = try await reopened()
    #expect(try await again.state(prefix: "") == ["context": [8]], "\(kept)")
  }

  @Test func `an incarnation whose rows are still being taken over is told of once it is known how far it went`()
    async throws
  {
    let before = try await queueThatWasKilled()
    try overwrite(path, at: 0, with: [UInt8](repeating: 0xA5, count: 100))
    var settings = QueueSettings(path: path)
    settings.reserveBytes = 0
    settings.salvageTime = .zero
    try await EventQueue.open(settings, source: line3, logger: silent).close()
    // As a kill amid the salvage leaves it.
    let file = try QueueFile(settings, source: line3, newLife: (9, "unused"))
    try file.addLife(ordinal: file.current.ordinal - 1, incarnation: before.incarnation, why: "salvaged")
    file.connection.close()
    let queue = try await EventQueue.open(settings, source: line3, logger: silent)
    #expect(queue.opening.isSalvaging && queue.status.incarnations.count == 1)
    try await eventually("all rows are taken over") {
      try await queue.beat(at: Moment.now().time)
      return !queue.opening.isSalvaging
    }
    #expect(queue.status.incarnations.map(\.last) == [300, 0])
    await queue.close()
  }

  @Test func `a salvage that is killed again and again takes over each row once, in one new life`() async throws {
    let queue = try await reopened()
    for round in 0..<5 {
      _ = try await queue.append { _ in Entry(events: (0..<4000).map { event("event \(round) \($0)") }) }
    }
    let before = queue.status
    await queue.close()
    try overwrite(path, at: 0, with: [UInt8](repeating: 0xA5, count: 100))
    for milliseconds in [3, 8, 15, 25, 40, 60, 90, 130] {
      let place = folder.path
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [place = place as String, milliseconds = milliseconds as Int] in
        let killer = Thread {
          usleep(UInt32(milliseconds) * 1000)
          kill(getpid(), SIGKILL)
        }
        killer.start()
        var settings = QueueSettings(path: place + "/queue.db")
        settings.reserveBytes = 0
        let queue = try await EventQueue.open(settings, source: line3, logger: silent)
        while true { try await queue.beat(at: Moment.now().time) }
      }
    }
    let after = try await reopened()
    try await eventually("all rows are taken over") {
      try await after.beat(at: Moment.now().time)
      return !after.opening.isSalvaging
    }
    #expect(after.opening.lost == [])
    #expect(after.status.incarnations.map(\.last) == [20_000, 0])
    #expect(after.status.incarnations.first?.incarnation == before.incarnation)
    #expect(after.status.incarnations.first?.head == before.head)
    let verdict = await after.verify()
    #expect(verdict.isGood && verdict.good == 20_000 && verdict.missing.isEmpty)
    let files = try FileManager.default.contentsOfDirectory(atPath: folder.path)
    #expect(files.filter { $0.contains(".damaged-") && !$0.hasSuffix(".marker") }.count == 1, "\(files)")
  }
}
