import Events

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
  case started
  case nothing

  init(_ envelope: Envelope?, _ line: [UInt8]) {
    func read<Data: EventData>(_ content: (Data) -> EventContent) -> EventContent {
      guard let envelope, let data = JSON(storing: line[envelope.data]).flatMap({ Data($0) }) else { return .nothing }
      return content(data)
    }
    self =
      switch envelope.flatMap({ EventType(rawValue: $0.type) }) {
      case .cycle: read(EventContent.cycle)
      case .context: read(EventContent.context)
      case .scan:
        read { (data: ScanData) in
          !data.repeated && data.roles.contains { $0.name == "command" } ? .command(data) : .nothing
        }
      case .gap: read(EventContent.gap)
      case .finding: read(EventContent.finding)
      case .device: read(EventContent.device)
      case .config: read(EventContent.config)
      case .started: .started
      default: .nothing
      }
  }
}
