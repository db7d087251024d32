import Devices
import Events
import Forward
import Foundation
import Web

/// Reads a device's tags, through the daemon where it runs.
enum TagReader: Sendable {
  case daemon(Asking, path: String, place: String)
  case own(DeviceReadout, device: String, group: String?)

  /// One round of reading.
  struct Report: Sendable {
    /// JSON, as `DeviceReport` makes it.
    let body: [UInt8]
    let tags: [ShownTag]
  }

  /// The daemon's control socket, or its page; where neither can be asked, a connection of our own.
  static func best(
    for device: DeviceSettings, group: String?, settings: EdgeSettings, alone: Bool
  ) async throws -> TagReader {
    let query = group.map { "?group=\(percentEncoded($0))" } ?? ""
    let path = "/v1/devices/\(percentEncoded(device.name))/tags\(query)"
    if !alone, let asking = try await settings.runningDaemon() {
      return .daemon(asking, path: path, place: "\(asking.door)")
    }
    return .own(try DeviceReadout(device), device: device.name, group: group)
  }

  /// How it is read, for people.
  var way: String {
    switch self {
    case .daemon(_, _, let place): "read by \(place)"
    case .own: "read over a connection of its own: no daemon runs"
    }
  }

  func read() async throws -> Report {
    let body: [UInt8]
    switch self {
    case .daemon(let asking, let path, _): body = try await asking.get(path).body
    case .own(let readout, let device, let group):
      let tags = try await readout.read().filter { group == nil || $0.group == group }
      body = DeviceReport(device: device, tags: tags).json
    }
    guard let items = JSON(body)?["tags"]?.items else {
      throw Asking.Failure(description: "what came is no list of tags: is another version of the daemon running?")
    }
    return Report(body: body, tags: items.map { ShownTag($0) })
  }
}

/// A tag as it was read, to be shown.
struct ShownTag: Sendable, Hashable {
  let group: String
  let name: String
  let address: String
  let raw: String
  let value: String
  let unit: String
  let isGood: Bool
  let time: Timestamp?

  init(_ json: JSON) {
    group = json["group"]?.text ?? ""
    name = json["tag"]?.text ?? ""
    address = json["address"]?.text ?? ""
    raw = json["raw"]?.text ?? ""
    unit = json["unit"]?.text ?? ""
    time = json["time"]?.time
    let found = json["value"].flatMap { TagValue($0) }
    isGood = found?.isGood ?? false
    switch found {
    case .bool(let flag): value = "\(flag)"
    case .int(let number): value = "\(number)"
    case .double(let number): value = "\(number)"
    case .decimal(let number): value = number.text
    case .string(let text): value = text
    case .bad(let reason, _): value = reason
    case nil: value = "no value came"
    }
  }

  var key: String { "\(group)/\(name)" }
  /// What is compared to see a change.
  var told: String { isGood ? "\(value) \(unit)" : "bad: \(value)" }
  var line: String {
    let clock = time.map { WallClock(now: Moment.now().time).text($0) } ?? ""
    return "\(clock) \(key) \(told)".trimmingCharacters(in: .whitespaces)
  }
}

/// Tags as a table.
struct TagView {
  let tags: [ShownTag]

  init(_ tags: [ShownTag]) { self.tags = tags }

  func table(now: Timestamp = Moment.now().time) -> Table {
    var table = Table("GROUP", "TAG", "ADDRESS", "RAW", "VALUE", "UNIT", "QUALITY", "AGE")
    for tag in tags {
      table.add(
        tag.group, tag.name, tag.address, tag.raw, tag.value, tag.unit, tag.isGood ? "good" : "bad",
        tag.time.map { Self.age(now.since($0)) } ?? "")
    }
    return table
  }

  private static func age(_ duration: Duration) -> String {
    let seconds = duration.inSeconds
    return seconds < 10 ? String(format: "%.1fs", max(0, seconds)) : "\(Int(seconds))s"
  }

  /// What fits on the terminal, with what went wrong in this round.
  func screen(title: String, failure: String?) -> [String] {
    let now = Moment.now().time
    let width = Terminal.width ?? 80
    var lines = folded("\(title), \(WallClock(now: now).whole(now))", to: width)
    if let failure { lines += folded("not read now: \(visible(failure))", to: width) }
    lines += table(now: now).lines(width: width)
    let room = max(5, (Terminal.height ?? 24) - 1)
    guard lines.count > room else { return lines }
    return lines.prefix(room - 1) + ["and \(lines.count - room + 1) more lines: --group G shows one group"]
  }
}
