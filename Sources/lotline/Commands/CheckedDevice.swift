import Devices
import Events
import Settings

/// A device as it would be asked or listened to.
struct CheckedDevice {
  let name: String
  /// Nil where a map is looked at alone.
  let station: String?
  let map: String
  /// Nil where a map is looked at alone.
  let address: String?
  let content: DeviceMap
  /// Whether there is a serial line to be set: a scanner on TCP has none.
  private let hasLine: Bool

  init(_ settings: DeviceSettings) {
    name = settings.name
    station = settings.station
    map = settings.map.name
    content = settings.map.map
    switch settings.link {
    case .modbus(let place, let unit):
      address = "\(place) unit \(unit)"
      hasLine = false
    case .scanner(let place):
      address = place.description
      hasLine = place.isSerial
    }
  }

  init(name: String, map: String, _ content: DeviceMap) {
    self.name = name
    station = nil
    self.map = map
    address = nil
    hasLine = true
    self.content = content
  }

  /// So many requests of a device are shown where not all are asked for.
  private static let fewRequests = 12

  /// For people: what it is, and a table of what is asked or understood.
  func lines(width: Int? = nil, all: Bool = false) -> [String] {
    let place = station.map { " at station \($0)" } ?? ""
    let way = address.map { ", \($0)" } ?? ""
    switch content {
    case .modbus(let map):
      let title = "\(name)\(place): map \(self.map)\(way), \(Self.rate(map.plan)) requests/s at rest"
      return ["", title] + requests(map.plan, width: width, all: all)
    case .serial(let map):
      let answers = [
        map.acknowledge.accepted.isEmpty ? nil : "\"\(escaped(map.acknowledge.accepted))\" after the commit",
        map.acknowledge.refused.isEmpty ? nil : "\"\(escaped(map.acknowledge.refused))\" for a refusal",
      ].compactMap { $0 }
      return [
        "", "\(name)\(place): map \(self.map)\(way)\(hasLine ? ", \(map.line)" : ""), \(map.frame)",
        "  answers: " + (answers.isEmpty ? "none" : answers.joined(separator: ", ")),
      ] + rules(map).lines(width: width.map { $0 - 2 }).map { "  " + $0 }
    }
  }

  private func requests(_ plan: RequestPlan, width: Int?, all: Bool) -> [String] {
    let requests = plan.parts.flatMap { part in part.requests.map { (part, $0) } }
    var table = Table(
      ["GROUP", "FOR", "EVERY", "FUNCTION", "TABLE", "ADDRESS", "COUNT"] + (all ? ["RATE", "BYTES"] : ["TAGS"]))
    let few = all || requests.count <= Self.fewRequests + 1 ? requests[...] : requests.prefix(Self.fewRequests)
    for (part, request) in few {
      var cells = [
        part.group, part.purpose.rawValue, part.every.map { format($0) } ?? Self.occasion(part.purpose),
        String(request.function), request.table.rawValue, String(request.address), String(request.count),
      ]
      if all {
        let bytes = RequestBytes(request)
        cells += [part.every.map { "\(Self.rounded(1 / $0.inSeconds))/s" } ?? "", "\(bytes.question)+\(bytes.answer)"]
      } else {
        cells.append(String(request.tags.count))
      }
      table.add(cells)
    }
    guard !all else {
      // Whole rows, since the tags of each follow right under it; without them it is narrow enough.
      let tags = requests.map { $0.1.tags.map(\.name).joined(separator: " ") }
      return zip(table.lines, [[]] + tags.map { folded($0, to: (width ?? .max) - 4) }).flatMap { row, names in
        [row] + names.map { "    " + $0 }
      } + ["ADDRESS counts from 0; BYTES are question + answer in Modbus TCP."]
    }
    let rest = requests.count - few.count
    return table.lines(width: width) + (rest > 0 ? ["and \(rest) more requests: --requests shows all"] : [])
  }

  private func rules(_ map: ScannerMap) -> Table {
    var table = Table("CODE", "PLACE")
    for rule in map.codes { table.add(rule.words, rule.place ?? "") }
    return table
  }

  private static func occasion(_ purpose: RequestPlan.Purpose) -> String {
    switch purpose {
    case .poll, .trigger: "always"
    case .block: "cycle"
    case .guard: "after block"
    case .acknowledge: "connecting"
    }
  }

  /// What is sent while no cycle runs, to one decimal.
  private static func rate(_ plan: RequestPlan) -> String {
    let perSecond = plan.parts.reduce(0.0) { sum, part in
      sum + (part.every.map { Double(part.requests.count) / $0.inSeconds } ?? 0)
    }
    return rounded(perSecond)
  }

  private static func rounded(_ number: Double) -> String { "\((number * 10).rounded() / 10)" }

  func write(to json: inout JSONWriter) {
    json.object { writer in
      writer.field("device", name)
      writer.field("station", station)
      writer.field("map", map)
      writer.field("address", address)
      switch content {
      case .modbus(let map): Self.write(map.plan, to: &writer)
      case .serial(let map): write(map, to: &writer)
      }
    }
  }

  private static func write(_ plan: RequestPlan, to json: inout JSONWriter) {
    json.key("requests")
    json.array { inner in
      for part in plan.parts {
        for request in part.requests {
          inner.object { item in
            item.field("group", part.group)
            item.field("for", part.purpose.rawValue)
            item.field("every_ms", part.every.map { $0.wholeMicroseconds / 1000 })
            item.field("function", request.function)
            item.field("table", request.table.rawValue)
            item.field("address", request.address)
            item.field("count", request.count)
            item.field("question_bytes", RequestBytes(request).question)
            item.field("answer_bytes", RequestBytes(request).answer)
            item.key("tags")
            item.array { names in for tag in request.tags { names.value(tag.name) } }
          }
        }
      }
    }
  }

  private func write(_ map: ScannerMap, to json: inout JSONWriter) {
    json.field("line", hasLine ? map.line.description : nil)
    json.field("end", hex(map.frame.end))
    json.key("codes")
    json.array { inner in
      for rule in map.codes {
        inner.object { item in
          item.field("match", rule.match)
          item.field("elements", rule.elementWords)
          item.field("place", rule.place)
        }
      }
    }
  }
}
