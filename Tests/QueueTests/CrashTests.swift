import Events
import Foundation
import Glibc
import Queue
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct CrashTests {
  /// What the child appends until it is killed; each accepted number is written down after its commit.
  @Test func `after SIGKILL nothing accepted is lost and no number comes twice`() async throws {
    let folder = try ScratchFolder()
    for round in 0..<3 {
      let path = folder.path
      await #expect(processExitsWith: .signal(SIGKILL)) { [path = path as String] in
        try await appendUntilKilled(in: path)
      }
      let accepted = try String(contentsOfFile: folder.file("accepted"), encoding: .utf8)
        .split(separator: "\n").compactMap { UInt64($0) }
      let queue = try await openQueue(folder)
      #expect(!queue.opening.stoppedCleanly)
      #expect(queue.opening.alive != nil)
      #expect(queue.opening.previous == nil, "the incarnation simply goes on")
      #expect(Set(accepted).count == accepted.count, "no number was given twice")
      #expect(accepted.count >= (round + 1) * 100)
      #expect(queue.status.last >= accepted.max() ?? 0)
      let lines = try await queue.everything()
      #expect(UInt64(lines.count) == queue.status.last)
      for number in accepted {
        #expect(String(decoding: lines[Int(number - 1)], as: UTF8.self).contains("killed \(number)\""))
      }
      #expect(await queue.verify().isGood)
      await queue.close()
    }
  }
}

/// Appends from eight tasks until the process kills itself in the middle.
private func appendUntilKilled(in path: String) async throws {
  var settings = QueueSettings(path: path + "/queue.db")
  settings.checkpointPages = 50
  settings.reserveBytes = 0
  let queue = try await EventQueue.open(settings, source: line3, logger: silent)
  let start = queue.status.last
  let log = Glibc.open(path + "/accepted", O_WRONLY | O_CREAT | O_APPEND, 0o600)
  try await withThrowingTaskGroup(of: Void.self) { group in
    for _ in 0..<8 {
      group.addTask {
        while true {
          let done = try await queue.append { place in Entry(events: [event("killed \(place.first)")]) }
          let text = Array("\(done.place.first)\n".utf8)
          _ = write(log, text, text.count)
          if done.place.first > start + 200 { kill(getpid(), SIGKILL) }
        }
      }
    }
    try await group.waitForAll()
  }
}
