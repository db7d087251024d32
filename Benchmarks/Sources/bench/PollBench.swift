import CReference
import Foundation
import Machine

/// CPU for readings from many PLCs: `lotline edge run` against a bare C program that polls and writes to SQLite.
enum PollBench {
  /// The first argument of the process that runs the C program.
  static let child = "c-poll"
  static let devices = 50
  static let registers = 100
  static let interval = 100

  static func measure(rounds: Int, seconds: Double = 6) async throws -> [Measurement] {
    let ports = try serve(devices)
    var cpu = Measurement(
      name: "CPU of 50 PLCs x 100 registers each 100 ms", unit: "s per million readings", ours: [],
      goal: .ratioAtMost(3))
    var same = Measurement(
      name: "the same against C that writes the lines of events", unit: "s per million readings", ours: [])
    var rate = Measurement(name: "readings in that time", unit: "readings/s", ours: [])
    for _ in 0..<rounds {
      let ours = try await withScratch { try await edge($0, ports, seconds) }
      let reference = try await withScratch { try await bare($0, ports, seconds, lines: false) }
      let lines = try await withScratch { try await bare($0, ports, seconds, lines: true) }
      cpu.ours.append(ours.cpu / ours.readings * 1e6)
      cpu.reference.append(reference.cpu / reference.readings * 1e6)
      same.ours.append(ours.cpu / ours.readings * 1e6)
      same.reference.append(lines.cpu / lines.readings * 1e6)
      rate.ours.append(ours.readings / ours.seconds)
      rate.reference.append(reference.readings / reference.seconds)
    }
    return [cpu, same, rate]
  }

  private struct Usage {
    let cpu: Double
    let readings: Double
    let seconds: Double
  }

  private static func edge(_ folder: String, _ ports: [Int32], _ seconds: Double) async throws -> Usage {
    let settings = try EdgeFolder(folder, ports: ports.map(Int.init), registers: registers, every: "\(interval)ms")
    let before = reference_answered()
    let daemon = try settings.start()
    try await daemon.ready { reference_answered() - before > UInt64(20 * ports.count) }
    let (cpu, answers, start) = (try daemon.cpuSeconds(), reference_answered(), ContinuousClock.now)
    try await Task.sleep(for: .seconds(seconds))
    let usage = Usage(
      cpu: try daemon.cpuSeconds() - cpu, readings: Double(reference_answered() - answers) * Double(registers),
      seconds: (ContinuousClock.now - start).inSeconds)
    daemon.stop()
    let all = reference_answered() - before
    let kept = try await settings.storedEvents()
    // not many: what was being read when it was told to stop, and the daemon's own events
    guard kept + UInt64(2 * ports.count) > all else {
      throw BenchFailure("of \(all) answers only \(kept) events are in the queue")
    }
    return usage
  }

  private static func bare(_ folder: String, _ ports: [Int32], _ seconds: Double, lines: Bool) async throws -> Usage {
    let arguments = [child, folder + "/c.db", "\(seconds)", lines ? "1" : "0"] + ports.map { "\($0)" }
    let words = try Daemon(Daemon.this, arguments, log: folder + "/c.log").printed()
      .split(whereSeparator: \.isWhitespace).compactMap { Double($0) }
    guard words.count == 2 else { throw BenchFailure("the C program does not tell its figures") }
    return Usage(cpu: words[0], readings: words[1] * Double(registers), seconds: seconds)
  }

  static func runChild(_ arguments: [String]) throws {
    guard arguments.count > 3, let seconds = Double(arguments[1]), let lines = Int32(arguments[2]) else {
      throw BenchFailure("\(child) takes a file, seconds, whether lines are written, and ports")
    }
    let ports = arguments.dropFirst(3).compactMap { Int32($0) }
    var answers: UInt64 = 0
    let cpu = reference_poll(
      arguments[0], ports, Int32(ports.count), Int32(registers), Int32(interval), seconds, lines, &answers)
    guard cpu >= 0 else { throw BenchFailure("the C program could not poll or write") }
    print(cpu, answers)
  }
}
