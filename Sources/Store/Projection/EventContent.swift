import Events
import Glibc

/// What an event says as far as rows follow from it, read before the transaction that stores it.
///
/// What its type does not say, or says oddly, leaves no row and no complaint.
enum EventContent: Sendable {
  case cycle(CycleData)
  case context(ContextData)
  case command(ScanData)
  case gap(GapData)
  case finding(FindingData)
  case device(DeviceData)
  case config(ConfigData)
  /// The daemon began again: what it had found before is over, or found anew.
  case started(StartedData)
  /// The wall clock was set, or gained or lost its time source.
  case clock(ClockData)
  case nothing

  init(_ envelope: Envelope?, _ line: [UInt8]) {
    func read<Data: EventData>(without unwanted: [StaticString] = [], _ content: (Data) -> EventContent) -> EventContent
    {
      guard let envelope, let data = JSON(storing: line[envelope.data], without: unwanted).flatMap({ Data($0) })
      else { return .nothing }
      return content(data)
    }
    self =
      switch envelope.flatMap({ EventType(rawValue: $0.type) }) {
      case .cycle: read(without: Self.unwantedOfCycles, EventContent.cycle)
      case .context: read(EventContent.context)
      // Most scans are no commands, which is seen without reading them.
      case .scan where Self.maySay("command", line):
        read { (data: ScanData) in
          !data.repeated && data.roles.contains { $0.name == "command" } ? .command(data) : .nothing
        }
      case .gap: read(EventContent.gap)
      case .finding: read(EventContent.finding)
      case .device: read(EventContent.device)
      case .config: read(EventContent.config)
      case .started: read(EventContent.started)
      case .clock: read(EventContent.clock)
      default: .nothing
      }
  }

  /// What a cycle measured leaves no row.
  private static let unwantedOfCycles: [StaticString] = ["tags", "outside", "broken"]

  /// Whether a line has a word; it may also be written with escapes.
  private static func maySay(_ word: StaticString, _ line: [UInt8]) -> Bool {
    line.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return false }
      for (index, byte) in bytes.enumerated() {
        if byte == 0x5C { return true }
        guard byte == word.utf8Start.pointee, bytes.count - index >= word.utf8CodeUnitCount else { continue }
        if memcmp(start + index, word.utf8Start, word.utf8CodeUnitCount) == 0 { return true }
      }
      return false
    }
  }
}

extension EventContent {
  /// What it says of the line PC's clock; the boot where it is a start.
  var statement: (boot: String?, isSynchronised: Bool)? {
    switch self {
    case .started(let data): (data.boot, data.clockSynchronised)
    case .clock(let data): (nil, data.synchronised)
    default: nil
    }
  }

  /// The units, lots and operators that it names.
  var names: [NodeName] {
    switch self {
    case .cycle(let data): Self.names(of: data)
    case .context(let data):
      [Projector.kind(ofField: data.field)].compactMap { kind in kind.map { NodeName(kind: $0, id: data.to ?? "") } }
    case .command(let data): data.stamp?["unit"].map { [NodeName(kind: "unit", id: $0)] } ?? []
    default: []
    }
  }

  private static func names(of cycle: CycleData) -> [NodeName] {
    let stamp = cycle.stamp
    let former = Dictionary(cycle.unsure.map { ($0.name, $0.value) }, uniquingKeysWith: { first, _ in first })
    var names = (stamp?.all("unit") ?? []).map { NodeName(kind: "unit", id: $0) }
    if let other = former["unit"] { names.append(NodeName(kind: "unit", id: other)) }
    names += (stamp?.all("operator") ?? []).map { NodeName(kind: "operator", id: $0) }
    for field in stamp?.fields ?? [] where Projector.role(ofField: field.name) != nil {
      names += [field.value, former[field.name]].compactMap { $0 }.map { NodeName(kind: "lot", id: $0) }
    }
    for component in cycle.components where ["unit", "lot"].contains(component.kind) {
      names.append(NodeName(kind: component.kind, id: component.id))
    }
    return names
  }
}
