import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline simulate`: devices made from their maps.
struct SimulateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "simulate", abstract: "Devices made from their maps: PLCs and scanners.",
    discussion: """
      A PLC speaks Modbus TCP, or with --serial RTU. Its values move within the map's limits, and it makes cycles that \
      wait for their acknowledge. A scanner is on a terminal, or with --scanner-port on a TCP port. It sends \
      each line that is typed (or --code, again and again) and shows what is answered; of several scanners the typed \
      line names its own, gun: CODE.

      With --json the first lines, one a device, say where each listens and what its tags show; a line for each cycle \
      and each scan follows. It ends with Ctrl-C or SIGTERM, exit status 0, or with --until-eof when its input ends.

      EXAMPLES
        lotline simulate hydraulic-press --port 1502
        lotline simulate hydraulic-press leak-tester line-scanner --json --until-eof
        lotline simulate hydraulic-press --motion oil-temp=ramp --seed 7
        lotline simulate leak-tester --drop 5% --slow 300ms --exception 6:2%
        lotline simulate leak-tester --serial /dev/ttyUSB0 --unit 3
        lotline simulate line-scanner --link /tmp/gun --code OP-1234 --every 1s
        lotline simulate line-scanner --scanner-port 2001
      """)

  @Argument(help: "Maps: files, or names in /etc/lotline/devices or among the maps that come with lotline.")
  var maps: [String]

  @Option(help: "The port of the first PLC, on loopback; further PLCs take the next ones. 0 takes free ones.")
  var port = 0

  @OptionGroup(title: "A PLC on a serial line") var serial: SerialOptions

  @Option(help: "Where the scanner's port is found; default: a new name in the temporary folder.")
  var link: String?

  @Option(
    help: ArgumentHelp(
      "The first scanner listens on this port of loopback, as one with address: does; further ones take the next "
        + "ones. 0 takes free ones.", valueName: "port"))
  var scannerPort: Int?

  @Option(
    help: "A code that the scanner sends by itself; may be given several times. \\x1d, ^ and <GS> are a separator.")
  var code: [String] = []

  @Option(help: "How often a cycle is made, or a code sent by itself.")
  var every = "2s"

  @Option(
    help: ArgumentHelp(
      "How values move: drift, ramp, noise, steps or still; oil-temp=ramp for one tag. May be given several times.",
      valueName: "motion"))
  var motion: [String] = []

  @Option(help: "With --json, say so often what all tags show.")
  var tell: String?

  @Option(help: "What is drawn follows from it; default: a new one each time.")
  var seed: UInt64?

  @Flag(help: "End when standard input ends.")
  var untilEof = false

  @OptionGroup(title: "Faults of PLCs") var faults: FaultOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    for (option, port) in [("--port", port), ("--scanner-port", scannerPort ?? 0)] {
      guard (0...65_535).contains(port) else { throw ValidationError("\(option) \(port): 0 to 65535 is asked for") }
    }
    if link != nil, scannerPort != nil {
      throw ValidationError("--link beside --scanner-port: a scanner is on a terminal or on a TCP port")
    }
    for (option, text) in [("--every", every), ("--tell", tell)] {
      guard let text else { continue }
      guard parseDuration(text).map({ $0 > .zero }) == true else {
        throw ValidationError("\(option) \(text): a time such as 500ms or 2s is asked for")
      }
    }
    guard Motions(motion) != nil else {
      let ways = Motions.Motion.allCases.map(\.rawValue).joined(separator: ", ")
      throw ValidationError("--motion: \(ways) are known, for one tag such as oil-temp=ramp")
    }
  }

  func run() async throws {
    try await reporting {
      let loaded = try maps.map { try Self.load($0) }
      try check(loaded)
      let plays = try await plays(of: loaded)
      let typed = TypedLines()
      let scanners = plays.compactMap { $0 as? ScannerPlay }.filter { code.isEmpty && !$0.name.isEmpty }
      try await Interrupts(last: {}).during { stop in
        for play in plays { await play.announce() }
        try await withThrowingTaskGroup(of: Bool.self) { group in
          for play in plays {
            group.addTask {
              try await play.run()
              return false
            }
          }
          if untilEof || !scanners.isEmpty {
            group.addTask {
              try await Self.type(from: typed, to: scanners)
              return true
            }
          }
          group.addTask {
            for await _ in stop { break }
            return true
          }
          defer { group.cancelAll() }
          while let isEnd = try await group.next() { if isEnd { return } }
        }
      }
    }
  }

  /// What the command line asks for and the maps do not have.
  private func check(_ loaded: [LoadedMap]) throws {
    let modbus = loaded.compactMap { if case .modbus(let map) = $0.map { map } else { nil } }
    if modbus.isEmpty, try !faults.shares().isNone {
      throw ValidationError("faults are those of a PLC, and none of the maps is one")
    }
    let tags = modbus.flatMap(\.groups).filter { $0.trigger == nil }.flatMap(\.tags).map(\.name)
    for name in Motions(motion)?.named ?? [] where !tags.contains(name) {
      let nearest = nearestName(to: name, among: tags).map { "; did you mean \"\($0)\"?" } ?? ""
      throw ValidationError("--motion \(name): no map has such a tag outside of its cycles\(nearest)")
    }
    if serial.serial != nil, modbus.count != 1 {
      throw ValidationError("--serial is the line of one PLC, and \(modbus.count) are simulated")
    }
    if scannerPort != nil, loaded.count == modbus.count {
      throw ValidationError("--scanner-port is that of a scanner, and none of the maps is one")
    }
    if link != nil, loaded.count - modbus.count != 1 {
      throw ValidationError("--link is the place of one scanner, and \(loaded.count - modbus.count) are simulated")
    }
  }

  private func plays(of loaded: [LoadedMap]) async throws -> [any Play] {
    let seed = seed ?? UInt64.random(in: 0...UInt64.max)
    var plays: [any Play] = []
    var nextPort = port
    var nextScannerPort = scannerPort
    let pace = Pace(every: parseDuration(every) ?? .seconds(2), tell: tell.flatMap { parseDuration($0) })
    for (place, map) in loaded.enumerated() {
      let twins = loaded.prefix(place).count { $0.name == map.name }
      let name = twins == 0 ? map.name : "\(map.name)-\(twins + 1)"
      let teller = Teller(name: name, isOneOfMany: loaded.count > 1, json: output.json)
      switch map.map {
      case .modbus(let modbus):
        let draw = FaultDraw(try faults.shares(), numbers: SeededNumbers(seed: seed, part: name + " faults"))
        let plc = try await SimulatedPLC(
          name: name, map: modbus, at: try serial.place() ?? .port(nextPort),
          numbers: SeededNumbers(seed: seed, part: name), fault: draw.next)
        if nextPort > 0 { nextPort += 1 }
        plays.append(PLCPlay(plc: plc, pace: pace, motions: Motions(motion) ?? Motions(), teller: teller))
      case .serial(let serial):
        let wire = try wire(of: name, port: nextScannerPort)
        if let port = nextScannerPort, port > 0 { nextScannerPort = port + 1 }
        plays.append(ScannerPlay(name: name, wire: wire, map: serial, codes: code, pace: pace, teller: teller))
      }
    }
    return plays
  }

  /// Plugs a scanner in, or has it listen on a TCP port.
  private func wire(of name: String, port: Int?) throws -> ScannerWire {
    if let port { return .network(try ListeningScanner(port: port)) }
    let path = link ?? FileManager.default.temporaryDirectory.appending(path: "lotline-\(name)-\(getpid())").path
    return .terminal(try SimulatedScanner(link: path))
  }

  /// Hands typed lines to the scanners until the input ends; without scanners nothing is typed, only waited for.
  private static func type(from typed: TypedLines, to scanners: [ScannerPlay]) async throws {
    while let line = try await typed.next() {
      let named = scanners.first { line.hasPrefix($0.name + ":") }
      guard let scanner = named ?? (scanners.count == 1 ? scanners.first : nil) else {
        if !scanners.isEmpty {
          complain("which scanner? \(scanners.map(\.name).joined(separator: ", ")), as NAME: CODE")
        }
        continue
      }
      let code = named == nil ? line : line.dropFirst(scanner.name.count + 1).trimmingCharacters(in: .whitespaces)
      try await scanner.send(code)
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
