import Events
import Foundation
import TestParts
import Testing

/// `lotline demo` as people start it: processes, settings files, misfortunes, and the comparison at the end.
@Suite(.timeLimit(minutes: 5))
struct DemoRunTests {
  @Test func `what the line did is found again at the central, gaps included`() async throws {
    let folder = try ScratchFolder()
    let run = try await Program.run(arguments: ["demo", "--for", "20s", "--seed", "7", "--json"], in: folder)
    let summary = try #require(JSON(Array(run.output.utf8)), "\(run.messages.suffix(4000))")
    #expect(summary["agrees"]?.flag == true, "\(run.output)")
    #expect(summary["seed"]?.whole == 7)
    #expect(run.status == 0)
    let rows = summary["rows"]?.items ?? []
    for what in ["units", "cycles", "values", "coils", "scans", "gaps: missed-cycles", "gaps: daemon-down"] {
      let row = rows.first { $0["what"]?.text == what }
      #expect((row?["expected"]?.whole ?? 0) > 0, "\(what)")
    }
    #expect(summary["misfortunes"]?.items?.count == 8)
  }

  @Test func `a cycle that is hidden from the ledger is found out`() async throws {
    let folder = try ScratchFolder()
    let run = try await Program.run(
      arguments: ["demo", "--for", "15s", "--seed", "11", "--json", "--hide-cycle"], in: folder)
    #expect(run.status == 1)
    let summary = try #require(JSON(Array(run.output.utf8)), "\(run.messages.suffix(4000))")
    #expect(summary["agrees"]?.flag == false)
    let differences = (summary["differences"]?.items ?? []).compactMap(\.text)
    #expect(differences.contains { $0.contains("recorded, and the PLC did not make it") }, "\(differences)")
    #expect(differences.count <= 3, "all of it is about the one hidden cycle: \(differences)")
    let kept = try #require(summary["folder"]?.text)
    #expect(FileManager.default.fileExists(atPath: kept + "/edge.yaml"))
    try FileManager.default.removeItem(atPath: kept)
  }

  @Test func `an interrupt ends it with a summary`() async throws {
    let folder = try ScratchFolder()
    let demo = try Program(["demo", "--seed", "3", "--json"], in: folder, name: "demo")
    try await eventually("units are made", within: .seconds(60)) { demo.said.contains("done") }
    demo.signal(SIGINT)
    #expect(try await demo.ended(within: .seconds(90)) == 0, "\(demo.printed) \(demo.said.suffix(2000))")
    #expect(JSON(Array(demo.printed.utf8))?["agrees"]?.flag == true)
  }

  @Test(arguments: ["1s", "soon", "60"]) func `a time that is none is refused`(length: String) async throws {
    let folder = try ScratchFolder()
    let run = try await Program.run(arguments: ["demo", "--for", length], in: folder)
    #expect(run.status == 64)
    #expect(run.messages.contains("at least 15s"))
  }
}

extension Program {
  /// Runs our own program to its end, with time enough for a demo beside other tests.
  fileprivate static func run(arguments: [String], in folder: ScratchFolder) async throws
    -> (status: Int32, output: String, messages: String)
  {
    try await run(lotline, arguments, in: folder, within: .seconds(240))
  }
}
