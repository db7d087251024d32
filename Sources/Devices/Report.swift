public import Events

/// What a device has to say: the one type that leaves this module for the stations.
public enum Report: Sendable, Hashable {
  case reading(Reading)
  case cycle(CycleReading)
  /// The bit of a recorded and acknowledged cycle has fallen again: the next rise is another cycle.
  ///
  /// Adds no event; it must be on disk before the device writes the acknowledge back to 0.
  case rest(CycleKey, Moment)
  case scan(Scan)
  case state(StateReport)
  case hole(Hole)
  case finding(Finding)
}

/// Tags that were read together, at a group's rate.
public struct Reading: Sendable, Hashable {
  public var device: String
  public var group: String
  /// When the answer arrived.
  public var moment: Moment
  /// When the first of its requests was sent, where that was long before: within this time its values are from.
  public var asked: Timestamp?
  public var tags: [Tag]

  public init(device: String, group: String, moment: Moment, asked: Timestamp? = nil, tags: [Tag]) {
    self.device = device
    self.group = group
    self.moment = moment
    self.asked = asked
    self.tags = tags
  }
}

/// The block that a trigger announced.
public struct CycleReading: Sendable, Hashable {
  public var device: String
  public var group: String
  /// When the last answer of the block arrived.
  public var moment: Moment
  /// When the first request of the block was sent, where that was long before: within this time its values are from.
  public var asked: Timestamp?
  /// The trigger's value: the counter, or 1 for a bit.
  public var trigger: UInt64
  /// The last poll that showed the old trigger; nil if none did (first poll after a start or an outage).
  public var after: Timestamp?
  public var tags: [Tag]
  /// From the tag with `role: result`: `pass` or `fail`.
  public var result: String?
  /// Tags outside their limits.
  public var outside: [String]
  /// Tags with another role (`unit`, `lot`, `product`, …): what the PLC says about the context.
  public var roles: [ScanData.Role]
  public var jump: Jump
  /// What of the record itself is in doubt, with what it was before; `trigger` where the PLC went on while the block was
  /// read.
  public var unsure: [ScanData.Role]

  /// What the counter says about cycles that were not seen.
  public enum Jump: Sendable, Hashable {
    case none
    /// So many cycles between the last one recorded and this one.
    case missed(UInt64)
    /// The PLC started again: how many is unknown.
    case restarted
  }

  public init(
    device: String, group: String, moment: Moment, asked: Timestamp? = nil, trigger: UInt64, after: Timestamp?,
    tags: [Tag], result: String? = nil, outside: [String] = [], roles: [ScanData.Role] = [], jump: Jump = .none,
    unsure: [ScanData.Role] = []
  ) {
    self.device = device
    self.group = group
    self.moment = moment
    self.asked = asked
    self.trigger = trigger
    self.after = after
    self.tags = tags
    self.result = result
    self.outside = outside
    self.roles = roles
    self.jump = jump
    self.unsure = unsure
  }
}

/// One frame of a scanner and what its map makes of it.
public struct Scan: Sendable, Hashable {
  public var device: String
  /// When the frame's last byte arrived.
  public var moment: Moment
  /// The frame with its delimiters.
  public var raw: [UInt8]
  public var text: String?
  public var symbology: String?
  public var elements: [ScanData.Element]
  public var roles: [ScanData.Role]
  /// Why nothing, or not all, could be made of it: the frame was damaged, not only unknown.
  public var problem: String?
  /// Why the map has it refused, though nothing is wrong with it.
  public var refusal: String?
  /// The same bytes again within this time are no second scan; nil: they are.
  public var repeatWithin: Duration?
  /// A tag has left the reader; it was scanned when it came.
  public var leaving: ScanData.Leaving?

  /// Whether the scanner says that it could not read a code.
  public var isNoRead: Bool { roles.contains { $0.name == "no-read" } }

  public init(
    device: String, moment: Moment, raw: [UInt8], text: String?, symbology: String? = nil,
    elements: [ScanData.Element] = [], roles: [ScanData.Role] = [], problem: String? = nil
  ) {
    self.device = device
    self.moment = moment
    self.raw = raw
    self.text = text
    self.symbology = symbology
    self.elements = elements
    self.roles = roles
    self.problem = problem
  }
}

/// A device came, went or refuses.
public struct StateReport: Sendable, Hashable {
  public var device: String
  public var moment: Moment
  public var state: DeviceData.State
  public var reason: String?

  public init(device: String, moment: Moment, state: DeviceData.State, reason: String? = nil) {
    self.device = device
    self.moment = moment
    self.state = state
    self.reason = reason
  }
}

/// Something of this device that should have been read and was not; becomes a gap.
public struct Hole: Sendable, Hashable {
  public var device: String
  /// The group it concerns; nil where it is the whole device.
  public var group: String?
  public var moment: Moment
  public var kind: GapData.Kind
  public var from: Timestamp?
  public var to: Timestamp?
  public var count: UInt64?
  public var reason: String?
  /// What a group's counter shows after it fell: the next cycle is counted from here.
  public var counter: UInt64?

  public init(
    device: String, group: String? = nil, moment: Moment, kind: GapData.Kind, from: Timestamp? = nil,
    to: Timestamp? = nil, count: UInt64? = nil, reason: String? = nil, counter: UInt64? = nil
  ) {
    self.device = device
    self.group = group
    self.moment = moment
    self.kind = kind
    self.from = from
    self.to = to
    self.count = count
    self.reason = reason
    self.counter = counter
  }
}

/// Something of this device that looks wrong, with its evidence; told when it begins and when it is over.
public struct Finding: Sendable, Hashable {
  public var device: String
  /// The group it concerns; nil where it is the whole device.
  public var group: String?
  public var moment: Moment
  public var kind: FindingData.Kind
  /// What of the device it is about where that is not a group: a range of registers, a unit id.
  public var about: String?
  public var from: Timestamp
  /// Nil while it goes on.
  public var to: Timestamp?
  public var count: UInt64?
  public var reason: String

  public init(
    device: String, group: String? = nil, moment: Moment, kind: FindingData.Kind, about: String? = nil,
    from: Timestamp, to: Timestamp? = nil, count: UInt64? = nil, reason: String
  ) {
    self.device = device
    self.group = group
    self.moment = moment
    self.kind = kind
    self.about = about
    self.from = from
    self.to = to
    self.count = count
    self.reason = reason
  }
}

/// What became of a report: only `accepted` may be acknowledged to a PLC or a scanner.
public enum Acceptance: Sendable, Hashable {
  /// Committed to disk.
  case accepted
  /// Committed to disk, and of no use here: why. Say so to the device; trying again changes nothing by itself.
  case unusable(String)
  /// Not kept, and why; say so to the device (no handshake, a refusal tone), and try again where that makes sense.
  case refused(String)
}

/// Takes a report and answers after its commit.
public typealias ReportSink = @Sendable (Report) async -> Acceptance

/// Takes a reading at a rate without making its device wait; `outcome` is told after the commit, once, on another thread.
///
/// False where it has to be waited for instead (`ReportSink`), since it could not be handed over at once in its turn.
public typealias ReadingSink = @Sendable (Reading, _ outcome: @escaping @Sendable (Acceptance) -> Void) -> Bool
