import Events
import Foundation
import Glibc
import Queue
import TestParts
import Testing

@Suite(.timeLimit(.minutes(1))) struct FailureTests {
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
