import ArgumentParser
import Devices
import Events
import Foundation
import Settings

struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "A device made from its map: a PLC on Modbus TCP, or a scanner on a terminal.",
    discussion: "A PLC's values move within the map's limits, and it makes cycles that wait for their acknowledge. A "
      + "scanner sends each line that is typed (or --code, again and again) and shows what is answered. Ends with Ctrl-C."
  )

  @Argument(help: "A map: its file, or its name in /etc/lotline/devices or among the maps that come with lotline.")
  var map: String

  @Option(help: "The port that the PLC listens on, on loopback; 0 takes a free one.")
  var port = 0

  @Option(help: "Where the scanner's port is found; default: a new name in the temporary folder.")
  var link: String?

  @Option(
    help: "A code that the scanner sends by itself; may be given several times. \\x1d, ^ and <GS> are a separator.")
  var code: [String] = []

  @Option(help: "How often a cycle is made, or a code sent by itself.")
  var every = "2s"

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard (0...65_535).contains(port) else { throw ValidationError("--port \(port): 0 to 65535 is asked for") }
    guard parseDuration(every).map({ $0 > .zero }) == true else {
      throw ValidationError("--every \(every): a time such as 500ms or 2s is asked for")
    }
  }

  func run() async throws {
    try await reporting {
      let loaded = try Self.load(map)
      let pause = parseDuration(every) ?? .seconds(2)
      let body: @Sendable () async throws -> Void
      switch loaded.map {
      case .modbus(let map):
        let play = PLCPlay(
          plc: try await SimulatedPLC(
            name: loaded.name, map: map, port: port, numbers: SeededNumbers(seed: UInt64.random(in: 0...UInt64.max))),
          pause: pause, json: output.json)
        body = { try await play.run() }
      case .serial(let map):
        let path =
          link ?? FileManager.default.temporaryDirectory.appending(path: "lotline-\(loaded.name)-\(getpid())").path
        let play = ScannerPlay(
          scanner: try SimulatedScanner(link: path), map: map, codes: code, pause: pause, json: output.json)
        body = { try await play.run() }
      }
      try await Interrupts(last: {}).during { stop in
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask { try await body() }
          group.addTask { for await _ in stop { break } }
          defer { group.cancelAll() }
          try await group.next()
        }
      }
    }
  }

  /// Finds a map by its file or its name.
  static func load(_ name: String) throws -> LoadedMap {
    var folders = ["/etc/lotline/devices"]
    if let own = try? DemoFolder.mapsOfThisProgram() { folders.append(own) }
    var places = folders.map { "\($0)/\(name).yaml" }
    if name.contains("/") || name.hasSuffix(".yaml") { places = [name] }
    guard let file = places.first(where: { FileManager.default.fileExists(atPath: $0) }) else {
      throw DemoFolder.Failure(description: "no map \(name): looked for \(places.joined(separator: ", "))")
    }
    let url = URL(filePath: file)
    let maps = MapFolder(path: url.deletingLastPathComponent().path)
    guard let loaded = maps.map(named: url.deletingPathExtension().lastPathComponent) else {
      throw SettingsError(maps.problems)
    }
    return loaded
  }
}

/// A simulated PLC for a technician: says what it shows and what is written to it.
private struct PLCPlay: Sendable {
  let plc: SimulatedPLC
  let pause: Duration
  let json: Bool

  func run() async throws {
    tell("modbus", "127.0.0.1:\(plc.server.port)", "\(plc.name) listens on 127.0.0.1:\(plc.server.port)")
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        while true {
          await plc.drift()
          try await Task.sleep(for: .milliseconds(250))
        }
      }
      if plc.cycleGroup != nil { group.addTask { try await makeCycles() } }
      try await group.waitForAll()
    }
  }

  private func makeCycles() async throws {
    while true {
      try await Task.sleep(for: pause)
      guard let made = await plc.cycle() else { throw CancellationError() }
      let values = made.values.sorted { $0.key < $1.key }
      let wait = made.acknowledged.since(made.shown)
      if json {
        var writer = JSONWriter()
        writer.object { line in
          line.field("cycle", made.trigger)
          line.field("shown", made.shown)
          line.field("acknowledged", made.acknowledged)
          line.key("values")
          line.object { inner in for (name, value) in values { inner.field(name, value.json) } }
        }
        OutputOptions.printLine(writer.bytes)
      } else {
        let shown = values.map { "\($0.key) \($0.value.shown)" }.joined(separator: ", ")
        let word =
          plc.cycleGroup?.trigger?.acknowledge == nil ? "nothing to wait for" : "acknowledged after \(wait.formatted)"
        OutputOptions.printLine(Array(visible("cycle \(made.trigger): \(shown); \(word)").utf8))
      }
    }
  }

  private func tell(_ kind: String, _ address: String, _ text: String) {
    Announcement(kind: kind, address: address, text: text).tell(json: json)
  }
}

/// A simulated scanner for a technician: sends codes, shows the answers.
private struct ScannerPlay: Sendable {
  let scanner: SimulatedScanner
  let map: ScannerMap
  let codes: [String]
  let pause: Duration
  let json: Bool

  func run() async throws {
    let text =
      "a scanner is plugged in at \(scanner.link)" + (codes.isEmpty ? "; type a code and Return to scan it" : "")
    Announcement(kind: "serial", address: scanner.link, text: text).tell(json: json)
    guard codes.isEmpty else {
      while true {
        for code in codes {
          try await send(code)
          try await Task.sleep(for: pause)
        }
      }
    }
    let typed = TypedLines()
    while let line = try await typed.next() { try await send(line) }
  }

  private func send(_ code: String) async throws {
    let text = code.replacing("\\x1d", with: "\u{1D}").replacing("<GS>", with: "\u{1D}").replacing("^", with: "\u{1D}")
    let answer = try await scanner.scan(map.frame.frame(of: Array(text.utf8)), answerWithin: .seconds(2))
    let word =
      switch answer {
      case []: "no answer"
      case map.acknowledge.accepted: "accepted"
      case map.acknowledge.refused: "refused"
      default: "answered"
      }
    if json {
      var writer = JSONWriter()
      writer.object { line in
        line.field("code", text)
        line.field("answer", hex(answer))
        line.field("meaning", word)
      }
      OutputOptions.printLine(writer.bytes)
    } else {
      OutputOptions.printLine(Array(visible("\(text): \(word)\(answer.isEmpty ? "" : " (\(escaped(answer)))")").utf8))
    }
  }
}

/// Where a simulated device is: the first line that `simulate` prints.
private struct Announcement {
  let kind: String
  let address: String
  let text: String

  func tell(json: Bool) {
    guard json else {
      OutputOptions.printLine(Array(text.utf8))
      return
    }
    var writer = JSONWriter()
    writer.object { line in
      line.field("kind", kind)
      line.field("address", address)
    }
    OutputOptions.printLine(writer.bytes)
  }
}

extension Ledger.Value {
  var json: JSON {
    switch self {
    case .number(let number): .double(number)
    case .text(let text): .string(text)
    case .flag(let flag): .bool(flag)
    }
  }
}
