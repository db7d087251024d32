/// A fact before it has its number: what the queue turns into a line in its commit.
///
/// It holds its data as bytes already, so that the commit only joins them.
public struct Event: Sendable, Hashable {
  public let type: EventType
  /// The moment of the reading: the request's answer, the frame's last byte.
  public let moment: Moment
  /// The station; the device or the source where no station is meant.
  public let subject: String
  /// The JSON object of `data`.
  public let data: [UInt8]

  public init(_ data: some EventData, at moment: Moment, subject: String) {
    self.type = data.type
    self.moment = moment
    self.subject = subject
    var writer = JSONWriter()
    writer.object { data.write(to: &$0) }
    self.data = writer.bytes
  }

  /// The line of this event as number `sequence`, without a newline: the bytes that are the truth from now on.
  public func line(source: SourceName, incarnation: Incarnation, sequence: UInt64) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(data.count + 280)
    bytes.append(contentsOf: Self.opening)
    bytes.append(contentsOf: incarnation.description.utf8)
    bytes.append(0x3A)
    bytes.append(contentsOf: String(sequence).utf8)
    bytes.append(contentsOf: Self.beforeSource)
    bytes.append(contentsOf: source.description.utf8)
    bytes.append(contentsOf: Self.beforeType)
    bytes.append(contentsOf: type.rawValue.utf8)
    bytes.append(contentsOf: Self.beforeTime)
    bytes.append(contentsOf: moment.time.utf8)
    var rest = JSONWriter(capacity: data.count + 128)
    rest.value(subject)
    bytes.append(contentsOf: Self.beforeSubject)
    bytes.append(contentsOf: rest.bytes)
    bytes.append(contentsOf: Self.beforeBoottime)
    bytes.append(contentsOf: String(moment.boottimeNanoseconds).utf8)
    bytes.append(contentsOf: Self.beforeData)
    bytes.append(contentsOf: data)
    bytes.append(0x7D)
    return bytes
  }

  private static let opening = Array(#"{"specversion":"1.0","id":""#.utf8)
  private static let beforeSource = Array(#"","source":""#.utf8)
  private static let beforeType = Array(#"","type":""#.utf8)
  private static let beforeTime = Array(#"","time":""#.utf8)
  private static let beforeSubject = Array(#"","subject":"#.utf8)
  private static let beforeBoottime = Array(#","boottime":""#.utf8)
  private static let beforeData = Array(#"","data":"#.utf8)
}

/// The kinds of events, by the name they bear on the wire.
public enum EventType: String, Sendable, Hashable, CaseIterable {
  case started = "lotline.started"
  case stopped = "lotline.stopped"
  case config = "lotline.config"
  case clock = "lotline.clock"
  case device = "lotline.device"
  case reading = "lotline.reading"
  case scan = "lotline.scan"
  case context = "lotline.context"
  case cycle = "lotline.cycle"
  case gap = "lotline.gap"
  case finding = "lotline.finding"
  case decision = "lotline.decision"
  case `import` = "lotline.import"
  case reference = "lotline.reference"
}

/// What an event of one type says; writes its fields in the order of design.md, section 4.
public protocol EventData: Sendable, Hashable {
  var type: EventType { get }
  /// Writes the fields into an open object.
  func write(to json: inout JSONWriter)
  /// Reads the object back; nil where a field that must be there is not. Unknown fields are passed over.
  init?(_ json: JSON)
}
