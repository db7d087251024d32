import ArgumentParser
import Devices
import Events
import Foundation
import Settings

/// `lotline replay`: the readings in a recording.
struct ReplayCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "Makes the readings out of a recording again, without any device.",
    discussion: """
      The bytes of the recording go through the decoder that reads the devices; times are those at which the answers \
      came. With --map another map reads the same bytes: a corrected one shows what the values were. The table has what \
      changed; --all shows every answer. Where the wire disagreed, the line of the file is named.

      Exit status 1 where an answer was wrong, refused or missing, or nothing was read.

      EXAMPLES
        lotline replay press.jsonl
        lotline replay press.jsonl --map devices/press.yaml --all
        lotline replay press.jsonl --json
      """)

  @Argument(help: "A file that lotline record wrote.")
  var file: String

  @Option(help: "A map in place of the recorded one: its file or its name.")
  var map: String?

  @Flag(help: "Every answer, not only what changed.")
  var all = false

  @OptionGroup var output: OutputOptions

  func run() async throws {
    try await reporting {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw Asking.Failure(description: "\(file): there is no such file, or it cannot be read")
      }
      let recording = try Recording(Array(data), name: file)
      let map = try deviceMap(of: recording)
      let replay = try Replay(recording, map: map)
      if output.json {
        for outcome in replay.outcomes { output.printRaw(outcome.json) }
      } else {
        ReplayView(replay, units: map.units, all: all).show()
      }
      tell(replay, recording)
      let isRead = replay.outcomes.contains { $0.isValue }
      if !isRead || replay.outcomes.contains(where: \.isBad) { throw ExitCode(1) }
    }
  }

  private func deviceMap(of recording: Recording) throws -> DeviceMap {
    if let map { return try SimulateCommand.load(map).map }
    let head = recording.head
    guard head.hasOwnMap else {
      throw Asking.Failure(
        description:
          "\(file):1: the map's text was changed since it was recorded: its SHA-256 is another; give the map "
          + "with --map")
    }
    let text = try SettingsFile(name: "\(head.map).yaml, as recorded", text: head.text)
    let read = DeviceMap(text)
    try text.check()
    guard let read else { throw Asking.Failure(description: "\(text.name): it is no map that can be used") }
    return read
  }

  private func tell(_ replay: Replay, _ recording: Recording) {
    let values = replay.outcomes.count { $0.isValue }
    let bad = replay.outcomes.count { $0.isBad }
    complain("\(file): \(counted(values, "reading")), \(counted(bad, "fault"))")
    if recording.isCutOff { complain("\(file): its last line is cut off, and left out") }
    if values == 0 {
      complain("no answer of \(recording.head.device) is in it that this map can read")
    } else if !replay.unseen.isEmpty {
      complain("not in the recording: \(replay.unseen.joined(separator: ", "))")
    }
  }
}

extension DeviceMap {
  /// The unit of each tag, by `group/tag`.
  fileprivate var units: [String: String] {
    guard case .modbus(let map) = self else { return [:] }
    let pairs = map.groups.flatMap { group in
      group.tags.compactMap { tag in tag.unit.map { ("\(group.name)/\(tag.name)", $0) } }
    }
    return Dictionary(pairs, uniquingKeysWith: { first, _ in first })
  }
}

extension Replay.Outcome {
  fileprivate var isValue: Bool {
    switch kind {
    case .reading, .scan: true
    case .written, .note, .fault: false
    }
  }

  fileprivate var isBad: Bool {
    switch kind {
    case .fault: true
    case .scan(let scan): scan.problem != nil
    case .reading, .written, .note: false
    }
  }

  /// One line, its values as in events.
  fileprivate var json: [UInt8] {
    var writer = JSONWriter()
    writer.object { writer in
      writer.field("time", moment.time)
      writer.field("line", line)
      switch kind {
      case .reading(let reading):
        ReadingData(device: reading.device, group: reading.group, tags: reading.tags, stamp: nil).write(to: &writer)
      case .scan(let scan):
        var data = ScanData(
          device: scan.device, raw: scan.raw, text: scan.text, symbology: scan.symbology, elements: scan.elements,
          roles: scan.roles, problem: scan.problem)
        data.leaving = scan.leaving
        data.write(to: &writer)
      case .written(let text): writer.field("written", text)
      case .note(let text): writer.field("note", text)
      case .fault(let text): writer.field("fault", text)
      }
    }
    return writer.bytes
  }
}

/// A replay as a table: when what showed what.
private struct ReplayView {
  private var table = Table("TIME (UTC)", "WHAT", "VALUE")
  private var shown: [String: TagValue] = [:]
  private let units: [String: String]

  init(_ replay: Replay, units: [String: String], all: Bool) {
    self.units = units
    for outcome in replay.outcomes {
      let time = String(outcome.moment.time.description.dropFirst(11).prefix(12))
      switch outcome.kind {
      case .reading(let reading):
        for tag in reading.tags {
          let key = "\(reading.group)/\(tag.name)"
          guard all || shown[key] != tag.value else { continue }
          shown[key] = tag.value
          table.add(time, key, Self.words(tag.value, units[key]))
        }
      case .scan(let scan): table.add(time, scan.leaving == nil ? "scan" : "left", Self.words(scan))
      case .written(let text): table.add(time, "written", text)
      case .note(let text): table.add(time, "note", text)
      case .fault(let text): table.add(time, "fault", "line \(outcome.line): \(text)")
      }
    }
  }

  func show() { table.show() }

  private static func words(_ value: TagValue, _ unit: String?) -> String {
    let text =
      switch value {
      case .bool(let flag): "\(flag)"
      case .int(let number): "\(number)"
      case .double(let number): "\(number)"
      case .decimal(let number): number.text
      case .string(let text): text
      case .bad(let reason, let raw): "bad: \(reason)" + (raw.isEmpty ? "" : " (\(hexWords(raw)))")
      }
    return unit.map { "\(text) \($0)" } ?? text
  }

  private static func words(_ scan: Scan) -> String {
    let roles = scan.roles.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    let text = scan.text ?? escaped(scan.raw)
    if let problem = scan.problem { return "\(text): \(problem)" }
    return roles.isEmpty ? text : "\(text): \(roles)"
  }
}
