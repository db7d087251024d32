public import Events

/// The readings that come out of a recording, with the map that was in force then or with another one.
///
/// A request that was answered well gives the tags whose registers are all in the answer, at the time of the answer's
/// last byte, through the decoder that reads the devices themselves. What the wire does not show no map brings back.
public struct Replay: Sendable {
  /// What one answer, one frame of a scanner, or one fault of the wire shows.
  public struct Outcome: Sendable, Hashable {
    public enum Kind: Sendable, Hashable {
      case reading(Reading)
      case scan(Scan)
      /// Something that this PC wrote, and that the device confirmed; to a scanner: its answer.
      case written(String)
      /// What was noted then, such as a new connection.
      case note(String)
      /// A question without a right answer, or a refusal, and why.
      case fault(String)
    }

    public let moment: Moment
    /// Where it stands in the file, counted from 1.
    public let line: Int
    public let kind: Kind
  }

  public private(set) var outcomes: [Outcome] = []
  /// Tags of the map whose registers no answer holds, as `group/tag`.
  public private(set) var unseen: [String] = []

  /// - Throws: `Recording.Fault` where the map is of another kind than what was recorded.
  public init(_ recording: Recording, map: DeviceMap) throws(Recording.Fault) {
    switch map {
    case .modbus(let map):
      guard let unit = recording.head.unit, let framing = recording.head.framing else {
        throw Self.wrongKind(recording, "a Modbus device")
      }
      replay(recording, map, unit, framing)
    case .serial(let map):
      guard recording.head.kind == "serial" else { throw Self.wrongKind(recording, "a scanner") }
      replay(recording, map)
    }
  }

  private static func wrongKind(_ recording: Recording, _ kind: String) -> Recording.Fault {
    let recorded = recording.head.kind == "serial" ? "a scanner" : "a Modbus device"
    return Recording.Fault(description: "\(recording.head.device) was recorded as \(recorded); the map is of \(kind)")
  }

  // MARK: Modbus

  private mutating func replay(_ recording: Recording, _ map: ModbusMap, _ unit: UInt8, _ framing: ModbusFraming) {
    var wire = WireReader(framing: framing, isSerial: recording.head.line != nil)
    var seen: Set<String> = []
    for (entry, line) in zip(recording.entries, recording.lines) {
      func add(_ kind: Outcome.Kind) { outcomes.append(Outcome(moment: entry.moment, line: line, kind: kind)) }
      for event in wire.take(entry) {
        switch event {
        case .note(let text): add(.note(text))
        case .fault(nil, let why): add(.fault(why))
        // What others of the bus did is theirs.
        case .fault(let request?, let why): if request.unit == unit { add(.fault("\(why): \(request)")) }
        case .answered(let request, let answer) where request.unit == unit:
          switch (request.kind, answer) {
          case (_, .refused(let exception)): add(.fault("\(exception): \(request)"))
          case (.write, .data): add(.written("\(request)"))
          case (.read(_, let table, let range), .data(let bytes)):
            for reading in map.readings(of: recording.head.device, in: bytes, table, range, at: entry.moment) {
              seen.formUnion(reading.tags.map { "\(reading.group)/\($0.name)" })
              add(.reading(reading))
            }
          }
        case .answered: break
        }
      }
    }
    unseen = map.groups.flatMap { group in
      group.shown.map { "\(group.name)/\($0.name)" }.filter { !seen.contains($0) }
    }
  }

  // MARK: Scanners

  private mutating func replay(_ recording: Recording, _ map: ScannerMap) {
    var scans = ScanReader(map, device: recording.head.device)
    var last: (moment: Moment, line: Int)?
    for (entry, line) in zip(recording.entries, recording.lines) {
      for scan in scans.take(entry) { outcomes.append(Outcome(moment: scan.moment, line: line, kind: .scan(scan))) }
      switch entry.kind {
      case .note(let text): outcomes.append(Outcome(moment: entry.moment, line: line, kind: .note(text)))
      case .sent(let bytes):
        let word =
          bytes == map.acknowledge.accepted
          ? "accepted" : bytes == map.acknowledge.refused ? "refused" : "which the map does not know"
        outcomes.append(
          Outcome(moment: entry.moment, line: line, kind: .written("answer \"\(escaped(bytes))\", \(word)")))
      case .ended(let text):
        outcomes.append(Outcome(moment: entry.moment, line: line, kind: .note("the recording ends: \(text)")))
      case .received: break
      }
      last = (entry.moment, line)
    }
    guard let last else { return }
    for scan in scans.ended(at: last.moment) {
      outcomes.append(Outcome(moment: scan.moment, line: last.line, kind: .scan(scan)))
    }
  }
}

extension ModbusGroup {
  /// Its tags with its trigger and acknowledge: all that a technician would compare.
  fileprivate var shown: [ModbusTag] { [trigger?.tag, trigger?.acknowledge].compactMap { $0 } + tags }
}

extension ModbusMap {
  /// What an answer shows of each group that asks for it; where none plans just this request (another map), of all.
  fileprivate func readings(
    of device: String, in bytes: [UInt8], _ table: ModbusAddress.Table, _ range: Range<Int>, at moment: Moment
  ) -> [Reading] {
    let planned = Set(
      plan.parts.filter { part in part.requests.contains { $0.table == table && $0.range == range } }.map(\.group))
    return groups.filter { planned.isEmpty || planned.contains($0.name) }.compactMap { group in
      let tags = group.shown.filter { tag in
        tag.address.table == table && range.lowerBound <= tag.range.lowerBound
          && tag.range.upperBound <= range.upperBound
      }
      guard !tags.isEmpty else { return nil }
      return Reading(
        device: device, group: group.name, moment: moment,
        tags: tags.map { Tag($0.name, $0.value(in: bytes, from: range.lowerBound)) })
    }
  }
}
