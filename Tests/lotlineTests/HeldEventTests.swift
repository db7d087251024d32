import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A central, behind a proxy that knows nothing of us, which refuses one scan for what it says.
@Suite(.enabled(if: Program.hasPython, "needs the Python of make test"), .timeLimit(minutes: 5))
struct HeldEventTests {
  private static let poison = "SN100666"
  /// What its scan alone has: the context that it sets says only what it means.
  private static let raw = hex(Array("\(poison)\r".utf8))

  @Test(arguments: [422, 413, 500])
  func `one refused scan keeps nobody waiting, outlives kills, and is there in the end`(_ status: Int) async throws {
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun-1"))
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: gun.link)])
    let rules = try folder.write("rules", "\(status) \(Self.raw)\n")
    let central = try line.startCentral()
    let answers = CentralAnswers(url: line.centralURL)
    try await answers.ready()
    let proxy = try Program(
      Program.python, [Program.tree + "/Tests/foreign/picky_proxy.py", line.centralURL, rules], in: folder,
      name: "proxy")
    try await eventually("the proxy listens; \(proxy.said)") { proxy.lines.first.flatMap { Int($0) } != nil }
    try line.change("edge.yaml", "url: \"\(line.centralURL)\"", to: "url: \"http://127.0.0.1:\(proxy.lines[0])\"")

    var edge = try line.startEdge()
    for code in ["SN100001", Self.poison, "SN100002", "SN100003"] { try await scan(code, gun, edge) }
    try await eventually("the scans behind it are there; \(edge.said.suffix(900))", within: .seconds(90)) {
      try await scans(answers).isSuperset(of: ["SN100001", "SN100002", "SN100003"])
    }
    let first = try await alarms(edge, line, answers, status)
    try await edge.killed()

    // Held still, and sent once more after the start.
    edge = try line.startEdge()
    try await eventually("it was sent again; \(edge.said.suffix(900))", within: .seconds(90)) {
      try await held(line).first?["resent"]?.whole ?? 0 >= 1
    }
    #expect(try await held(line).map { $0["id"]?.text } == [first])
    #expect(edge.said.contains("1 events are held back, the first is \(first)"))
    try await scan("SN100004", gun, edge)
    try await eventually("what comes later is there") { try await scans(answers).contains("SN100004") }
    #expect(try await !scans(answers).contains(Self.poison))
    try await edge.killed()

    try FileManager.default.removeItem(atPath: rules)
    edge = try line.startEdge()
    try await eventually("it is there; \(edge.said.suffix(900))", within: .seconds(90)) {
      let isThere = try await scans(answers).contains(Self.poison)
      let isHeld = try await !held(line).isEmpty
      return isThere && !isHeld
    }
    #expect(edge.said.contains("has event \(first) now, which was held back"))
    #expect(try await answers.all("/v1/gaps?kind=held").isEmpty)
    edge.signal(SIGTERM)
    #expect(try await edge.ended() == 0)
    try await verify(answers, line)
    central.signal(SIGTERM)
    #expect(try await central.ended() == 0)
    try await proxy.killed()
  }

  private func scan(_ code: String, _ gun: SimulatedScanner, _ edge: Program) async throws {
    try await eventually("\(code) is taken; \(edge.said.suffix(600))") {
      try await gun.scan(Array("\(code)\r".utf8)).first == 0x06
    }
  }

  /// The codes of the scans that the central has.
  private func scans(_ answers: CentralAnswers) async throws -> Set<String> {
    Set(try await answers.all("/v1/events?type=lotline.scan&limit=100").compactMap { $0["data"]?["text"]?.text })
  }

  private func held(_ line: LineFolder) async throws -> [JSON] {
    guard let answer = try? await CentralAnswers(url: line.edgeURL).json("/v1/status") else { return [] }
    return answer["queue"]?["held"]?.items ?? []
  }

  /// Both ends show what is held; gives the event's id.
  private func alarms(_ edge: Program, _ line: LineFolder, _ answers: CentralAnswers, _ status: Int) async throws
    -> String
  {
    var events: [JSON] = []
    try await eventually("the edge shows it") {
      events = try await held(line)
      return !events.isEmpty
    }
    let id = try #require(events.first?["id"]?.text)
    #expect(events.count == 1 && events[0]["why"]?.text?.contains("\(status)") == true)
    #expect(edge.said.contains("critical") && edge.said.contains("does not take event \(id): it answers \(status)"))
    let asked = CentralAnswers(url: line.edgeURL)
    let metrics = String(decoding: try await asked.get("/metrics").body, as: UTF8.self)
    #expect(metrics.contains("lotline_held_events 1\n"))
    let page = String(decoding: try await asked.get("/").body, as: UTF8.self)
    #expect(page.contains("1 event that it does not take") && page.contains(id))
    let gaps = try await answers.all("/v1/gaps?kind=held")
    #expect(gaps.count == 1 && gaps[0]["count"]?.whole == 1)
    let shown = try await Program.run(["status", "--config", line.edge], in: line.scratch)
    #expect(shown.output.contains("event \(id)"))
    return id
  }

  /// The central's events as one export and its store, followed by programs that know only the formula.
  private func verify(_ answers: CentralAnswers, _ line: LineFolder) async throws {
    let sources = try await answers.json("/v1/sources")
    let incarnation = try #require(sources["items"]?.items?.first?["incarnations"]?.items?.first?["incarnation"]?.text)
    let foreign = try await Program.run(
      Program.python,
      [
        Program.tree + "/Tests/foreign/verify_chain.py",
        "\(answers.url)/v1/events?source=\(LineFolder.source)&incarnation=\(incarnation)",
      ], in: line.scratch)
    #expect(foreign.status == 0, "\(foreign.output)\(foreign.messages)")
    #expect((JSON(Array(foreign.output.utf8))?["events"]?.whole ?? 0) > 8)
    let store = try await Program.run(["verify", line.scratch.file("central.db")], in: line.scratch)
    #expect(store.status == 0, "\(store.output)\(store.messages)")
  }
}
