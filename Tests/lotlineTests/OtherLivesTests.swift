import Events
import Foundation
import Glibc
import TestParts
import Testing

/// One of the two ends is not the one that it was: put back from a copy, replaced, cloned, made anew.
///
/// Each scan is acknowledged by a real edge, and at the end every acknowledged code is at the central once; the
/// chains of the central's store are followed by the program and by a foreign verifier.
@Suite(
  .serialized, .timeLimit(minutes: 5),
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"), "needs python3 for the comparison"))
struct OtherLivesTests {
  @Test func `a central put back from an old backup gets again what it lost, and both ends say so`() async throws {
    let pair = try await Pair()
    try await pair.scan(1...3)
    try await pair.arrived()
    let copy = pair.line.scratch.file("copy.db")
    #expect(try await pair.run("central", "backup", copy, "--config", pair.line.central).status == 0)
    try await pair.scan(4...6)
    try await pair.arrived()
    try await pair.stop(pair.central)
    let restored = try await pair.run("central", "restore", copy, "--config", pair.line.central)
    #expect(restored.status == 0, "\(restored)")
    try await pair.scan(7...8)
    try await pair.startCentral()
    try await pair.arrived()
    try await pair.expectsRewind(isHere: true)
    for kind in ["sequence-hole", "conflict"] { #expect(try await pair.gaps(kind).isEmpty) }
    try await pair.compareAndStop()
  }

  @Test func `an empty central in the place of one that is lost gets all that is still here`() async throws {
    let pair = try await Pair()
    try await pair.scan(1...4)
    try await pair.arrived()
    try await pair.central.killed()
    try pair.removeStore()
    try await pair.startCentral()
    try await pair.scan(5...6)
    try await pair.arrived()
    try await pair.expectsRewind(isHere: true)
    #expect(try await pair.gaps("sequence-hole").isEmpty)
    try await pair.compareAndStop()
  }

  @Test func `what is nowhere any more is a hole that names its numbers, and the rest is there`() async throws {
    // Without backups what the central has is safe, and this edge keeps nothing of it.
    let pair = try await Pair(keep: "0s")
    try await pair.scan(1...3)
    try await pair.arrived()
    let copy = pair.line.scratch.file("copy.db")
    #expect(try await pair.run("central", "backup", copy, "--config", pair.line.central).status == 0)
    try await pair.scan(4...6)
    try await pair.arrived()
    try await eventually("the edge lets go of it; \(pair.edge.said)") { try await pair.queue()["rows"]?.whole ?? 9 < 4 }
    try await pair.stop(pair.central)
    #expect(try await pair.run("central", "restore", copy, "--config", pair.line.central).status == 0)
    try await pair.startCentral()
    try await pair.scan(7...8)
    try await pair.arrived([1, 2, 3, 7, 8])
    try await pair.expectsRewind(isHere: false)
    let hole = try #require(try await pair.gaps("sequence-hole").first)
    #expect(hole["count"]?.whole ?? 0 >= 3)
    try await pair.compareAndStop(lost: ["SN4", "SN5", "SN6"])
  }

  @Test func `a PC put back from an image goes on as another incarnation, and no event takes another's place`()
    async throws
  {
    let pair = try await Pair()
    try await pair.scan(1...3)
    try await pair.stop(pair.edge)
    let image = try pair.image()
    try await pair.startEdge()
    try await pair.scan(4...6)
    try await pair.arrived()
    try await pair.edge.killed()
    try pair.putBack(image)
    try await pair.startEdge()
    try await pair.scan(7...9)
    try await pair.arrived()
    try await pair.expectsNewLife()
    try await pair.compareAndStop()
  }

  @Test func `a PC and its clone lose nothing that either accepted`() async throws {
    let pair = try await Pair()
    try await pair.scan(1...3)
    try await pair.arrived()
    try await pair.stop(pair.edge)
    let clone = try await pair.clone()
    try await pair.startEdge()
    for number in 4...6 {
      try await pair.scan(number...number)
      try await clone.scan(number + 100)
    }
    pair.accepted.formUnion(await clone.gun.acknowledged)
    try await pair.arrived([1, 2, 3, 4, 5, 6, 104, 105, 106])
    let words = clone.edge.said + pair.edge.said
    #expect(words.contains("Both are kept; a new incarnation begins"), "\(words)")
    #expect(try await !pair.gaps("conflict").isEmpty)
    try await pair.stop(clone.edge)
    try await pair.compareAndStop()
  }

  @Test func `a PC installed anew begins another incarnation, and what it sent before stays`() async throws {
    let pair = try await Pair()
    try await pair.scan(1...3)
    try await pair.arrived()
    try await pair.edge.killed()
    for name in try FileManager.default.contentsOfDirectory(atPath: pair.line.scratch.path)
    where name.hasPrefix("queue.db") {
      try FileManager.default.removeItem(atPath: pair.line.scratch.file(name))
    }
    try await pair.startEdge()
    try await pair.scan(4...5)
    try await pair.arrived()
    #expect(try await pair.sources().count == 2)
    try await pair.compareAndStop()
  }

  @Test func `a central that is killed between its commit and its answer stores nothing twice`() async throws {
    let pair = try await Pair(severed: true)
    try await pair.scan(1...2)
    try await pair.arrived()
    for round in 0..<3 {
      let relay = try #require(pair.relay)
      relay.severNext()
      try await pair.scan((3 + round)...(3 + round))
      // The relay has the answer, which is given after the commit, and the edge never gets it.
      try await eventually("an answer is cut off; \(pair.edge.said)") { relay.hasSevered }
      try await pair.central.killed()
      try await pair.startCentral()
      try await pair.arrived()
    }
    for kind in ["sequence-hole", "conflict"] { #expect(try await pair.gaps(kind).isEmpty) }
    try await pair.compareAndStop()
  }
}
