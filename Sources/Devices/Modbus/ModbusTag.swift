/// A named value in a Modbus map.
public struct ModbusTag: Sendable, Hashable {
  public let name: String
  public let address: ModbusAddress
  public let type: ValueType
  /// How many registers, or for a coil or discrete input bits, it takes.
  public let width: Int
  /// The characters of one byte that a string has, two a register; of other types 0.
  public let length: Int
  /// Of a string.
  public let encoding: TextEncoding
  /// For values of registers; a bit of a register is counted in the register as Modbus has it.
  public let order: WordOrder
  public let scaling: Scaling?
  /// In UCUM, `kN` or `Cel`.
  public let unit: String?
  /// A change up to this is none, for `report: change`.
  public let deadband: Double
  /// Values outside are marked, never held back.
  public let limits: ClosedRange<Double>?
  /// `result`, or what the value says about the context (`unit`, `lot`, `materials.coil` …).
  public let role: String?
  /// Names of raw whole numbers; a number without a name is bad.
  public let names: [Int64: String]?

  public init(
    name: String, address: ModbusAddress, type: ValueType, order: WordOrder? = nil, scaling: Scaling? = nil,
    unit: String? = nil, deadband: Double = 0, limits: ClosedRange<Double>? = nil, role: String? = nil,
    names: [Int64: String]? = nil, length: Int = 0, encoding: TextEncoding = .ascii
  ) {
    self.name = name
    self.address = address
    self.type = type
    self.length = type == .string ? length : 0
    self.encoding = encoding
    width = type == .string ? (length + 1) / 2 : type.width
    let fitting = type == .bool || type == .bits ? .AB : order
    self.order = fitting ?? (type.width == 4 ? .ABCDEFGH : type.width == 2 ? .ABCD : .AB)
    self.scaling = scaling
    self.unit = unit
    self.deadband = deadband
    self.limits = limits
    self.role = role
    self.names = names
  }

  /// The addresses it takes in its table.
  public var range: Range<Int> { address.number..<(address.number + width) }

  /// Whether it can guard a block: a whole number, with no name in its place.
  var canGuard: Bool { type.range != nil && names == nil }

  /// Whether a good number lies outside the limits.
  func isOutside(_ number: Double) -> Bool { limits.map { !$0.contains(number) } ?? false }
}

/// Tags that are read together, at one rate or when a trigger says so.
public struct ModbusGroup: Sendable, Hashable {
  public let name: String
  /// How often it is read; with a trigger, how often that is.
  public let every: Duration
  public let reporting: Reporting
  /// A cycle's trigger; nil for a group that is read at its rate.
  public let trigger: ModbusTrigger?
  /// In the order of the map.
  public let tags: [ModbusTag]

  /// When a reading becomes an event.
  public enum Reporting: Sendable, Hashable {
    case always
    /// When a tag moved by more than its deadband or changed its quality; all tags after each heartbeat.
    case change(heartbeat: Duration?)
  }

  public init(
    name: String, every: Duration, reporting: Reporting = .change(heartbeat: nil), trigger: ModbusTrigger? = nil,
    tags: [ModbusTag]
  ) {
    self.name = name
    self.every = every
    self.reporting = reporting
    self.trigger = trigger
    self.tags = tags
  }
}

/// What says that a cycle is done, and where the PLC waits for the word that it is on disk.
public struct ModbusTrigger: Sendable, Hashable {
  /// A counter (uint16, uint32) or a bit that rises.
  public let tag: ModbusTag
  /// The count at which a counter is 0 again.
  public let wraps: UInt64
  /// Gets the trigger's value once the record is on disk; nil where the PLC waits for nothing.
  public let acknowledge: ModbusTag?
  /// The group's tag, or the trigger itself, that shows whether a block of several requests is of one cycle.
  ///
  /// The PLC changes it whenever it begins to write the block. It is read in the block's first request and again,
  /// alone, behind the last (`RequestPlan.Purpose.guard`). Nil where each table's part of the block is one request.
  public var guardTag: ModbusTag?
  /// How long the PLC may wait for it before that is a finding.
  public var within: Duration = .seconds(10)

  public init(tag: ModbusTag, wraps: UInt64? = nil, acknowledge: ModbusTag?, guardTag: ModbusTag? = nil) {
    self.guardTag = guardTag
    self.tag = tag
    self.wraps = wraps ?? (tag.type == .uint32 ? 1 << 32 : 1 << 16)
    self.acknowledge = acknowledge
  }

  /// Whether it is a bit, not a counter.
  public var isBit: Bool { tag.type == .bool }
}
