import Foundation
import Glibc
import Logging
import Machine
import NIOConcurrencyHelpers
import TestParts
import Testing

@testable import lotline

/// What the journal gets of the daemon's log, at a socket that plays it.
struct JournalTests {
  @Test func `an entry has its message, priority, place in the code, and whose it is`() throws {
    let folder = try ScratchFolder()
    let journal = try NotifySocket(folder)
    let written = NIOLockedValueBox<[String]>([])
    let socket: Journal = try #require(Journal(path: journal.path))
    let log = JournalLog(journal: socket, isUnderJournal: true) { line in
      written.withLockedValue { $0.append(line) }
    }
    var logger = Logger(label: "test") { _ in log }
    logger[metadataKey: "device"] = "gun-1"
    logger[metadataKey: "source"] = "plant1.line3.pc1"
    logger.warning("it is\naway", metadata: ["station": "ST10", "tries": "3"])
    let entry = try #require(journal.heard().first)
    let fields = Dictionary(
      entry.split(separator: "\n").map { $0.split(separator: "=", maxSplits: 1).map(String.init) }
        .map { ($0[0], $0.count > 1 ? $0[1] : "") }, uniquingKeysWith: { first, _ in first })
    #expect(fields["PRIORITY"] == "4" && fields["SYSLOG_IDENTIFIER"] == "lotline")
    #expect(fields["MESSAGE"]?.hasPrefix("it is") == true && fields["MESSAGE"]?.hasSuffix("away tries=3") == true)
    #expect(fields["LOTLINE_DEVICE"] == "gun-1" && fields["LOTLINE_STATION"] == "ST10")
    #expect(fields["LOTLINE_SOURCE"] == "plant1.line3.pc1")
    #expect(fields["CODE_FILE"]?.hasSuffix("JournalTests.swift") == true && fields["CODE_FUNC"] != nil)
    #expect(Int(fields["CODE_LINE"] ?? "") != nil && fields.count == 9, "\(fields)")
    #expect(written.withLockedValue { $0 }.isEmpty)
  }

  @Test func `a journal that does not keep up, or is gone, holds nobody up: the lines go to standard error`() throws {
    let folder = try ScratchFolder()
    let written = NIOLockedValueBox<[String]>([])
    do {
      let socket = try NotifySocket(folder)
      let journal = try #require(Journal(path: socket.path))
      let logger = Logger(label: "test") { _ in
        JournalLog(journal: journal, isUnderJournal: true) { line in written.withLockedValue { $0.append(line) } }
      }
      // Nobody reads: the socket takes some and then no more.
      for number in 0..<5000 { logger.error("line \(number)") }
      let taken = socket.heard().count
      #expect(taken > 0 && taken < 5000)
      #expect(written.withLockedValue { $0.count } == 5000 - taken)
      #expect(written.withLockedValue { $0.last } == "<3>line 4999\n")
    }
    #expect(Journal(path: folder.file("nobody")) == nil)
  }

  @Test func `a value of several lines goes with its length`() throws {
    let folder = try ScratchFolder()
    let journal = try NotifySocket(folder)
    #expect(try #require(Journal(path: journal.path)).send([("MESSAGE", "a\nb"), ("PRIORITY", "6")]))
    #expect(journal.heard() == ["MESSAGE\n\u{3}\0\0\0\0\0\0\0a\nb\nPRIORITY=6\n"])
  }

  @Test(.enabled(if: OwnMounts.areAllowed, Comment(rawValue: OwnMounts.reason)), .timeLimit(minutes: 5))
  func `the daemon writes to the journal where its standard error goes there, and plain lines elsewhere`() async throws
  {
    let line = try LineFolder(plcs: [.init(name: "press-1", port: 1)], scanners: [], pulled: true)
    let journal = try NotifySocket(line.scratch)
    func started(_ stream: String) throws -> Program {
      try OwnMounts.start(
        ["edge", "run", "--config", line.edge],
        after: "mkdir -p /run/systemd/journal; mount --bind \(line.scratch.path) /run/systemd/journal; "
          + "ln -sf \(journal.path) /run/systemd/journal/socket; export JOURNAL_STREAM=\(stream)",
        in: line.scratch, name: "edge")
    }
    var edge = try started("$(stat -L -c %d:%i /dev/stderr)")
    var entries: [String] = []
    try await eventually("the journal hears of the device; \(edge.said)") {
      entries += journal.heard()
      return entries.contains { $0.contains("\nLOTLINE_DEVICE=press-1\nLOTLINE_STATION=ST10\n") }
    }
    #expect(entries.allSatisfy { $0.contains("\nLOTLINE_SOURCE=\(LineFolder.source)\n") })
    #expect(edge.said == "")
    edge.signal(SIGTERM)
    try await edge.ended()
    // Turned elsewhere.
    edge = try started("1:2")
    try await eventually("it writes lines; \(edge.said)") { edge.said.contains("page is at") }
    #expect(edge.said.split(separator: "\n").allSatisfy { $0.contains(/^<[2-7]>/) }, "\(edge.said)")
    edge.signal(SIGTERM)
    try await edge.ended()
  }
}
