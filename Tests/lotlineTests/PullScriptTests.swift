import Events
import Foundation
import TestParts
import Testing

/// `docs/pull.sh`, which shows a third party how to pull, against the real daemon.
@Suite(
  .timeLimit(minutes: 5),
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/curl"), "needs curl"))
struct PullScriptTests {
  private func pull(_ pair: Pair, _ folder: String) async throws -> (
    status: Int32, output: String, messages: String
  ) {
    try await Program.run(
      "/bin/bash", ["\(Program.tree)/docs/pull.sh", pair.line.edgeURL, "historian", folder, "--once"],
      in: pair.line.scratch, within: .seconds(90))
  }

  @Test func `the script has every line as it is, goes on where it was, and is known by its name`() async throws {
    let pair = try await Pair()
    let folder = pair.line.scratch.file("pulled")
    try await pair.scan(1...2)
    let first = try await pull(pair, folder)
    #expect(first.status == 0, "\(first)")
    try await pair.scan(3...4)
    // As a power cut leaves it: lines that were written, and not noted.
    let incarnation = try #require(try await pair.status()["incarnation"]?.text)
    let file = "\(folder)/\(incarnation).ndjson"
    let torn = try #require(FileHandle(forWritingAtPath: file))
    try torn.seekToEnd()
    try torn.write(contentsOf: Data("{\"specver".utf8))
    try torn.close()
    let second = try await pull(pair, folder)
    #expect(second.status == 0, "\(second)")

    let consumer = try #require(try await pair.queue()["consumers"]?["historian"])
    let through = try #require(consumer["received_through"]?.whole)
    #expect(consumer["frees"]?.flag == false && through > 4)
    let body = try await CentralAnswers(url: pair.line.edgeURL).get(
      "/v1/events?after=0&limit=\(through)", accept: "application/x-ndjson"
    ).body
    #expect(try Data(contentsOf: URL(filePath: file)) == Data(body))
    let codes = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n").compactMap {
      JSON(Array($0.utf8))?["data"].flatMap { ScanData($0) }?.text
    }
    #expect(codes == ["SN1", "SN2", "SN3", "SN4"])
    #expect(try await pair.run("verify", file).status == 0)

    // Another history under the same numbers: it stops, says where, and confirms nothing.
    try await pair.scan(5...5)
    let position = "\(folder)/position"
    let told = try String(contentsOfFile: position, encoding: .utf8).split(separator: " ")
    let other = "\(told[0]) \(told[1]) \(String(repeating: "a", count: 64)) \(told[3])"
    try other.write(toFile: position, atomically: true, encoding: .utf8)
    let third = try await pull(pair, folder)
    #expect(third.status == 1, "\(third)")
    #expect(third.messages.contains("event \(told[1]) of \(told[0]) is another one than the one that was pulled"))
    #expect(try await pair.queue()["consumers"]?["historian"]?["received_through"]?.whole == through)
    try await pair.arrived()
    try await pair.compareAndStop()
  }
}
