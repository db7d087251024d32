import Events
import Logging
import Queue
import TestParts
import Testing

/// A line PC that starts when its queue is full already.
struct FullQueueTests {
  @Test(.timeLimit(minutes: 5))
  func `an edge with a full queue starts, says that it does not capture, and goes on once the central is there`()
    async throws
  {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/nonexistent/gun-1")])
    let path = line.scratch.file("full.db")
    let held = try await fill(path)
    let port = try freePort()
    try line.scratch.write(
      "full.yaml",
      """
      source: \(LineFolder.source)
      stations: { ST10: }
      queue: { path: \(path), limit: 1MB }
      central: { url: "\(line.centralURL)" }
      web: { listen: "127.0.0.1:\(port)" }

      """)
    let edge = try Program(["edge", "run", "--config", line.scratch.file("full.yaml")], in: line.scratch, name: "edge")
    try await eventually("it says why it does not capture") {
      edge.said.contains("not capturing yet: the queue is full") && edge.said.contains("page is at")
    }
    let central = try Program(["central", "run", "--config", line.central], in: line.scratch, name: "central")
    // The pauses between two tries double to a minute: where a loaded machine is slow to start the central, two of them pass.
    try await eventually("its start is recorded; \(edge.said)", within: .seconds(200)) {
      edge.said.contains("capturing for \(LineFolder.source)")
    }
    edge.signal(15)
    #expect(try await edge.ended() == 0)
    central.signal(15)
    #expect(try await central.ended() == 0)

    let queue = try await EventQueue.open(QueueSettings(path: path), source: LineFolder.name, logger: quiet)
    let last = try await queue.newest(limit: 10).lines.compactMap { JSON($0)?["type"]?.text }
    #expect(queue.status.last > held)
    #expect(last.contains("lotline.started") && last.last == "lotline.stopped")
    await queue.close()
  }

  private let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

  /// Fills a queue up to its limit; how many events it has then.
  private func fill(_ path: String) async throws -> UInt64 {
    var settings = QueueSettings(path: path)
    settings.limitBytes = 1_000_000
    settings.reserveBytes = 0
    let queue = try await EventQueue.open(settings, source: LineFolder.name, logger: quiet)
    let event = Event(StoppedData(why: String(repeating: "x", count: 20_000)), at: .now(), subject: "test")
    while (try? await queue.append { _ in Entry(events: [event]) }) != nil {}
    let last = queue.status.last
    await queue.close()
    return last
  }
}

extension LineFolder {
  static let name = SourceName(source)!
}
