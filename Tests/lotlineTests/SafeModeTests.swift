import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

@testable import lotline

/// A daemon that is started again and again: it goes on with the settings that ran well, and needs nobody for that.
@Suite(.timeLimit(minutes: 5))
struct SafeModeTests {
  @Test func `settings that cannot be used are survived after five starts, and are taken once they are right`()
    async throws
  {
    let bench = try await Bench()
    try bench.keepGood()
    let right = try String(contentsOfFile: bench.line.edge, encoding: .utf8)
    try bench.line.change("edge.yaml", "unit-ends: cycle", to: "unit-ends: never")
    for start in 1...5 {
      let edge = try bench.line.startEdge()
      #expect(try await edge.ended() == 1, "start \(start): \(edge.said)")
      #expect(edge.said.contains("unit-ends: found \"never\""))
    }
    let edge = try bench.line.startEdge()
    try await bench.makesPieces("in safe mode", edge)
    #expect(edge.said.contains("critical safe mode: the daemon was started 6 times within a minute, and the files"))
    #expect(edge.said.contains("unit-ends: found \"never\""))
    let shown = try await Program.run(["status", "--config", bench.line.edge], in: bench.line.scratch)
    #expect(
      shown.status == 1 && shown.output.contains("\nsafe mode: the daemon was started 6 times"), "\(shown.output)")
    let page = try await CentralAnswers(url: bench.line.edgeURL).get("/").body
    #expect(String(decoding: page, as: UTF8.self).contains("safe mode since "))
    #expect(try await bench.metrics().contains("\nlotline_safe_mode 1\n"))

    try bench.line.scratch.write("edge.yaml", right.replacing("unit-ends: cycle", with: "title: Press"))
    edge.signal(SIGHUP)
    try await eventually("safe mode ends; \(edge.said)") { edge.said.contains("notice safe mode is over") }
    #expect(try await bench.metrics().contains("\nlotline_safe_mode 0\n"))
    try await bench.makesPieces("with the new settings", edge)
    let findings = try await bench.events().compactMap { $0["data"].flatMap { FindingData($0) } }
      .filter { $0.kind == .safeMode }
    #expect(findings.count == 2 && findings[0].from == findings[1].from && findings[1].to != nil, "\(findings)")
    try await bench.end(edge)
    #expect(try starts(bench.line.scratch).times.count == 5, "a start that ended in order does not count")
  }

  @Test func `settings that are no YAML any more are survived too, and the commands find the daemon`() async throws {
    let bench = try await Bench()
    try bench.keepGood()
    try bench.line.scratch.write("edge.yaml", "source: [test\n")
    try bench.plant(Starts.most)
    let environment = ["STATE_DIRECTORY": bench.line.scratch.path]
    let edge = try Program(
      ["edge", "run", "--config", bench.line.edge], in: bench.line.scratch, name: "edge", environment: environment)
    try await bench.makesPieces("in safe mode", edge)
    let status = try Program(
      ["status", "--json", "--config", bench.line.edge], in: bench.line.scratch, name: "status",
      environment: environment)
    try await status.ended()
    #expect(JSON(Array(status.printed.utf8))?["settings"]?["safe_mode"]?["why"]?.text?.contains("6 times") == true)
    try await bench.end(edge)
  }

  @Test func `settings with which it is killed again and again are left for those that ran well`() async throws {
    let bench = try await Bench()
    try bench.keepGood()
    try bench.line.change("edge.yaml", "unit-ends: cycle", to: "title: Other")
    for _ in 1...5 {
      let edge = try bench.line.startEdge()
      try await eventually("it runs; \(edge.said)") { edge.said.contains("page is at") }
      #expect(!edge.said.contains("safe mode"))
      try await edge.killed()
    }
    let edge = try bench.line.startEdge()
    try await bench.makesPieces("in safe mode", edge)
    #expect(edge.said.contains("critical safe mode: the daemon was started 6 times within a minute with the settings"))
    try await bench.end(edge)
  }

  @Test func `damaged files of its own keep no daemon from starting`() async throws {
    let bench = try await Bench()
    try bench.keepGood()
    let good = bench.line.scratch.file("edge.good-settings")
    var bytes = Array(try #require(FileManager.default.contents(atPath: good)))
    bytes[bytes.count / 2] ^= 0x20
    try Data(bytes).write(to: URL(filePath: good))
    #expect(GoodSettings(folder: bench.line.scratch.path, path: bench.line.edge) == nil, "one bit is another")
    try bench.plant(Starts.most)
    var edge = try bench.line.startEdge()
    try await bench.makesPieces("with the files, since nothing else is whole", edge)
    try await edge.killed()
    try Data([0, 255, 10, 10, 7]).write(to: URL(filePath: bench.line.scratch.file("edge.starts")))
    edge = try bench.line.startEdge()
    try await bench.makesPieces("without known starts", edge)
    #expect(try starts(bench.line.scratch).times.count == 1)
    try await bench.end(edge)
  }

  @Test(.timeLimit(minutes: 5), .enabled(if: Proof.isOn, "takes more than a minute: runs in make proof"))
  func `Proof: settings that run for a minute are kept, and the next bad ones are survived with them`() async throws {
    let bench = try await Bench()
    var edge = try bench.line.startEdge()
    try await eventually("they are kept; \(edge.said)", within: .seconds(120)) {
      GoodSettings(folder: bench.line.scratch.path, path: bench.line.edge) != nil
    }
    try await edge.killed()
    try bench.line.change("edge.yaml", "unit-ends: cycle", to: "unit-ends: never")
    var failed = 0
    while true {
      edge = try bench.line.startEdge()
      try await eventually("it ends or runs; \(edge.said)") { !edge.isRunning || edge.said.contains("page is at") }
      if edge.isRunning { break }
      failed += 1
    }
    #expect(failed == 5)
    try await bench.makesPieces("in safe mode", edge)
    try await bench.end(edge)
  }

  private func starts(_ folder: ScratchFolder) throws -> Starts {
    try #require(Starts(text: String(contentsOfFile: folder.file("edge.starts"), encoding: .utf8)))
  }

  /// A press that makes pieces as long as somebody acknowledges them.
  private final class Bench: Sendable {
    let plc: SerialPLC
    let line: LineFolder
    private let load: Task<Void, Never>

    init() async throws {
      let plc = try await SerialPLC.some(1)[0]
      self.plc = plc
      line = try LineFolder(plcs: [.init(plc)], scanners: [], pulled: true)
      load = Task { await plc.run() }
    }

    deinit { load.cancel() }

    /// As a daemon does that ran for a minute with the files as they are.
    func keepGood() throws {
      let settings = try EdgeSettings.read(line.edge)
      try GoodSettings(path: line.edge, since: Moment.now().time, files: settings.files).write(to: line.scratch.path)
    }

    /// As so many starts do that came to nothing.
    func plant(_ count: Int) throws {
      let file = StartsFile(folder: line.scratch.path)
      for _ in 0..<count { _ = file.begin(at: .now(), boot: try boot()) }
    }

    private func boot() throws -> String {
      try String(contentsOfFile: "/proc/sys/kernel/random/boot_id", encoding: .utf8).filter { !$0.isWhitespace }
    }

    func makesPieces(_ when: String, _ edge: Program) async throws {
      let before = await plc.acknowledged.count
      try await eventually("pieces are recorded \(when); \(edge.said)") {
        await self.plc.acknowledged.count > before + 1
      }
    }

    func metrics() async throws -> String {
      String(decoding: try await CentralAnswers(url: line.edgeURL).get("/metrics").body, as: UTF8.self)
    }

    func events() async throws -> [JSON] {
      let answer = try await CentralAnswers(url: line.edgeURL).get("/v1/events?after=0&limit=1000")
      return answer.body.split(separator: UInt8(ascii: "\n")).compactMap { JSON(Array($0)) }
    }

    func end(_ edge: Program) async throws {
      edge.signal(SIGTERM)
      #expect(try await edge.ended() == 0, "\(edge.said)")
    }
  }
}

/// What is decided at a start, without a daemon.
struct StartPlanTests {
  private let second: UInt64 = 1_000_000_000

  @Test func `starts count for a minute, and come back from their text`() throws {
    var starts = Starts(boot: "b")
    let counts = (0..<8).map { starts.add(100 * second + UInt64($0) * 10 * second) }
    #expect(counts == [0, 1, 2, 3, 4, 5, 5, 5])
    #expect(Starts(text: starts.text) == starts)
    starts.removeLast()
    let next = starts.add(200 * second)
    #expect(next == 2, "those of 150 and 160 s")
  }

  @Test(arguments: [
    "", "lotline-starts-1\nb\n", "lotline-starts-1\nb\nx\n", "lotline-starts-1\nb\n12", "lotline-starts-2\nb\n1\n",
  ])
  func `a damaged text is none`(_ text: String) { #expect(Starts(text: text)?.times ?? [] == []) }

  @Test func `a crash loop with settings that ran well before is not put down to them`() throws {
    let folder = try SettingsFolder.make()
    let path = folder.file("edge.yaml")
    let files = try EdgeSettings.read(path)
    let now = Moment.now().time
    let good = GoodSettings(path: path, since: now, files: files.files)
    func plan(_ recent: Int) throws -> StartPlan {
      try StartPlan(files: .success(files), recent: recent, at: now) { (good, try! good.read()) }
    }
    #expect(try plan(4).safeMode == nil && plan(4).warning == nil)
    #expect(try plan(5).safeMode == nil && plan(5).warning?.contains("6 times") == true)
    try folder.write("devices/gun.yaml", SettingsFolder.gun.replacing("9600", with: "19200"))
    let other = try EdgeSettings.read(path)
    let safe = try StartPlan(files: .success(other), recent: 5, at: now) { (good, try! good.read()) }
    #expect(safe.safeMode != nil && safe.settings.files.map(\.text) == files.files.map(\.text), "a map is one of them")
    #expect(throws: (any Error).self) {
      try StartPlan(files: .failure(CancellationError()), recent: 5, at: now) { nil }
    }
  }

  @Test func `settings are good after a minute in which the queue took events`() {
    var trial = GoodWatch.Trial()
    let start = ContinuousClock.now
    func look(_ text: String, _ seconds: Int, isWell: Bool = true) -> Bool {
      trial.isOver(["edge.yaml": text], isWell: isWell, at: start + .seconds(seconds))
    }
    let early = [look("a", 0), look("a", 59)]
    #expect(early == [false, false])
    let late = look("a", 60)
    #expect(late)
    let others = [look("b", 61), look("b", 120), look("b", 121, isWell: false), look("b", 180)]
    #expect(others == [false, false, false, false])
    let well = look("b", 181)
    #expect(well)
  }
}
