import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline listen`: what comes from a scanner, as it comes.
struct ListenCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "listen", abstract: "Shows what a scanner sends, in hex and text with its times, and sends nothing.",
    discussion: """
      PORT is a serial port, or HOST:PORT of a scanner on the network. With --map frames are cut as the map says, and \
      what it makes of each is shown; without, by silence. At the end, with Ctrl-C or after --for, it says what the \
      bytes tell of the line and the frames, why, and the line for a map.

      The daemon must not have the port open: end it, or take the device out of its settings. --find-baud sets the port \
      to one speed after the other while somebody scans, and says at which of them the bytes are text.

      Exit status 1 where nothing came, or a map cannot use what came.

      EXAMPLES
        lotline listen /dev/serial/by-id/usb-Honeywell_1900-if00 --map line-scanner
        lotline listen /dev/ttyUSB0 --line "19200 7E1" --for 30s
        lotline listen /dev/ttyUSB0 --find-baud
        lotline listen 192.168.10.30:2001 --json
      """)

  @Argument(help: "A serial port, or HOST:PORT.")
  var port: String

  @Option(help: "A map: its file or its name; its line and frames are used.")
  var map: String?

  @Option(help: "Speed, data bits, parity and stop bits of the port; default: the map's, or 9600 8N1.")
  var line: String?

  @Option(help: "The speed alone.")
  var baud: Int?

  @Option(
    name: .customLong("for"), help: "How long, such as 30s; default: until Ctrl-C. With --find-baud: at each speed.")
  var length: String?

  @Option(help: "End after so many frames.")
  var count: Int?

  @Flag(help: "Try the usual speeds one after the other.")
  var findBaud = false

  @OptionGroup var output: OutputOptions

  /// The usual ones first.
  private static let speeds = [9600, 115_200, 19200, 38400, 57600, 4800, 2400, 1200]

  func validate() throws {
    if let length, parseDuration(length).map({ $0 > .zero }) != true {
      throw ValidationError("--for \(length): a time such as 30s is asked for")
    }
    if let count, count < 1 { throw ValidationError("--count \(count): 1 or more is asked for") }
    if !port.hasPrefix("/") {
      guard try place(nil) != nil else {
        throw ValidationError("\(port): a serial port such as /dev/ttyUSB0, or HOST:PORT, is asked for")
      }
      if findBaud || line != nil || baud != nil {
        throw ValidationError("\(port) is no serial port: it has no speed that could be set")
      }
    } else {
      _ = try place(nil)
    }
  }

  /// What is listened to; nil if `port` is neither a serial port nor HOST:PORT.
  private func place(_ map: ScannerMap?) throws -> LineTap.Place? {
    guard port.hasPrefix("/") else {
      guard let colon = port.lastIndex(of: ":"), let number = Int(port[port.index(after: colon)...]),
        (1...65535).contains(number), colon != port.startIndex
      else { return nil }
      let host = port[..<colon].trimmingCharacters(in: CharacterSet(charactersIn: "[]"))
      return .tcp(host: host, port: number)
    }
    var setting = map?.line ?? SerialLine()
    do {
      if let line { setting = try SerialLine.parsed(line) }
      if let baud {
        let rest = setting.description.split(separator: " ").dropFirst().joined(separator: " ")
        setting = try SerialLine.parsed("\(baud) \(rest)")
      }
    } catch { throw ValidationError("\(error)") }
    return .serial(path: port, line: setting)
  }

  func run() async throws {
    try await reporting {
      let map = try map.map { name in
        guard case .serial(let map) = try SimulateCommand.load(name).map else {
          throw Asking.Failure(description: "the map \(name) is of a Modbus device: lotline read shows what it says")
        }
        return map
      }
      guard let place = try place(map) else { return }
      if findBaud { try await findSpeed(place) } else { try await listen(to: place, map) }
    }
  }

  private func listen(to place: LineTap.Place, _ map: ScannerMap?) async throws {
    let tap = LineTap(place, rule: map?.frame)
    try await tap.open()
    let words = "listening to \(place)\(length == nil ? "; Ctrl-C ends it" : "")"
    let limit = length.flatMap { parseDuration($0) }
    let (most, json) = (count, output.json)
    let heard = try await Interrupts(last: {}).during { stop in
      complain(words)
      return try await Self.frames(of: tap, limit: limit, most: most, until: stop) { frame, before in
        HeardLine(frame, before: before, map: map).tell(json: json)
      }
    }
    if map == nil { tell(FrameGuess(heard, line: place.line)) }
    let isBad = heard.contains { frame in
      frame.damage != nil || map.map { $0.read(frame: frame.raw).problem != nil } == true
    }
    if heard.isEmpty || isBad { throw ExitCode(1) }
  }

  /// Listens until the time is over, enough came or `stop` says so; what the line says when it breaks is thrown.
  private static func frames(
    of tap: LineTap, limit: Duration?, most: Int?, until stop: AsyncStream<Void>?,
    _ tell: @escaping @Sendable (HeardFrame, HeardFrame?) -> Void
  ) async throws -> [HeardFrame] {
    let heard = HeardFrames()
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask {
        let end = limit.map { ContinuousClock.now + $0 }
        while !Task.isCancelled {
          for frame in try await tap.next(within: .milliseconds(200)) {
            let before = await heard.add(frame)
            tell(frame, before)
            if let most, await heard.all.count >= most { return }
          }
          if let end, ContinuousClock.now >= end { return }
        }
      }
      if let stop { group.addTask { for await _ in stop { break } } }
      defer { group.cancelAll() }
      try await group.next()
    }
    return await heard.all
  }

  private func tell(_ guess: FrameGuess) {
    guard output.json else {
      for reason in guess.reasons { print(visible(reason)) }
      if let frame = guess.frame { print("for a map:\n  \(frame)") }
      return
    }
    var writer = JSONWriter()
    writer.object { line in
      line.key("guess")
      line.array { list in for reason in guess.reasons { list.value(reason) } }
      line.field("frame", guess.frame)
    }
    OutputOptions.printLine(writer.bytes)
  }

  // MARK: Speeds

  private func findSpeed(_ place: LineTap.Place) async throws {
    guard case .serial(let path, let line) = place else { return }
    let each = length.flatMap { parseDuration($0) } ?? .seconds(5)
    let rest = line.description.split(separator: " ").dropFirst().joined(separator: " ")
    complain(
      "setting \(path) to \(Self.speeds.count) speeds, \(format(each)) each: scan again and again until it is done")
    let json = output.json
    // What was heard at the speeds before it was told to stop is judged all the same.
    let tried = TriedSpeeds()
    try await Interrupts(last: {}).during { stop in
      try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
          for speed in Self.speeds where !Task.isCancelled {
            let line = try SerialLine.parsed("\(speed) \(rest)")
            let tap = LineTap(.serial(path: path, line: line))
            try await tap.open()
            let heard = try await Self.frames(of: tap, limit: each, most: nil, until: nil) { _, _ in }
            if Task.isCancelled { return }
            let guess = FrameGuess(heard, line: line)
            await tried.add(.init(line: line, guess: guess, raw: heard.first?.raw ?? []))
            if !json { print("\(line): \(counted(heard.count, "frame")), score \(Int(guess.score * 100)) of 100") }
          }
        }
        group.addTask { for await _ in stop { break } }
        defer { group.cancelAll() }
        try await group.next()
      }
    }
    let found = await tried.all
    let best = found.max { $0.guess.score < $1.guess.score }
    guard let best, best.guess.score > 0 else {
      throw Asking.Failure(description: "nothing came at any speed: is the scanner on, and was it used meanwhile?")
    }
    let isSame = found.allSatisfy { $0.guess.score == best.guess.score && $0.raw.count == best.raw.count }
    if isSame {
      complain("the same came at each speed: on this port (USB, a pseudo-terminal) the speed makes no difference")
    } else if !output.json {
      print("line: \(best.line)")
    }
    tell(best.guess)
    if best.guess.score < 0.5 { throw ExitCode(1) }
  }
}

extension LineTap.Place {
  /// The setting of a serial port.
  fileprivate var line: SerialLine? { if case .serial(_, let line) = self { line } else { nil } }
}

/// What was heard at each speed.
private actor TriedSpeeds {
  struct Trial: Sendable {
    let line: SerialLine
    let guess: FrameGuess
    let raw: [UInt8]
  }

  private(set) var all: [Trial] = []

  func add(_ trial: Trial) { all.append(trial) }
}

/// What was heard so far.
private actor HeardFrames {
  private(set) var all: [HeardFrame] = []

  /// Keeps a frame and gives the one before it.
  func add(_ frame: HeardFrame) -> HeardFrame? {
    defer { if all.count < 100_000 { all.append(frame) } }
    return all.last
  }
}

/// One frame as it is shown.
private struct HeardLine {
  let frame: HeardFrame
  let gap: Duration?
  let meaning: ScannerMap.Meaning?

  init(_ frame: HeardFrame, before: HeardFrame?, map: ScannerMap?) {
    self.frame = frame
    gap = before.map { frame.moment.time.since($0.moment.time) }
    meaning = frame.damage == nil ? map?.read(frame: frame.raw) : nil
  }

  func tell(json: Bool) {
    guard json else {
      let lines = lines(width: Terminal.width ?? 80)
      OutputOptions.printLine(Array(lines.joined(separator: "\n").utf8))
      return
    }
    var writer = JSONWriter()
    writer.object { line in
      line.field("time", frame.moment.time)
      line.field("after_ms", gap.map { Int64(($0.inSeconds * 1000).rounded()) })
      line.field("raw", hex(frame.raw))
      line.field("text", escaped(frame.raw))
      line.field("damage", frame.damage)
      if let meaning {
        line.field("symbology", meaning.symbology)
        line.key("roles")
        line.object { inner in for role in meaning.roles { inner.field(role.name, role.value) } }
        line.field("problem", meaning.problem)
      }
    }
    OutputOptions.printLine(writer.bytes)
  }

  private func lines(width: Int) -> [String] {
    let clock = frame.moment.time.description.dropFirst(11).prefix(12)
    let after = gap.map { String(format: " +%.3fs", $0.inSeconds) } ?? ""
    var lines = ["\(clock)\(after) \(counted(frame.raw.count, "byte"))"]
    lines += folded("\"\(escaped(frame.raw))\"", to: width - 2).map { "  " + $0 }
    lines += folded(hexWords(frame.raw), to: width - 2).map { "  " + $0 }
    if let damage = frame.damage { lines += folded("damaged: \(damage)", to: width - 2).map { "  " + $0 } }
    guard let meaning else { return lines }
    var words = meaning.roles.map { "\($0.name) \($0.value)" }
    if let symbology = meaning.symbology { words.insert(symbology, at: 0) }
    if let problem = meaning.problem { words.append("problem: \(problem)") }
    let text = words.isEmpty ? "no rule of the map matches: kept, with no role" : words.joined(separator: ", ")
    return lines + folded("means: \(visible(text))", to: width - 2).map { "  " + $0 }
  }
}
