import Events

/// An event's line in words, for people who watch a line; every type that this version does not know stays readable.
struct EventWords: Sendable, Hashable {
  let sequence: UInt64
  let time: Timestamp
  let subject: String
  /// `ok`, `bad` or empty: how it is shown.
  let tone: String
  let words: String

  /// Nil where the line is no event.
  /// - Parameter when: how times within the words are written.
  init?(line: [UInt8], when: (Timestamp) -> String = { $0.description }) {
    guard let envelope = try? Envelope(line: line), let json = JSON(line[envelope.data]) else { return nil }
    sequence = envelope.id.sequence
    time = envelope.time
    subject = envelope.subject
    let told = EventType(rawValue: envelope.type).flatMap { Self.tell($0, json, when) }
    words =
      told?.words ?? String("\(envelope.type) \(String(decoding: line[envelope.data], as: UTF8.self))".prefix(300))
    tone = told?.tone ?? ""
  }

  private static func tell(
    _ type: EventType, _ json: JSON, _ when: (Timestamp) -> String
  ) -> (words: String, tone: String)? {
    switch type {
    case .reading: ReadingData(json).map { ("\($0.device), \($0.group): \(list($0.tags))", tone(of: $0.tags)) }
    case .scan: ScanData(json).map(tell)
    case .cycle: CycleData(json).map(tell)
    case .context: ContextData(json).map(tell)
    case .gap: GapData(json).map { tell($0, when) }
    case .finding: FindingData(json).map { tell($0, when) }
    case .device: DeviceData(json).map(tell)
    case .started: StartedData(json).map { ("Lotline \($0.version) started on \($0.host)", "") }
    case .stopped: StoppedData(json).map { ("Lotline stopped: \($0.why)", "") }
    case .config: ConfigData(json).map { ("\($0.file) in force, sha256 \($0.sha256.prefix(12))…", "") }
    case .clock:
      ClockData(json).map {
        (
          "clock went from \(when($0.from)) to \(when($0.to)), "
            + ($0.synchronised ? "synchronised" : "not synchronised"), "bad"
        )
      }
    case .decision, .import, .reference: nil
    }
  }

  private static func tell(_ scan: ScanData) -> (String, String) {
    let code = scan.text ?? "bytes \(hex(scan.raw))"
    if let problem = scan.problem { return ("\(scan.device) read \(code): \(problem)", "bad") }
    let meaning = scan.roles.map { "\($0.name) \($0.value)" }.joined(separator: ", ")
    return ("\(scan.device) read \(code)\(meaning.isEmpty ? ", which no rule knows" : ": \(meaning)")", "")
  }

  private static func tell(_ cycle: CycleData) -> (String, String) {
    var parts = ["\(cycle.device) cycle\(cycle.trigger.map { " \($0)" } ?? "")\(cycle.result.map { ": \($0)" } ?? "")"]
    parts += ["unit", "operator", "lot"].compactMap { name in cycle.stamp?[name].map { "\(name) \($0)" } }
    parts += (cycle.stamp?.materials ?? []).map { "\($0.place) \($0.lot)" }
    if !cycle.tags.isEmpty { parts.append(list(cycle.tags)) }
    if !cycle.outside.isEmpty { parts.append("outside its limits: \(cycle.outside.joined(separator: ", "))") }
    if !cycle.broken.isEmpty { parts.append("without \(cycle.broken.joined(separator: ", "))") }
    let isBad = cycle.result == "fail" || !cycle.outside.isEmpty || !cycle.broken.isEmpty
    return (parts.joined(separator: "; "), isBad ? "bad" : "ok")
  }

  private static func tell(_ change: ContextData) -> (String, String) {
    let name = "\(change.station) \(change.field)"
    let words =
      switch (change.from, change.to) {
      case (let from?, let to?): "\(name) is \(to), before it was \(from)"
      case (nil, let to?): "\(name) is \(to)"
      case (let from?, nil): "\(name) is no longer \(from)"
      case (nil, nil): "\(name) is empty"
      }
    return ("\(words) (\(change.how.rawValue))", "")
  }

  private static func tell(_ gap: GapData, _ when: (Timestamp) -> String) -> (String, String) {
    var words = "missing: \(gap.kind.rawValue)"
    if let device = gap.device { words += " of \(device)" }
    if let count = gap.count { words += ", \(count)" }
    if let from = gap.from {
      words += gap.to.map { ", from \(when(from)) to \(when($0))" } ?? ", since \(when(from))"
    }
    if let reason = gap.reason { words += ": \(reason)" }
    return (words, "bad")
  }

  private static func tell(_ finding: FindingData, _ when: (Timestamp) -> String) -> (String, String) {
    let whose = [finding.device, finding.about].compactMap { $0 }.joined(separator: ", ")
    guard let to = finding.to else {
      return ("looks wrong: \(finding.kind.rawValue) at \(whose): \(finding.reason)", "bad")
    }
    if to == finding.from {
      return ("looked wrong \(when(to)): \(finding.kind.rawValue) at \(whose): \(finding.reason)", "bad")
    }
    return ("over since \(when(to)): \(finding.kind.rawValue) at \(whose), begun \(when(finding.from))", "")
  }

  private static func tell(_ device: DeviceData) -> (String, String) {
    let reason = device.reason.map { ": \($0)" } ?? ""
    return ("\(device.device) is \(device.state.rawValue)\(reason)", device.state == .online ? "ok" : "bad")
  }

  private static func tone(of tags: [Tag]) -> String { tags.allSatisfy(\.value.isGood) ? "" : "bad" }

  private static func list(_ tags: [Tag]) -> String {
    tags.map { tag in
      switch tag.value {
      case .bool(let flag): "\(tag.name) \(flag)"
      case .int(let number): "\(tag.name) \(number)"
      case .double(let number): "\(tag.name) \(number)"
      case .decimal(let number): "\(tag.name) \(number)"
      case .string(let text): "\(tag.name) \(text)"
      case .bad(let reason, _): "\(tag.name) could not be read (\(reason))"
      }
    }.joined(separator: ", ")
  }
}
