import AsyncHTTPClient
import Events
import Foundation
import Glibc
import NIOCore
import NIOHTTP1
import TestParts
import Testing

/// Backups of a real central: by command, by plan, and put back.
@Suite(.timeLimit(minutes: 5))
struct CentralBackupTests {
  private let line: LineFolder

  init() throws { line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")]) }

  private func edge(_ count: Int) -> FakeEdge {
    var edge = FakeEdge(LineFolder.source, seed: 1)
    for index in 0..<count { edge.add(StoppedData(why: "event \(index)"), subject: "ST10") }
    return edge
  }

  @discardableResult
  private func push(_ batch: Batch) async throws -> Receipt {
    var request = HTTPClientRequest(url: "\(line.centralURL)/v1/sources/\(LineFolder.source)/events")
    request.method = .POST
    for header in batch.headers { request.headers.add(name: header.name, value: header.value) }
    request.body = .bytes(ByteBuffer(bytes: batch.body))
    let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
    let body = Array(buffer: try await response.body.collect(upTo: 1 << 20))
    return try #require(Receipt(json: body), "\(String(decoding: body, as: UTF8.self))")
  }

  private func central(_ command: String...) async throws -> (status: Int32, output: String, messages: String) {
    try await Program.run(["central"] + command + ["--config", line.central], in: line.scratch)
  }

  private func start() async throws -> Program {
    let central = try line.startCentral()
    try await CentralAnswers(url: line.centralURL).ready()
    return central
  }

  private func stop(_ central: Program) async throws {
    central.signal(SIGTERM)
    #expect(try await central.ended(within: .seconds(30)) == 0, "\(central.said)")
  }

  @Test func `a backup of a running central makes what it holds safe, and is put back only while it is stopped`()
    async throws
  {
    try line.change("central.yaml", "web:", to: "backup: { folder: /nonexistent/folder, every: 1d }\nweb:")
    let edge = edge(60)
    var central = try await start()
    #expect(try await push(edge.batch(1...40)).safeThrough == 0)
    let copy = line.scratch.file("copy.db")
    let backup = try await self.central("backup", copy)
    #expect(backup.status == 0 && backup.output.contains("copy.db has 40 events, verified"), "\(backup)")
    let sum = try await Program.run("/usr/bin/sha256sum", [copy], in: line.scratch)
    #expect(backup.output.contains("sha256 \(sum.output.prefix(64))"))
    let receipt = try await push(edge.batch(41...60))
    #expect(receipt.receivedThrough == 60 && receipt.safeThrough == 40)

    let again = try await self.central("backup", copy)
    #expect(again.status == 1 && again.messages.contains("there is such a file already"), "\(again)")
    let refused = try await self.central("restore", copy)
    #expect(refused.status == 1 && refused.messages.contains("is in use by another lotline (process "), "\(refused)")
    #expect(refused.messages.split(separator: "\n").count == 1)
    let verified = try await self.central("verify")
    #expect(verified.status == 0 && verified.output.contains("60 events of the store are as they were written"))

    // The plan's folder is not there: told in the log, the metrics and the list, and the events are taken all the same.
    try await eventually("the failure is told; \(central.said)") { central.said.contains("no backup of") }
    let answers = CentralAnswers(url: line.centralURL)
    let metrics = String(decoding: try await answers.get("/metrics").body, as: UTF8.self)
    #expect(metrics.contains("\nlotline_central_backup_failing 1\n"), "\(metrics)")
    let list = try await answers.json("/v1/backups")
    #expect(list["plan"]?["failure"]?.text?.contains("/nonexistent/folder") == true)
    #expect(list["items"]?.items?.first?["sha256"]?.text == String(sum.output.prefix(64)))
    let page = String(decoding: try await answers.get("/").body, as: UTF8.self)
    #expect(page.contains("copy.db, 40 events") && page.contains("/nonexistent/folder"))
    try await stop(central)

    let restored = try await self.central("restore", copy)
    #expect(restored.status == 0 && restored.output.contains("now has the 40 events of"), "\(restored)")
    central = try await start()
    let position = try await push(edge.batch(41...41))
    #expect(position.receivedThrough == 41)
    #expect(try await answers.json("/v1/backups")["restored"]?.time != nil)
    try await stop(central)
  }

  @Test func `a stopped central's store is backed up as well, and a rotten copy is named by source and number`()
    async throws
  {
    let edge = edge(300)
    let central = try await start()
    // Without a plan what is received is as safe as it gets.
    #expect(try await push(edge.batch()).safeThrough == 300)
    try await central.killed()
    let copy = line.scratch.file("copy.db")
    let backup = try await self.central("backup", copy, "--json")
    let json = try #require(JSON(Array(backup.output.utf8)), "\(backup)")
    #expect(json["events"]?.whole == 300 && json["file"]?.text == copy)
    #expect(try await self.central("verify", copy).status == 0)
    var bytes = try Data(contentsOf: URL(filePath: copy))
    let word = try #require(bytes.range(of: Data("\"why\":\"event 150\"".utf8)))
    bytes[word.lowerBound + 8] ^= 1
    try bytes.write(to: URL(filePath: copy))
    for command in ["verify", "restore"] {
      let run = try await self.central(command, copy)
      let said = "event 151 of \(LineFolder.source) (\(edge.incarnation):151): its bytes are not what was hashed"
      #expect(run.status == 1 && (run.output + run.messages).contains(said), "\(run)")
    }
    #expect(try await self.central("verify").status == 0)
  }

  @Test func `a central takes backups by plan, verifies them and keeps as many as it is told`() async throws {
    let folder = line.scratch.file("backups")
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try line.change("central.yaml", "web:", to: "backup: { folder: \(folder), every: 60s, keep: 2 }\nweb:")
    for name in ["central-20200101T000000Z.db", "central-20200102T000000Z.db", "central-of-mine.db"] {
      try line.scratch.write("backups/\(name)", "")
    }
    let edge = edge(20)
    var central = try await start()
    try await push(edge.batch())
    let answers = CentralAnswers(url: line.centralURL)
    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: folder).sorted() }
    // The first is taken at once: one of the two old ones goes for it.
    try await eventually("a backup is there and an old one gone; \(central.said)") {
      try names().filter { $0.hasSuffix("Z.db") }.count == 2 && !(try names().contains("central-20200101T000000Z.db"))
    }
    #expect(try names().contains("central-of-mine.db") && !(try names().contains { $0.hasSuffix(".part") }))
    #expect(try await answers.json("/v1/backups")["plan"]?["overdue"]?.flag == false)
    try await stop(central)
    // Not due again: a start takes none.
    let before = try names()
    central = try await start()
    #expect(try await answers.json("/v1/backups")["items"]?.items?.count == 1)
    #expect(try names() == before)
    try await stop(central)
  }
}
