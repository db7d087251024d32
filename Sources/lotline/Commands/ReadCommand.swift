import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline read`: what a device shows now.
struct ReadCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "read", abstract: "Reads a Modbus device now: each tag's address, raw words, value, quality and age.",
    discussion: """
      While the daemon runs it is asked to read, over the connection that it has; otherwise a connection of its own is \
      opened. With --watch a terminal is drawn anew with each round, and a tag that cannot be read keeps its last value \
      with its age; into a pipe or a file goes one line for each change, with --json one line for each round.

      Exit status 1 where a value is bad, or the device cannot be read.

      EXAMPLES
        lotline read press-1
        lotline read press-1 --group process --watch
        lotline read press-1 --json --config etc/lotline/edge.yaml
      """)

  @Argument(help: "The device's name in the settings.")
  var device: String

  @Option(help: "The tags of this group alone.")
  var group: String?

  @Flag(help: "Read again and again until Ctrl-C.")
  var watch = false

  @Option(help: "How often, with --watch.")
  var every = "1s"

  @Flag(help: "Open a connection of its own although the daemon runs.")
  var alone = false

  @OptionGroup var edge: EdgeOptions
  @OptionGroup var output: OutputOptions

  func validate() throws {
    guard let pace = parseDuration(every), pace >= .milliseconds(50) else {
      throw ValidationError("--every \(every): a time from 50ms up is asked for, such as 500ms or 2s")
    }
  }

  func run() async throws {
    try await reporting {
      let settings = try EdgeSettings.read(edge.config)
      let found = try find(in: settings)
      let reader = try await TagReader.best(for: found, group: group, settings: settings, alone: alone)
      if watch {
        try await watch(reader)
      } else {
        let report = try await reader.read()
        if output.json { output.printRaw(report.body) } else { TagView(report.tags).table().show() }
        if report.tags.contains(where: { !$0.isGood }) { throw ExitCode(1) }
      }
    }
  }

  private func find(in settings: EdgeSettings) throws -> DeviceSettings {
    let found = try settings.device(named: device, in: edge.config)
    guard let group, case .modbus(let map) = found.map.map else { return found }
    let names = map.groups.map(\.name)
    guard names.contains(group) else {
      let nearest = nearestName(to: group, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
      throw Asking.Failure(
        description:
          "the map of \(device) has no group \"\(group)\"; it has: \(names.joined(separator: ", "))\(nearest)")
    }
    return found
  }

  private func watch(_ reader: TagReader) async throws {
    let pace = parseDuration(every) ?? .seconds(1)
    var last: [ShownTag] = []
    var drawn = 0
    var told: [String: String] = [:]
    while true {
      var failure: String?
      do {
        let report = try await reader.read()
        last = report.tags
        if output.json { OutputOptions.printLine(report.body) }
      } catch let error as CancellationError {
        throw error
      } catch {
        failure = "\(error)"
        if output.json || !Terminal.isPerson, told["", default: ""] != failure { complain(failure ?? "") }
      }
      if !output.json, Terminal.isPerson {
        let lines = TagView(last).screen(title: "\(device), \(reader.way)", failure: failure)
        Terminal.redraw(lines, over: drawn)
        drawn = lines.count
      } else if !output.json {
        for tag in last where failure == nil && told[tag.key] != tag.told {
          OutputOptions.printLine(Array(visible(tag.line).utf8))
          told[tag.key] = tag.told
        }
      }
      told[""] = failure ?? ""
      try await Task.sleep(for: pace)
    }
  }
}
