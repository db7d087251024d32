import Devices
import Foundation
import Glibc
import TestParts
import Testing

/// The examples in the help of each command, run as they stand there but for the places of devices.
@Suite(.timeLimit(minutes: 5))
struct HelpTests {
  /// The commands that do something, each with its help.
  private static func helps(in folder: ScratchFolder) async throws -> [(words: [String], help: String)] {
    var found: [(words: [String], help: String)] = []
    var open: [[String]] = [[]]
    while let words = open.popLast() {
      let help = try await Program.run(words + ["--help"], in: folder)
      try #require(help.status == 0, "\(words): \(help.messages)")
      let below = help.output.split(separator: "SUBCOMMANDS:").dropFirst().first?.split(separator: "\n")
        .filter { $0.hasPrefix("  ") && !$0.hasPrefix("   ") && !$0.contains("See '") }
        .compactMap { $0.split(separator: " ").first.map(String.init) }
      if let below { open += below.map { words + [$0] } } else { found.append((words, help.output)) }
    }
    return found
  }

  private static func examples(in help: String) -> [String] {
    help.split(separator: "\n", omittingEmptySubsequences: false).map { $0.trimmingCharacters(in: .whitespaces) }
      .drop { $0 != "EXAMPLES" }.prefix { !$0.isEmpty }.filter { $0.hasPrefix("lotline ") }
  }

  @Test func `every command's help has examples, and none of its lines is wider than 80 columns`() async throws {
    let folder = try ScratchFolder()
    for (words, help) in try await Self.helps(in: folder) {
      #expect(!Self.examples(in: help).isEmpty, "lotline \(words.joined(separator: " ")) has no example")
      for line in help.split(separator: "\n") where !line.contains("USAGE:") && !line.hasPrefix("       lotline") {
        #expect(line.count <= 80, "\(line)")
      }
    }
  }

  @Test func `every example does what it says, with a simulated device in the place of the one it names`() async throws
  {
    let place = try await ExamplePlace()
    for (_, help) in try await Self.helps(in: place.folder) {
      // The demo is run whole in a test of its own.
      for example in Self.examples(in: help) where !example.hasPrefix("lotline demo") {
        let (status, said) = try await place.run(example)
        #expect(status == 0 || (status == 1 && place.mayFail(example)), "\(example): \(status) \(said)")
      }
    }
    await place.server.stop()
  }
}

/// Where examples are run: a copy of what comes with lotline, a PLC and a scanner to talk to.
private struct ExamplePlace {
  let folder: ScratchFolder
  let server: ModbusServer
  private let scanner: SimulatedScanner

  init() async throws {
    folder = try ScratchFolder()
    server = try await ModbusServer(count: 1000)
    // 50.0 in the places where the examples look for it.
    server.update { registers in
      for address in [0, 100] { registers.set(.holding, address, float: 50) }
    }
    scanner = try SimulatedScanner(link: folder.file("gun"))
    for name in ["devices", "etc"] {
      try FileManager.default.copyItem(atPath: "\(Program.tree)/\(name)", toPath: folder.file(name))
    }
    try FileManager.default.copyItem(
      atPath: folder.file("devices/hydraulic-press.yaml"), toPath: folder.file("devices/press.yaml"))
    try FileManager.default.copyItem(atPath: folder.file("devices"), toPath: folder.file("etc/lotline/devices"))
    try FileManager.default.copyItem(
      atPath: "\(Program.tree)/Tests/recorded/press.jsonl", toPath: folder.file("press.jsonl"))
    try folder.write("tags.csv", "group,tag,at,type\nprocess,force,40001,float32\n")
    let edge = folder.file("etc/lotline/edge.yaml")
    let settings = try String(contentsOfFile: edge, encoding: .utf8)
      .replacing(/address: "[0-9.]+:502"/, with: "address: \"127.0.0.1:\(server.port)\"")
    let central = try String(contentsOfFile: folder.file("etc/lotline/central.yaml"), encoding: .utf8)
    // In the folder, and on ports that no other test has.
    try folder.write("etc/lotline/edge.yaml", Self.own(settings, folder))
    try folder.write("etc/lotline/central.yaml", Self.own(central, folder))
  }

  private static func own(_ settings: String, _ folder: ScratchFolder) -> String {
    settings.replacing("/var/lib/lotline", with: folder.path).replacing("/run/lotline", with: folder.path)
      .replacing(/:84[78]0"/, with: ":0\"")
  }

  /// What depends on a daemon that is not there, on codes that nobody scans, or on what a machine shows.
  func mayFail(_ example: String) -> Bool {
    let needsOthers = [
      "status", "events", "trace", "gaps", "verify", "listen", "edge", "central", "read", "import", "reload", "queue",
      "backup",
      "replay",
    ]
    // Nobody answers on the port that stands for a serial line.
    if example.contains("--serial"), !example.contains("simulate") { return true }
    if example.hasPrefix("lotline record") { return !example.contains("--for 2s") }
    return needsOthers.contains(String(example.split(separator: " ")[1]))
  }

  /// Runs an example to its end; one that has none is ended once it has said something.
  func run(_ example: String) async throws -> (status: Int32, said: String) {
    var line =
      example
      .replacing(/192\.168\.[0-9.]+(:502)?(?![0-9:])/, with: "127.0.0.1:\(server.port)")
      .replacing(/192\.168\.[0-9.]+:[0-9]+/, with: "127.0.0.1:\(server.port)")
      .replacing("/tmp/", with: folder.path + "/").replacing("/var/lib/lotline", with: folder.path)
      .replacing(/\/dev\/[^ ]+/, with: scanner.link)
      .replacing("--port 1502", with: "--port 0").replacing("--scanner-port 2001", with: "--scanner-port 0")
    let command = String(line.split(separator: " ")[1])
    if !line.contains("--config"),
      ["check", "read", "record", "status", "events", "verify", "export", "reload", "queue", "backup"].contains(command)
    {
      line += " --config etc/lotline/edge.yaml"
    }
    let program = try Program(
      "/bin/sh", ["-c", "cd \(folder.path) && exec \(Program.lotline)\(line.dropFirst("lotline".count))"], in: folder,
      name: "example")
    try program.closeInput()
    let endless = ["--watch", "--follow", " run", "simulate", "listen", "--for 10m", "--limit"].contains {
      line.contains($0)
    }
    guard endless else { return (try await program.ended(), program.said) }
    try await eventually("\(example) says something") {
      !program.isRunning || !program.printed.isEmpty || !program.said.isEmpty
    }
    program.signal(SIGTERM)
    try await eventually("\(example) ends when it is told to; \(program.said)") { !program.isRunning }
    let status = try await program.ended()
    // Without a handler of its own a command ends by the signal, and that is an end too.
    return (status == -SIGTERM ? 0 : status, program.said)
  }
}
