import Events
import Foundation
import Glibc
import Queue
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct FailureTests {
  /// In a process of its own, since the limit on a file's size holds for all files of a process.
  @Test func `when writing fails nothing is accepted, and intake goes on by itself once it works`() async throws {
    await #expect(processExitsWith: .success) {
      let folder = try ScratchFolder()
      let queue = try await openQueue(folder)
      try await queue.fill(50)
      let before = queue.status
      signal(SIGXFSZ, SIG_IGN)
      var limit = rlimit()
      getrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      let unlimited = limit
      limit.rlim_cur = 20_000
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      var refused = 0
      for index in 0..<20 {
        do { _ = try await queue.append(entry("refused \(index)")) } catch { refused += 1 }
      }
      try #require(refused == 20)
      try #require(queue.status.counts.failures > 0)
      try #require(!queue.status.accepts)
      limit = unlimited
      setrlimit(__rlimit_resource_t(RLIMIT_FSIZE.rawValue), &limit)
      try await eventually("the queue takes events again") {
        (try? await queue.append(entry("taken"))) != nil
      }
      try #require(queue.status.accepts)
      try #require(queue.status.incarnation == before.incarnation)
      let lines = try await queue.everything().map { String(decoding: $0, as: UTF8.self) }
      try #require(lines.count == 51 && lines[50].contains("\"taken\""))
      try #require(!lines.contains { $0.contains("refused") })
      try #require(await queue.verify().isGood)
    }
  }

  /// What was flushed in vain is on the disk all the same, and whoever was refused comes again with it.
  @Test func `a commit that was refused and is found later is taken back, with what it changed of the state`()
    async throws
  {
    let folder = try ScratchFolder()
    let disk = SimulatedDisk(folder.path)
    let queue = try await openQueue(folder)
    func piece(_ text: String) -> @Sendable (Place) -> Entry {
      { place in
        var made = entry(text)(place)
        made.state = [StateChange(key: "last", value: Array(text.utf8)), StateChange(key: text, value: [1])]
        return made
      }
    }
    _ = try await queue.append(piece("piece 1"))
    disk.fail(.sync, nth: 1, forever: true, .io)
    await #expect(throws: Refusal.self) { try await queue.append(piece("piece 2")) }
    #expect(disk.counts.failed[.sync, default: 0] > 1, "it could not be opened again either")
    disk.heal()
    try await eventually("the queue takes events again") { (try? await queue.append(piece("piece 2"))) != nil }
    _ = try await queue.append(piece("piece 3"))
    let lines = try await queue.everything().map { String(decoding: $0, as: UTF8.self) }
    #expect(lines.map { line in (1...3).filter { line.contains("\"piece \($0)\"") } } == [[1], [2], [3]], "\(lines)")
    #expect(try await queue.state(prefix: "last")["last"] == Array("piece 3".utf8))
    #expect(await queue.verify().isGood)
    disk.fail(.sync, nth: 1, forever: true, .io)
    await #expect(throws: Refusal.self) { try await queue.append(piece("piece 4")) }
    disk.heal()
    try await eventually("the queue is open again") { (try? await queue.append(entry("other"))) != nil }
    #expect(try await queue.state(prefix: "")["piece 4"] == nil && queue.status.last == 4)
    #expect(try await queue.state(prefix: "last")["last"] == Array("piece 3".utf8))
    await queue.close()
  }

  /// A flush fails and the next start has no room to write the journal afresh: what comes then must not stand on it.
  @Test func `a start without room for the journal takes nothing until there is, so that a power cut takes nothing`()
    async throws
  {
    var wasFull = 0
    for write in 1...8 {
      let folder = try ScratchFolder()
      let disk = SimulatedDisk(folder.path)
      let queue = try await openQueue(folder)
      try await queue.fill(3)
      disk.fail(.sync, nth: 1, forever: true, .io)
      await #expect(throws: Refusal.self) { try await queue.append(entry("refused")) }
      await queue.close()
      disk.heal()
      disk.fail(.write, nth: write, forever: true, .full)
      guard let again = try? await openQueue(folder) else { continue }
      let failed = disk.counts.failed[.write, default: 0]
      if failed > 0, (try? await again.append(entry("on a full disk"))) == nil { wasFull += 1 }
      disk.heal()
      try await eventually("events are taken once there is room") {
        (try? await again.append(entry("taken"))) != nil
      }
      try await again.fill(5, "after")
      let last = again.status.last
      disk.stop()
      await again.close()
      disk.goOnAfterCut(seed: UInt64(write))
      let after = try await openQueue(folder)
      #expect(after.status.last == last && after.opening.setAside == nil, "write \(write)")
      #expect(await after.verify().isGood)
      await after.close()
    }
    #expect(wasFull > 0, "none of these starts met a full disk")
  }

  @Test func `a page that goes bad under way sets the file aside, and the line goes on`() async throws {
    let folder = try ScratchFolder()
    do {
      let queue = try await openQueue(folder)
      try await queue.fill(2000)
      await queue.close()
    }
    let queue = try await openQueue(folder)
    let old = queue.status.incarnation
    let at = try position(of: "event 1000\"", in: folder.file("queue.db")) / 4096 * 4096
    try overwrite(folder.file("queue.db"), at: at, with: [UInt8](repeating: 0xFF, count: 4096))
    await #expect(throws: QueueFault.self) {
      var after: UInt64 = 0
      while after < 2000 {
        after = try await queue.batch(after: after, limit: 500, maxBytes: 1 << 20).last
      }
    }
    #expect(queue.opening.setAside != nil)
    #expect(queue.status.incarnation != old)
    #expect(queue.opening.previous?.incarnation == old && queue.opening.previous?.through == 2000)
    #expect(queue.opening.lost.count == 1)
    #expect(try await queue.append(entry("goes on")).place.first == 1)
  }
}
