import Foundation
import TestParts
import Testing

/// The alert rules that are delivered for Prometheus, judged by its own tool and by real daemons.
struct AlertRuleTests {
  private static let promtool = "/usr/bin/promtool"
  private static let hasPromtool = FileManager.default.isExecutableFile(atPath: promtool)
  private static let rules = Program.tree + "/docs/alerts.yml"

  @Test(.enabled(if: hasPromtool, "needs promtool: make test installs Debian's prometheus"), .timeLimit(minutes: 6))
  func `Prometheus takes the rules, and each fires when it should and not before`() async throws {
    let folder = try ScratchFolder()
    let check = try await Program.run(Self.promtool, ["check", "rules", Self.rules], in: folder)
    #expect(check.status == 0, "\(check.output)\(check.messages)")
    let files = FileManager.default
    try files.copyItem(atPath: Self.rules, toPath: folder.file("alerts.yml"))
    try files.copyItem(atPath: Program.tree + "/Tests/foreign/alerts_test.yml", toPath: folder.file("test.yml"))
    // Seconds of work, which beside all other tests take minutes.
    let test = try await Program.run(
      Self.promtool, ["test", "rules", folder.file("test.yml")], in: folder, within: .seconds(300))
    #expect(test.status == 0, "\(test.output)\(test.messages)")
    let tested = try String(contentsOfFile: folder.file("test.yml"), encoding: .utf8)
    for name in try alerts() { #expect(tested.contains("alertname: \(name)\n"), "\(name) is not tested") }
  }

  @Test(.timeLimit(minutes: 5))
  func `every metric that a rule asks for is one that a daemon has`() async throws {
    let plc = try await SerialPLC.some(1)[0]
    let line = try LineFolder(plcs: [.init(plc)], scanners: [])
    try FileManager.default.createDirectory(
      atPath: line.scratch.file("backups"), withIntermediateDirectories: false)
    let settings = try String(contentsOfFile: line.central, encoding: .utf8)
    try line.scratch.write(
      "central.yaml", settings + "backup: { folder: \(line.scratch.file("backups")), every: 24h }\n")
    let (edge, central) = (try line.startEdge(), try line.startCentral())
    let load = Task { await plc.run() }
    defer { load.cancel() }
    try await CentralAnswers(url: line.centralURL).ready()
    var metrics = ""
    try await eventually("the central hears the edge; \(edge.said)") {
      metrics = ""
      for url in [line.edgeURL, line.centralURL] {
        metrics += String(decoding: try await CentralAnswers(url: url).get("/metrics").body, as: UTF8.self)
      }
      return metrics.contains("lotline_forward_up 1\n") && metrics.contains("lotline_device_last_good")
        && metrics.contains("lotline_central_backup_timestamp_seconds ")
    }
    let text = try String(contentsOfFile: Self.rules, encoding: .utf8)
    let expressions = text.split(separator: "\n").filter { $0.contains(" expr: ") }.joined(separator: "\n")
    let names = Set(expressions.matches(of: /lotline_[a-z_0-9]+/).map { String($0.output) })
    #expect(names.count >= 15)
    for name in names.sorted() { #expect(metrics.contains("# TYPE \(name) "), "no daemon has \(name)") }
    for daemon in [edge, central] {
      daemon.signal(15)
      try await daemon.ended()
    }
  }

  private func alerts() throws -> [String] {
    let text = try String(contentsOfFile: Self.rules, encoding: .utf8)
    return text.matches(of: /alert: ([A-Za-z0-9]+)/).map { String($0.output.1) }
  }
}
