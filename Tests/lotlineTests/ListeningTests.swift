import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A daemon that cannot listen where its settings say.
@Suite(.timeLimit(minutes: 5)) struct ListeningTests {
  private func central(_ line: LineFolder, _ name: String, at place: String) throws -> String {
    try line.scratch.write(
      "\(name).yaml", "store: { sqlite: \(line.scratch.file("\(name).db")) }\nweb: { listen: \"\(place)\" }\n")
    return line.scratch.file("\(name).yaml")
  }

  private func edge(_ line: LineFolder, at place: String) throws -> String {
    try line.scratch.write(
      "pc.yaml",
      """
      source: pc1
      stations: { ST10: { devices: { gun-1: { map: gun, port: /dev/no-such-gun } } } }
      queue: { path: \(line.scratch.file("pc.db")) }
      web: { listen: "\(place)" }

      """)
    return line.scratch.file("pc.yaml")
  }

  private func status(_ line: LineFolder, _ config: String) async throws -> JSON? {
    let run = try await Program.run(["status", "--config", config, "--json"], in: line.scratch)
    return JSON(Array(run.output.utf8))
  }

  private static let remedy =
    "Address already in use: another program listens there (ss -lntp shows which): stop it, or set web.listen to "
    + "another place"

  @Test func `a central refuses to start on a port that is taken, and is not ready before`() async throws {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")])
    let place = "127.0.0.1:\(try freePort())"
    let first = try Program(
      ["central", "run", "--config", central(line, "first", at: place)], in: line.scratch, name: "a")
    try await eventually("the first listens") { first.said.contains("page is at") }
    let manager = try NotifySocket(line.scratch)
    let second = try Program(
      ["central", "run", "--config", central(line, "second", at: place)], in: line.scratch, name: "b",
      environment: ["NOTIFY_SOCKET": manager.path])
    #expect(try await second.ended() == 1)
    #expect(second.said.contains("lotline: listening on http://\(place)/: \(Self.remedy)\n"), "\(second.said)")
    #expect(!manager.heard().contains { $0.contains("READY=1") })
    first.signal(SIGTERM)
    #expect(try await first.ended() == 0)
  }

  @Test func `an edge whose port is taken reads its line, says so everywhere, and listens once it can`() async throws {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")])
    let place = "127.0.0.1:\(try freePort())"
    let other = try Program(
      ["central", "run", "--config", central(line, "first", at: place)], in: line.scratch, name: "a")
    try await eventually("another program listens there") { other.said.contains("page is at") }
    let manager = try NotifySocket(line.scratch)
    let config = try edge(line, at: place)
    let pc = try Program(
      ["edge", "run", "--config", config], in: line.scratch, name: "edge",
      environment: ["NOTIFY_SOCKET": manager.path])
    var heard: [String] = []
    try await eventually("it is ready; \(pc.said)") {
      heard += manager.heard()
      return heard.contains { $0.hasPrefix("READY=1") }
    }
    let complaint =
      "error the page does not listen on http://\(place)/: \(Self.remedy). Everything else goes on, and it is tried "
      + "again, for ever\n"
    #expect(pc.said.contains(complaint), "\(pc.said)")
    let status = try #require(try await status(line, config))
    let page = status["listeners"]?.items?.first { $0["name"]?.text == "page" }
    #expect(page?["listening"]?.flag == false && page?["reason"]?.text == Self.remedy)
    #expect(status["queue"]?["accepting"]?.flag == true && status["devices"]?.items?.first?["state"]?.text == "offline")
    let people = try await Program.run(["status", "--config", config], in: line.scratch)
    #expect(people.output.contains("page: does not listen on http://\(place)/: \(Self.remedy)\n"), "\(people.output)")
    #expect(people.status == 1)

    other.signal(SIGTERM)
    #expect(try await other.ended() == 0)
    try await eventually("the page is there; \(pc.said)", within: .seconds(40)) {
      pc.said.contains("the page now listens at http://\(place)/")
    }
    let answer = try await CentralAnswers(url: "http://\(place)").get("/metrics")
    #expect(String(decoding: answer.body, as: UTF8.self).contains("lotline_listener_up{listener=\"page\"} 1\n"))
    #expect(pc.said.components(separatedBy: "does not listen").count == 2, "said once: \(pc.said)")
    pc.signal(SIGTERM)
    #expect(try await pc.ended(within: .seconds(30)) == 0)
  }

  @Test func `a folder that is not there for the control socket ends nothing`() async throws {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/dev/null-gun")])
    let config = try edge(line, at: "127.0.0.1:\(try freePort())")
    try line.scratch.write(
      "pc.yaml",
      try String(contentsOfFile: config, encoding: .utf8)
        + "control: { socket: \(line.scratch.file("missing/edge.sock")) }\n")
    let pc = try Program(["edge", "run", "--config", config], in: line.scratch, name: "edge")
    try await eventually("both were tried; \(pc.said)") {
      pc.said.contains("the page is at") && pc.said.contains("the control socket does not listen on")
    }
    #expect(pc.said.contains("missing/edge.sock: No such file or directory: set control.socket to a place"))
    pc.signal(SIGTERM)
    #expect(try await pc.ended(within: .seconds(30)) == 0)
  }
}
