import Events
import Foundation
import Glibc
import TestParts
import Testing

/// `lotline simulate` as the tests of others use it: started, asked by foreign programs, stopped.
@Suite(.timeLimit(minutes: 5))
struct SimulateTests {
  static let mbpoll = FileManager.default.isExecutableFile(atPath: "/usr/bin/mbpoll")

  /// Values of all tables; the counter of a cycle.
  private static let map = """
    kind: modbus
    addresses: modicon
    groups:
      process:
        every: 200ms
        tags:
          force: { at: 40001, type: float32, limits: [80, 120] }
          swapped: { at: 40003, type: float32, word-order: CDAB, limits: [80, 120] }
          level: { at: 40005, type: uint16, limits: [100, 200] }
          ready: { at: 00003, type: bool }
      cycle:
        trigger: { at: 40010, type: uint16 }
        tags:
          peak: { at: 40011, type: int16 }

    """

  /// A simulation that has said where it listens, and the JSON of that.
  private static func started(_ arguments: [String], in folder: ScratchFolder, lines: Int = 1) async throws
    -> (program: Program, said: [JSON])
  {
    let program = try Program(["simulate", "--json"] + arguments, in: folder, name: "simulate")
    try await eventually("the simulation says where it listens; \(program.said)") { program.lines.count >= lines }
    return (program, program.lines.prefix(lines).compactMap { JSON(Array($0.utf8)) })
  }

  private static func port(_ said: JSON?) -> String {
    said?["address"]?.text?.split(separator: ":").last.map(String.init) ?? ""
  }

  @Test(
    .enabled(if: mbpoll && JoinedPorts.isPossible, "needs mbpoll and socat, Debian packages: make test installs them"))
  func `mbpoll reads on a serial line what the simulation tells, and only from its unit`() async throws {
    let folder = try ScratchFolder()
    let ports = try await JoinedPorts(in: folder)
    try folder.write("press.yaml", Self.map)
    let (program, said) = try await Self.started(
      [
        folder.file("press.yaml"), "--serial", ports.theirs, "--line", "19200 8N1", "--unit", "3", "--motion", "still",
        "--every", "1h", "--exception", "6:30%",
      ], in: folder)
    let told = said.first?["tags"]?.items?.first { $0["tag"]?.text == "level" }?["value"]?.number
    func ask(_ unit: Int, _ address: Int) async throws -> (status: Int32, output: String, messages: String) {
      try await Program.run(
        "/usr/bin/mbpoll",
        [
          "-m", "rtu", "-b", "19200", "-P", "none", "-o", unit == 3 ? "5" : "0.3", "-a", "\(unit)", "-r", "\(address)",
          "-1", "-c", "1",
        ]
          + [ports.ours], in: folder)
    }
    // Refusals are frames as well: the line is usable after them.
    var answered = 0
    var busy = 0
    for _ in 0..<40 where answered < 3 || busy == 0 {
      let read = try await ask(3, 5)
      if read.messages.contains("busy") { busy += 1 }
      guard read.status == 0 else { continue }
      answered += 1
      let shown = try #require(told.map { "[5]: \t\(Int($0))" })
      #expect(read.output.contains(shown), "\(read.output)")
    }
    #expect(answered >= 3 && busy > 0)
    let other = try await ask(4, 5)
    #expect(other.messages.contains("timed out"), "\(other.output)\(other.messages)")
    program.signal(SIGTERM)
    #expect(try await program.ended() == 0)
    try await ports.end()
  }

  @Test(.enabled(if: mbpoll, "needs mbpoll, a Debian package: make test installs it"))
  func `mbpoll reads the values that the simulation tells`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let (program, said) = try await Self.started([map, "--motion", "still", "--every", "1h"], in: folder)
    let tags = try #require(said.first?["tags"]?.items)
    func told(_ name: String) throws -> JSON { try #require(tags.first { $0["tag"]?.text == name }?["value"]) }
    func polled(_ arguments: [String]) async throws -> String {
      let port = Self.port(said.first)
      let answer = try await Program.run(
        "/usr/bin/mbpoll", ["-m", "tcp", "-p", port, "-1", "-c", "1"] + arguments + ["127.0.0.1"], in: folder)
      let line = answer.output.split(separator: "\n").first { $0.hasPrefix("[") }
      return line?.split(separator: "\t").last.map { $0.trimmingCharacters(in: .whitespaces) } ?? answer.messages
    }
    // mbpoll has the low word first, and with -B the high one.
    #expect(Double(try await polled(["-r", "1", "-t", "4:float", "-B"])) == (try told("force").number))
    #expect(Double(try await polled(["-r", "3", "-t", "4:float"])) == (try told("swapped").number))
    #expect(Double(try await polled(["-r", "5", "-t", "4"])) == (try told("level").number))
    #expect(try await polled(["-r", "3", "-t", "0"]) == (try told("ready").flag == true ? "1" : "0"))
    program.signal(SIGTERM)
    #expect(try await program.ended() == 0)
  }

  @Test func `several maps are played at once, and all end when the input does`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let gun = try folder.write("gun.yaml", "kind: serial\nframe: { end: \"\\r\" }\n")
    let (program, said) = try await Self.started(
      [map, map, gun, "--until-eof", "--link", folder.file("gun")], in: folder, lines: 3)
    #expect(said.map { $0["device"]?.text } == ["press", "press-2", "gun"])
    #expect(said.map { $0["kind"]?.text } == ["modbus", "modbus", "serial"])
    #expect(Self.port(said[0]) != Self.port(said[1]))
    #expect(said[2]["address"]?.text == folder.file("gun"))
    try program.closeInput()
    #expect(try await program.ended() == 0)
  }

  @Test func `a scanner on the network is read by the daemon, and its acknowledges arrive`() async throws {
    let line = try LineFolder(plcs: [.init(name: "press-1", port: 1)], scanners: [.init(name: "gun-1", link: "/no")])
    let (gun, said) = try await Self.started(
      [line.scratch.file("devices/gun.yaml"), "--scanner-port", "0", "--code", "OP-1234", "--every", "100ms"],
      in: line.scratch)
    let address = try #require(said.first?["address"]?.text)
    func heard(_ meaning: String) -> Int {
      gun.lines.count { JSON(Array($0.utf8))?["meaning"]?.text == meaning }
    }
    try await eventually("nobody is connected, and that is said; \(gun.said)") { heard("nobody is connected") > 0 }
    try line.change("edge.yaml", "port: /no", to: "address: \"\(address)\"")
    try line.change("edge.yaml", "central: { url: \"\(line.centralURL)\" }\n", to: "")
    let edge = try line.startEdge()
    try await CentralAnswers(url: line.edgeURL).ready()
    try await eventually("codes are accepted; \(gun.said) \(edge.said.suffix(800))") { heard("accepted") >= 3 }
    let kept = try await CentralAnswers(url: line.edgeURL).get("/v1/events?after=0&limit=1000")
    let scans = kept.body.split(separator: 0x0A).compactMap { JSON(Array($0)) }
      .filter { $0["type"]?.text == "lotline.scan" }
    #expect(scans.count >= 3 && scans.allSatisfy { $0["data"]?["device"]?.text == "gun-1" })
    for program in [edge, gun] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said)")
    }
  }

  @Test(arguments: [
    (["press.yaml", "--scanner-port", "0"], "none of the maps is one"),
    (["gun.yaml", "--scanner-port", "70000"], "65535"),
    (["gun.yaml", "--scanner-port", "0", "--link", "gun"], "on a terminal or on a TCP port"),
  ])
  func `a port that fits no scanner is a usage error`(options: [String], expected: String) async throws {
    let folder = try ScratchFolder()
    try folder.write("press.yaml", Self.map)
    try folder.write("gun.yaml", "kind: serial\nframe: { end: \"\\r\" }\n")
    let told = try await Program.run(["simulate", folder.file(options[0])] + options.dropFirst(), in: folder)
    #expect(told.status == 64 && told.messages.contains(expected), "\(told.messages)")
  }

  @Test func `a seed repeats what is drawn`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    var cycles: [[JSON?]] = []
    for seed in ["7", "7", "8"] {
      let (program, _) = try await Self.started(
        [map, "--seed", seed, "--every", "20ms", "--motion", "still"], in: folder)
      try await eventually("three cycles are made") { program.lines.count >= 4 }
      cycles.append(program.lines[1...3].map { JSON(Array($0.utf8))?["values"] })
      try await program.killed()
    }
    #expect(cycles[0] == cycles[1] && cycles[0] != cycles[2])
  }

  @Test(arguments: [
    (["--mute"], "no answer within"), (["--drop", "100%"], "no answer within"),
    (["--wrong-unit", "100%"], "unit 2 answered in place of unit 1"), (["--exception", "4"], "exception 4"),
    (["--slow", "2s"], "no answer within"),
  ])
  func `a fault on request is what a reader sees`(options: [String], expected: String) async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let (program, said) = try await Self.started([map] + options, in: folder)
    let told = try await Program.run(
      ["decode", "127.0.0.1:\(Self.port(said.first))", "40001", "2", "--timeout", "300ms"], in: folder)
    #expect(told.status == 1 && told.messages.contains(expected), "\(told.messages)")
    program.signal(SIGTERM)
    #expect(try await program.ended() == 0)
  }

  @Test func `a ramp rises through its limits, and what stands still stands still`() async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let (program, said) = try await Self.started(
      [map, "--motion", "still", "--motion", "force=ramp", "--tell", "300ms", "--every", "1h"], in: folder)
    try await eventually("four accounts are given") { program.lines.count >= 5 }
    let accounts = program.lines[1...4].compactMap { JSON(Array($0.utf8))?["values"] }
    let forces = accounts.compactMap { $0["force"]?.number }
    #expect(forces.count == 4 && forces == forces.sorted() && forces[0] < forces[3])
    let level = said.first?["tags"]?.items?.first { $0["tag"]?.text == "level" }?["value"]?.number
    #expect(accounts.allSatisfy { $0["level"]?.number == level })
    try await program.killed()
  }

  @Test(arguments: [
    ["--motion", "fly"], ["--drop", "5"], ["--exception", "0"], ["--every", "soon"], ["--motion", "forec=ramp"],
  ])
  func `a slip on the command line is a usage error of one line`(options: [String]) async throws {
    let folder = try ScratchFolder()
    let map = try folder.write("press.yaml", Self.map)
    let told = try await Program.run(["simulate", map] + options, in: folder)
    #expect(told.status == 64 && told.output.isEmpty)
    #expect(told.messages.split(separator: "\n").count == 1, "\(told.messages)")
  }
}
