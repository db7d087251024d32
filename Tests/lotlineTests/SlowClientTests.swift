import Foundation
import TestParts
import Testing

/// Clients that take for ever over their requests, at both ends.
@Suite(
  .timeLimit(minutes: 5),
  .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/python3"), "needs python3 for the clients"))
struct SlowClientTests {
  @Test func `a thousand clients that drip keep nobody out, and the line goes on`() async throws {
    let pair = try await Pair()
    try await pair.scan(1...2)
    try await pair.arrived()
    let ends = [(pair.central, pair.line.centralPort), (pair.edge, pair.line.edgePort)]
    let before = try ends.map { try Self.residentMegabytes($0.0) }
    let crowds = try ends.map { end in
      try Program(
        "/usr/bin/python3", ["\(Program.tree)/Tests/foreign/drip.py", "\(end.1)", "500"], in: pair.line.scratch,
        name: "drip")
    }
    for (crowd, (program, port)) in zip(crowds, ends) {
      try await eventually(
        "some are closed at \(port); \(crowd.said) \(program.said.suffix(600))", within: .seconds(60)
      ) {
        Self.closed(crowd) > 500
      }
    }
    for number in 3...12 { try await pair.scan(number...number) }
    try await pair.arrived()
    for url in [pair.line.centralURL, pair.line.edgeURL] {
      for _ in 0..<10 {
        try await eventually("\(url) answers", within: .seconds(60)) {
          (try? await CentralAnswers(url: url).get("/healthz"))?.status == 200
        }
      }
    }
    for (crowd, (program, former)) in zip(crowds, zip(ends.map(\.0), before)) {
      #expect(crowd.isRunning, "\(crowd.said)")
      let now = try Self.residentMegabytes(program)
      let isBounded = now < former + 64 || !isMemoryOurs
      #expect(isBounded, "\(former) MB before, \(now) MB with \(Self.closed(crowd)) closed")
      try crowd.closeInput()
      try await crowd.ended()
    }
    try await pair.compareAndStop()
  }

  private static func closed(_ crowd: Program) -> Int {
    crowd.lines.last?.split(separator: " ").last.flatMap { Int($0) } ?? 0
  }

  private static func residentMegabytes(_ program: Program) throws -> Int {
    let status = try String(contentsOfFile: "/proc/\(program.processIdentifier)/status", encoding: .utf8)
    let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("VmRSS:") })
    return try #require(line.split(separator: " ").dropLast().last.flatMap { Int($0) }) / 1024
  }
}
