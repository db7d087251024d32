import Events
import Foundation
import Glibc
import TestParts
import Testing

/// The line's page in a real browser.
@Suite(
  .enabled(
    if: Program.hasPython && FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium"),
    "needs chromium, and .parts/venv with playwright: make test makes both"),
  .timeLimit(minutes: 5))
struct EdgePageTests {
  @Test func `the line's page reads well on a phone and at a desk, in the time on the wall`() async throws {
    let plcs = try await SerialPLC.some(1)
    let line = try LineFolder(plcs: plcs.map { .init($0) }, scanners: [.init(name: "gun-1", link: "/dev/no-such-gun")])
    let edge = try line.startEdge()
    let making = Task { await plcs[0].run() }
    try await eventually("some pieces are made; \(edge.said)") { await plcs[0].acknowledged.count >= 8 }
    making.cancel()
    // The central is not there, so that the heading has a time in it.
    try await eventually("the central is missed; \(edge.said)") { edge.said.contains("is away") }
    let mark = "the page is at "
    let said = edge.said.split(separator: "\n").map(String.init).first { $0.contains(mark) }
    let url = try #require(said?.components(separatedBy: mark).last)
    let seen = try await Program.run(
      Program.python, [Program.tree + "/Tests/foreign/edge_page.py", url], in: line.scratch)
    #expect(seen.status == 0, "\(seen.output)\(seen.messages)")
    let found = try #require(JSON(Array(seen.output.utf8)))
    #expect(found["problems"]?.items?.isEmpty == true)
    #expect(
      found["headings"]?.items?.allSatisfy { $0.text?.contains("capturing, central away since ") == true } == true,
      "\(seen.output)")
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(30)) == 0)
  }
}
