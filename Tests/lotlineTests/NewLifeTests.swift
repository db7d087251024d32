import Devices
import Events
import Foundation
import Glibc
import Logging
import Queue
import TestParts
import Testing

/// A line PC whose queue file was put back from a copy: what is in effect is said anew at once.
@Suite(.timeLimit(minutes: 5)) struct NewLifeTests {
  @Test func `the contexts of all stations begin a new life, without any report of a device`() async throws {
    let scratch = try ScratchFolder()
    let guns = try ["gun-1", "gun-2"].map { try SimulatedScanner(link: scratch.file($0)) }
    let line = try LineFolder(
      plcs: [], scanners: [.init(name: "gun-1", link: guns[0].link), .init(name: "gun-2", link: guns[1].link)])
    let path = line.scratch.file("queue.db")
    let first = try line.startEdge()
    for (gun, code) in zip(guns, ["OP-0001", "OP-0002"]) {
      try await eventually("\(code) is taken; \(first.said)") {
        try await gun.scan(Array("\(code)\r".utf8)).first == 0x06
      }
    }
    first.signal(SIGTERM)
    #expect(try await first.ended(within: .seconds(30)) == 0)
    try FileManager.default.copyItem(atPath: path, toPath: path + ".copy")
    let second = try line.startEdge()
    try await eventually("it goes on; \(second.said)") { second.said.contains("page is at") }
    second.signal(SIGTERM)
    #expect(try await second.ended(within: .seconds(30)) == 0)

    try FileManager.default.removeItem(atPath: path)
    try FileManager.default.moveItem(atPath: path + ".copy", toPath: path)
    for gun in guns { await gun.unplug() }
    let third = try line.startEdge()
    try await eventually("it goes on; \(third.said)") { third.said.contains("gun-2 is offline") }
    third.signal(SIGTERM)
    #expect(try await third.ended(within: .seconds(30)) == 0)

    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let queue = try await EventQueue.open(QueueSettings(path: path), source: LineFolder.name, logger: quiet)
    let events = try await queue.newest(limit: 100).lines.compactMap { JSON($0) }
    #expect(events.first?["type"]?.text == "lotline.started")
    let contexts = events.compactMap { $0["data"].flatMap { ContextData($0) } }
    #expect(contexts.map(\.station) == ["ST10", "ST20"])
    #expect(contexts.map(\.to) == ["0001", "0002"] && contexts.map(\.how) == [.scanned, .scanned])
    let former = queue.status.incarnations.first?.incarnation
    for context in contexts {
      guard case .event(let id)? = context.by else {
        Issue.record("\(context) does not name its scan by the full id")
        continue
      }
      #expect(id.incarnation == former)
    }
    await queue.close()
  }
}
