import Settings

/// What is where in a Modbus device: groups of tags with their addresses, types and rates.
public struct ModbusMap: Sendable, Hashable {
  public let about: String?
  public let requests: RequestLimits
  /// In the order of the file.
  public let groups: [ModbusGroup]
  /// The requests that it takes.
  public let plan: RequestPlan

  public init(about: String? = nil, requests: RequestLimits = RequestLimits(), groups: [ModbusGroup]) {
    self.about = about
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
    let orders = WordOrder.choices(width: 2).map(\.rawValue)
    let order = fields.choice("word-order", of: orders, notYet: WordOrder.notYet).flatMap { WordOrder(rawValue: $0) }
    let limits = RequestLimits(fields.optional("requests"))
    let asked = fields.required("groups", "the groups of tags, by name")
    var reader = ModbusMapReader(
      notation: notation.flatMap { ModbusAddress.Notation(rawValue: $0) } ?? .modicon, order: order ?? .ABCD,
      limits: limits)
    guard let asked else { return nil }
    let entries = asked.entries(of: "groups of tags, by name")
    if entries.isEmpty, asked.isMapping || asked.isEmpty {
      asked.refuse(found: "no group", allowed: "at least one group")
    }
    self.init(about: about, requests: limits, groups: entries.compactMap { reader.group(named: $0.name, $0.node) })
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

  public init() {}

  init(_ node: SettingsNode?) {
    guard let node else { return }
    var fields = node.fields(of: "timeout, max-registers, max-gap, pause")
    timeout = fields.duration("timeout", atLeast: .milliseconds(10)) ?? timeout
    if timeout > .seconds(60) {
      fields.optional("timeout")?.refuse(allowed: "a time from 10ms to 60s")
    }
    maxRegisters = fields.integer("max-registers", in: 1...125) ?? maxRegisters
    maxGap = fields.integer("max-gap", in: 0...124) ?? maxGap
    pause = fields.duration("pause") ?? pause
    if pause > .seconds(60) { fields.optional("pause")?.refuse(allowed: "a time up to 60s") }
    fields.close()
  }

  /// The most that one request of the table may ask for.
  func most(of table: ModbusAddress.Table) -> Int { table.isBits ? maxRegisters * 16 : maxRegisters }
  /// The largest gap that is read along.
  func gap(of table: ModbusAddress.Table) -> Int { table.isBits ? maxGap * 16 : maxGap }
}
