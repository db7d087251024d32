import Settings

/// What is where in a Modbus device: groups of tags with their addresses, types and rates.
public struct ModbusMap: Sendable, Hashable {
  public let about: String?
  /// How it writes addresses, and how the settings write those of this device.
  public let notation: ModbusAddress.Notation
  public let requests: RequestLimits
  /// In the order of the file.
  public let groups: [ModbusGroup]
  /// The requests that it takes.
  public let plan: RequestPlan

  public init(
    about: String? = nil, notation: ModbusAddress.Notation = .modicon, requests: RequestLimits = RequestLimits(),
    groups: [ModbusGroup]
  ) {
    self.about = about
    self.notation = notation
    self.requests = requests
    self.groups = groups
    plan = RequestPlan(groups, limits: requests)
  }

  /// Reads the fields after `kind`; problems go to the file.
  ///
  /// Nil if the map cannot be used.
  init?(_ fields: inout Fields) {
    let about = fields.text("about")
    let notation = fields.choice("addresses", of: ModbusAddress.Notation.allCases.map(\.rawValue))
    let order = fields.choice("word-order", of: WordOrder.ofMaps.map(\.rawValue)).flatMap { WordOrder(rawValue: $0) }
    var limits = RequestLimits(fields.optional("requests"))
    let written = notation.flatMap { ModbusAddress.Notation(rawValue: $0) } ?? .modicon
    limits.readable = Self.readable(fields.optional("readable"), notation: written)
    let asked = fields.required("groups", "the groups of tags, by name")
    var reader = ModbusMapReader(
      notation: written, order: order ?? .ABCD, limits: limits)
    guard let asked else { return nil }
    let entries = asked.entries(of: "groups of tags, by name")
    if entries.isEmpty, asked.isMapping || asked.isEmpty {
      asked.refuse(found: "no group", allowed: "at least one group")
    }
    self.init(
      about: about, notation: written, requests: limits,
      groups: entries.compactMap { reader.group(named: $0.name, $0.node) })
  }
}

extension ModbusMap {
  /// Reads `readable`: the ranges that may be read, none overlapping another.
  private static func readable(_ node: SettingsNode?, notation: ModbusAddress.Notation) -> [AddressRange] {
    guard let node else { return [] }
    let example = notation == .modicon ? "40001..40120" : "holding:0..119"
    let what = "ranges that may be read, such as [\"\(example)\"]"
    let items = node.items(of: what)
    if node.isList, items.isEmpty { node.refuse(found: "no range", allowed: what) }
    var ranges: [AddressRange] = []
    for item in items {
      guard let range = item.text.flatMap({ AddressRange($0, notation: notation) }) else {
        item.refuse(allowed: "a range of one table, the lower address first, such as \(example)")
        continue
      }
      if let other = ranges.first(where: { $0.table == range.table && $0.range.overlaps(range.range) }) {
        item.refuse(
          found: "\(item.quoted), which overlaps \(other)", allowed: "ranges apart, or one that is both together")
      }
      ranges.append(range)
    }
    return ranges
  }
}

extension AddressRange {
  /// Reads `40001..40120`, `holding:0..holding:119`, `holding:0..119`, or one address.
  init?(_ text: String, notation: ModbusAddress.Notation) {
    guard let dots = text.firstRange(of: "..") else {
      guard let place = ModbusAddress(text, notation: notation), place.bits == nil else { return nil }
      self.init(table: place.table, range: place.number..<(place.number + 1))
      return
    }
    let (begin, end) = (String(text[..<dots.lowerBound]), String(text[dots.upperBound...]))
    guard let first = ModbusAddress(begin, notation: notation), first.bits == nil else { return nil }
    // The table by name need not be said twice.
    let named = begin.split(separator: ":").first.map { "\($0):\(end)" } ?? end
    guard let last = ModbusAddress(end, notation: notation) ?? ModbusAddress(named, notation: notation),
      last.bits == nil, last.table == first.table, last.number >= first.number
    else { return nil }
    self.init(table: first.table, range: first.number..<(last.number + 1))
  }
}

/// How a device wants to be asked.
public struct RequestLimits: Sendable, Hashable {
  /// The whole time that one answer may take.
  public var timeout: Duration = .seconds(1)
  /// Per request; of coils and discrete inputs 16 times as many.
  public var maxRegisters = 125
  /// Registers between two tags that are read along rather than asked for apart; of coils 16 times as many.
  public var maxGap = 8
  /// Rest between an answer and the next request.
  public var pause: Duration = .zero
  /// What one request may read: all of it within one of these; empty where the map does not say, and then anything.
  public var readable: [AddressRange] = []
  /// Rest between connecting and the first request.
  public var pauseAfterConnect: Duration = .zero

  public init() {}

  init(_ node: SettingsNode?) {
    guard let node else { return }
    var fields = node.fields(of: "timeout, max-registers, max-gap, pause, pause-after-connect")
    timeout = fields.duration("timeout", atLeast: .milliseconds(10)) ?? timeout
    if timeout > .seconds(60) {
      fields.optional("timeout")?.refuse(allowed: "a time from 10ms to 60s")
    }
    maxRegisters = fields.integer("max-registers", in: 1...125) ?? maxRegisters
    maxGap = fields.integer("max-gap", in: 0...124) ?? maxGap
    pause = fields.duration("pause") ?? pause
    if pause > .seconds(60) { fields.optional("pause")?.refuse(allowed: "a time up to 60s") }
    pauseAfterConnect = fields.duration("pause-after-connect") ?? pauseAfterConnect
    if pauseAfterConnect > .seconds(60) { fields.optional("pause-after-connect")?.refuse(allowed: "a time up to 60s") }
    fields.close()
  }

  /// The most that one request of the table may ask for.
  func most(of table: ModbusAddress.Table) -> Int { table.isBits ? maxRegisters * 16 : maxRegisters }
  /// Whether one request may read all of `range`.
  func allows(_ range: Range<Int>, of table: ModbusAddress.Table) -> Bool {
    range.count <= most(of: table) && isReadable(range, of: table)
  }
  /// Whether the map lists the addresses, all in one range.
  func isReadable(_ range: Range<Int>, of table: ModbusAddress.Table) -> Bool {
    readable.isEmpty
      || readable.contains {
        $0.table == table && $0.range.lowerBound <= range.lowerBound && range.upperBound <= $0.range.upperBound
      }
  }
  /// The largest gap that is read along.
  func gap(of table: ModbusAddress.Table) -> Int { table.isBits ? maxGap * 16 : maxGap }
}
