import ArgumentParser
import Dispatch
import Events
import Foundation
import Settings

struct DemoCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo", abstract: "A simulated line, edge and central on loopback, with misfortunes.",
    discussion: """
      Four stations make units until the time is over or Ctrl-C. At the end, what the line did is compared with what \
      the central answers. Exit status 0 only if all of it agrees, gaps included.

      EXAMPLES
        lotline demo --for 60s
        lotline demo --for 5m --seed 7 --keep
      """)

  @Option(name: .customLong("for"), help: "How long, such as 60s or 10m (at least 15s); default: until Ctrl-C.")
  var length: String?

  @Option(help: "The moments of misfortune follow from it; default: a new one each time, which is printed.")
  var seed: UInt64?

  @Flag(help: "Keep the folder with settings, logs, queue and store.")
  var keep = false

  @Flag(help: .hidden)
  var hideCycle = false

  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard let length else { return }
    guard let parsed = parseDuration(length), parsed >= .seconds(15) else {
      throw ValidationError("--for \(length): a time such as 60s or 10m is asked for, at least 15s")
    }
  }

  func run() async throws {
    try await reporting {
      let summary = try await play()
      if output.json { output.printRaw(summary.json) } else { summary.lines.forEach { print($0) } }
      if !summary.agrees { throw ExitCode(1) }
    }
  }

  private func play() async throws -> DemoSummary {
    let seed = seed ?? UInt64.random(in: 1...999_999)
    let folder = try DemoFolder()
    let asJSON = output.json
    let line = try await DemoLine.build(folder: folder, seed: seed, length: length.flatMap { parseDuration($0) }) {
      text in
      let stream = asJSON ? FileHandle.standardError : FileHandle.standardOutput
      stream.write(Data((text + "\n").utf8))
    }
    let interrupts = Interrupts { await line.daemons.kill() }
    await line.book.say("demo", "seed \(seed), folder \(folder.path)")
    await line.book.say("demo", "the line's page   \(folder.edgeURL)/")
    await line.book.say("demo", "the central's page \(folder.centralURL)/")
    do {
      let summary = try await interrupts.during { try await finish(line, until: $0) }
      if summary.agrees, !keep { folder.remove() }
      return summary
    } catch {
      await line.daemons.kill()
      throw error
    }
  }

  private func finish(_ line: DemoLine, until stop: AsyncStream<Void>) async throws -> DemoSummary {
    try await line.run(until: stop)
    let answers = DemoAnswers(line.folder)
    var complaints: [String] = []
    if try await !answers.drained(within: .seconds(60)) {
      complaints.append("the central did not have all of the edge's events after 60 s")
    }
    if hideCycle { await line.book.hideLastCycle() }
    let ledger = await line.book.ledger
    let comparison = Comparison(ledger, try await answers.found(units: ledger.units))
    await line.daemons.stop()
    complaints += await line.daemons.complaints
    return DemoSummary(
      seed: line.seed, seconds: (ContinuousClock.now - line.began).inSeconds, misfortunes: await line.book.misfortunes,
      comparison: comparison, complaints: complaints, folder: line.folder.path)
  }
}
