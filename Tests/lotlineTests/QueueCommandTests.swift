import Events
import Foundation
import Glibc
import TestParts
import Testing

/// `lotline queue` and `lotline backup` on a daemon that runs, on its queue when it is stopped, and on a copy.
@Suite(.timeLimit(minutes: 5))
struct QueueCommandTests {
  @Test func `queue says why it is not empty, and a backup of a running queue is the same events`() async throws {
    let pair = try await Pair()
    try await pair.stop(pair.central)
    try await pair.scan(1...3)
    func queue(_ arguments: String...) async throws -> (status: Int32, output: String, messages: String) {
      try await Program.run(["queue", "--config", pair.line.edge] + arguments, in: pair.line.scratch)
    }
    try await eventually("the central is away; \(pair.edge.said)") {
      try await pair.status()["central"]?["state"]?.text == "away"
    }
    let people = try await queue()
    #expect(
      people.status == 0 && people.output.contains("not at the central yet: the central is away since"), "\(people)")
    #expect(people.output.contains("room until events are refused: ") && people.output.contains("the oldest is of "))
    let copy = pair.line.scratch.file("copy.db")
    let backup = try await pair.run("backup", copy, "--config", pair.line.edge)
    #expect(backup.status == 0 && backup.output.contains("events, verified, the last is "), "\(backup)")
    let again = try await pair.run("backup", copy, "--config", pair.line.edge)
    #expect(again.status == 1 && again.messages.contains("there is such a file already"), "\(again)")
    let live = try #require(JSON(Array(try await queue("--json").output.utf8)))
    let copied = try #require(JSON(Array(try await queue(copy, "--json").output.utf8)))
    #expect(copied["events"]?.whole == live["events"]?.whole && live["events"]?.whole ?? 0 > 3)
    #expect(copied["incarnations"] == live["incarnations"])
    #expect(try await pair.run("verify", copy).status == 0)

    try await pair.startCentral()
    try await pair.arrived()
    try await eventually("the central has all") { try await pair.queue()["unsent"]?.whole == 0 }
    let kept = try await queue()
    #expect(kept.output.contains("safe at the central, kept for 30d"), "\(kept.output)")
    try await pair.stop(pair.edge)
    let stopped = try await queue()
    #expect(stopped.status == 0 && stopped.output.contains("safe at the central, kept for 30d"), "\(stopped)")
    #expect(!stopped.output.contains("room until"), "\(stopped)")
    let other = try await pair.run("backup", pair.line.scratch.file("other.db"), "--config", pair.line.edge)
    #expect(other.status == 0 && other.output.contains("other.db has "), "\(other)")

    // The first copy in the place of the queue: known to be old, and nothing takes another's place.
    try? FileManager.default.removeItem(atPath: pair.line.scratch.file("queue.db-wal"))
    try FileManager.default.removeItem(atPath: pair.line.scratch.file("queue.db"))
    try FileManager.default.moveItem(atPath: copy, toPath: pair.line.scratch.file("queue.db"))
    try await pair.startEdge()
    try await pair.scan(4...5)
    try await pair.arrived()
    #expect(pair.edge.said.contains("an older copy of the queue file was put back"), "\(pair.edge.said)")
    try await pair.compareAndStop()
  }
}
