import Devices
import Events
import Foundation
import Settings

/// What a request takes on the wire, frames whole.
struct RequestBytes: Sendable, Hashable {
  let question: Int
  let answer: Int

  /// In Modbus TCP: 7 bytes of header around function and data.
  init(_ request: PlannedRequest) {
    let data = request.table.isBits ? (request.count + 7) / 8 : request.count * 2
    question = 12
    answer = 9 + data
  }
}

/// How long a device needs for its requests, as far as that can be said without asking it.
struct RequestTime {
  /// A controller answers between two rounds of its program: 10 ms is what many of them need.
  static let answer: Duration = .milliseconds(10)

  let pause: Duration
  /// The serial line that the bytes have to pass; nil where that takes no time that counts.
  let line: SerialLine?

  init(_ map: ModbusMap, at place: ModbusPlace) {
    pause = map.requests.pause
    if case .serial(_, let line) = place { self.line = line } else { line = nil }
  }

  /// What requests take together.
  func time(of requests: [PlannedRequest]) -> Duration {
    requests.reduce(.zero) { sum, request in sum + Self.answer + max(pause, line?.silence ?? .zero) + wire(request) }
  }

  /// The bytes of a request and its answer on a serial line: unit and checksum around function and data.
  private func wire(_ request: PlannedRequest) -> Duration {
    guard let line else { return .zero }
    let bytes = RequestBytes(request)
    let count = bytes.question - 4 + bytes.answer - 4
    return .microseconds(1_000_000 * count * line.bitsPerByte / line.baud) + line.silence
  }

  /// The arithmetic of some requests: `3 requests × 10ms = 30ms`.
  func sum(of requests: [PlannedRequest]) -> String {
    let count = counted(requests.count, "request")
    let total = rounded(time(of: requests))
    guard let line else { return "\(count) × \(format(Self.answer + pause)) = \(total)" }
    let bytes = requests.reduce(0) { $0 + RequestBytes($1).question + RequestBytes($1).answer - 8 }
    return "\(count) with \(bytes) bytes of \(line.bitsPerByte) bits at \(line.baud) bits/s = \(total)"
  }

  /// Whole milliseconds, from 1 up.
  func rounded(_ duration: Duration) -> String {
    format(.milliseconds(Int64(max(1, (duration.inSeconds * 1000).rounded()))))
  }

  /// The assumption, as a part of a sentence.
  var words: String {
    "\(format(Self.answer)) an answer" + (pause > .zero ? " and \(format(pause)) pause" : "")
      + (line == nil ? "" : ", and the silence between frames")
  }
}

// MARK: A line with its devices

extension Warning {
  /// What all maps of a line and their devices together let expect.
  static func all(of settings: EdgeSettings, path: String) -> [Warning] {
    let text = settings.files.first { $0.file == "edge.yaml" }?.text ?? ""
    let lines = MapLines(path, text: text)
    var seen: Set<String> = []
    let maps = settings.devices.filter { seen.insert($0.map.name).inserted }.flatMap { device -> [Warning] in
      guard case .modbus(let map) = device.map.map else { return [] }
      return all(of: map, in: MapLines(device.map.file, text: device.map.text))
    }
    return maps + settings.devices.flatMap { slow($0, lines) } + shared(settings.devices, lines)
  }

  private static func field(_ device: DeviceSettings) -> [String] {
    ["stations", device.station, "devices", device.name]
  }

  /// Groups that cannot keep their rate even if nothing else is asked.
  private static func slow(_ device: DeviceSettings, _ lines: MapLines) -> [Warning] {
    guard case .modbus(let map) = device.map.map, case .modbus(let place, _) = device.link else { return [] }
    let time = RequestTime(map, at: place)
    return map.plan.parts.compactMap { part in
      guard let every = part.every, time.time(of: part.requests) > every else { return nil }
      return lines.warning(
        field(device),
        "group \(part.group) is read every \(format(every)), and that takes \(time.sum(of: part.requests)) (assumed: "
          + "\(time.words)). Polls will be missed: read it less often, or put its tags closer together")
    }
  }

  /// Devices behind one address are asked one after the other.
  private static func shared(_ devices: [DeviceSettings], _ lines: MapLines) -> [Warning] {
    var warnings: [Warning] = []
    var buses: [(place: ModbusPlace, devices: [DeviceSettings])] = []
    for device in devices {
      guard case .modbus(let place, let unit) = device.link else { continue }
      guard let bus = buses.firstIndex(where: { $0.place == place }) else {
        buses.append((place, [device]))
        continue
      }
      if let twin = buses[bus].devices.first(where: { $0.link == device.link }) {
        warnings.append(
          lines.warning(
            field(device),
            "\(device.name) and \(twin.name) are both unit \(unit) at \(place): the same device is asked for each of "
              + "them. If it is one device, give it one map with all groups; if there are two, see their units"))
      }
      buses[bus].devices.append(device)
    }
    return warnings + buses.compactMap { overloaded($0.place, $0.devices, lines) }
  }

  /// The arithmetic of one bus: requests a second times the time of each must stay below one second.
  private static func overloaded(_ place: ModbusPlace, _ devices: [DeviceSettings], _ lines: MapLines) -> Warning? {
    var total: Duration = .zero
    var terms: [String] = []
    var words = ""
    for device in devices {
      guard case .modbus(let map) = device.map.map else { continue }
      let time = RequestTime(map, at: place)
      let perSecond = map.plan.parts.reduce(0.0) { sum, part in
        sum + (part.every.map { Double(part.requests.count) / $0.inSeconds } ?? 0)
      }
      let needed = map.plan.parts.reduce(Duration.zero) { sum, part in
        sum + (part.every.map { time.time(of: part.requests) / $0.inSeconds } ?? .zero)
      }
      guard perSecond > 0 else { continue }
      total += needed
      terms.append("\(device.name) \((perSecond * 10).rounded() / 10)/s × \(time.rounded(needed / perSecond))")
      words = time.words
    }
    guard total > .seconds(1), let last = devices.last else { return nil }
    let sum = "\((total.inSeconds * 100).rounded() / 100)"
    return lines.warning(
      field(last),
      "\(place) is asked \(terms.joined(separator: " + ")) = \(sum) s of requests in each second (assumed: "
        + "\(words)). It cannot keep up: read less often, or fewer tags")
  }
}
