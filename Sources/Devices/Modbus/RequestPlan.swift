/// The requests that a map takes, worked out once: what is sent is this and nothing else.
///
/// Tags are joined into one request where at most `max-gap` registers lie between them, `max-registers` allows it,
/// and the map's `readable` has all of it in one range. A value of several words is never split, nor is a cycle's
/// block in each table, unless the map names the tag that guards its consistency.
public struct RequestPlan: Sendable, Hashable {
  public let parts: [Part]

  /// The requests of one group for one purpose.
  public struct Part: Sendable, Hashable {
    public let group: String
    public let purpose: Purpose
    /// How often they are sent; nil where something else than time asks for them.
    public let every: Duration?
    public let requests: [PlannedRequest]
  }

  /// What requests are for.
  public enum Purpose: String, Sendable, Hashable, CaseIterable {
    /// Read at the group's rate.
    case poll
    /// The trigger, read at the group's rate.
    case trigger
    /// A cycle's block, read when the trigger says so.
    case block
    /// The tag that guards a block of several requests, read again behind them.
    case `guard`
    /// The acknowledge, read once a connection; written after a cycle's commit.
    case acknowledge
  }

  init(_ groups: [ModbusGroup], limits: RequestLimits) {
    var parts: [Part] = []
    for group in groups {
      guard let trigger = group.trigger else {
        let requests = Self.joined(group.tags, limits: limits)
        parts.append(Part(group: group.name, purpose: .poll, every: group.every, requests: requests))
        continue
      }
      parts.append(
        Part(group: group.name, purpose: .trigger, every: group.every, requests: [Self.single(trigger.tag)]))
      let block = Self.block(of: group, trigger: trigger, limits: limits)
      if !block.isEmpty { parts.append(Part(group: group.name, purpose: .block, every: nil, requests: block)) }
      if let guardTag = trigger.guardTag, block.count > 1 {
        parts.append(Part(group: group.name, purpose: .guard, every: nil, requests: [Self.single(guardTag)]))
      }
      if let acknowledge = trigger.acknowledge {
        parts.append(
          Part(group: group.name, purpose: .acknowledge, every: nil, requests: [Self.single(acknowledge)]))
      }
    }
    self.parts = parts
  }

  /// The requests of a group for a purpose, none if there is no such part.
  func requests(of group: String, for purpose: Purpose) -> [PlannedRequest] {
    parts.first { $0.group == group && $0.purpose == purpose }?.requests ?? []
  }

  static func single(_ tag: ModbusTag) -> PlannedRequest {
    PlannedRequest(table: tag.address.table, range: tag.range, tags: [tag])
  }

  /// The fewest requests that read all tags within the limits, each tag whole in exactly one.
  ///
  /// No request touches one of `holes`, and the tags that lie in one are left out. The tags being taken by their
  /// first address, each into the open request as long as it may grow, no other choice needs fewer: what a request
  /// may reach it may also reach from a later start.
  static func joined(
    _ tags: [ModbusTag], limits: RequestLimits, around holes: [AddressRange] = []
  ) -> [PlannedRequest] {
    var requests: [PlannedRequest] = []
    for table in ModbusAddress.Table.allCases {
      let barred = holes.filter { $0.table == table }
      let sorted = tags.filter { tag in tag.address.table == table && !barred.contains { $0.bars(tag.range) } }
        .sorted { ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound) }
      var open: PlannedRequest?
      for tag in sorted {
        guard let before = open else {
          open = single(tag)
          continue
        }
        let range = before.range.lowerBound..<max(before.range.upperBound, tag.range.upperBound)
        if tag.range.lowerBound - before.range.upperBound <= limits.gap(of: table),
          limits.allows(range, of: table), !barred.contains(where: { $0.bars(range) })
        {
          open = PlannedRequest(table: table, range: range, tags: before.tags + [tag])
        } else {
          requests.append(before)
          open = single(tag)
        }
      }
      if let open { requests.append(open) }
    }
    return requests
  }

  /// A cycle's block: all of its tags of a table in one request, gaps or not, and the trigger along with
  /// them where it fits, so that the answer itself says which cycle it belongs to.
  ///
  /// Where a table's tags do not fit into one request, there are several, each tag whole in one; the one with the
  /// guard comes first, so that reading the guard again behind all of them shows whether they are of one cycle.
  static func block(of group: ModbusGroup, trigger: ModbusTrigger, limits: RequestLimits) -> [PlannedRequest] {
    var requests: [PlannedRequest] = []
    for table in ModbusAddress.Table.allCases {
      let tags = group.tags.filter { $0.address.table == table }
      guard var range = span(of: tags) else { continue }
      guard limits.allows(range, of: table) else {
        requests += joined(tags, limits: limits)
        continue
      }
      var all = tags
      if trigger.tag.address.table == table, let wider = span(of: tags + [trigger.tag]), limits.allows(wider, of: table)
      {
        range = wider
        all.append(trigger.tag)
      }
      requests.append(PlannedRequest(table: table, range: range, tags: all))
    }
    if let guardTag = trigger.guardTag, let place = requests.firstIndex(where: { $0.tags.contains(guardTag) }) {
      requests.insert(requests.remove(at: place), at: 0)
    }
    return requests
  }

  /// From the first address of the tags to the last.
  static func span(of tags: [ModbusTag]) -> Range<Int>? {
    guard let low = tags.map(\.range.lowerBound).min(), let high = tags.map(\.range.upperBound).max() else {
      return nil
    }
    return low..<high
  }
}

/// One read request: what `lotline check` shows, and what goes over the wire.
public struct PlannedRequest: Sendable, Hashable {
  public let table: ModbusAddress.Table
  /// The addresses on the wire, counted from 0.
  public let range: Range<Int>
  /// The tags that its answer serves, by address.
  public let tags: [ModbusTag]

  public var function: UInt8 { table.readFunction }
  /// The first address on the wire, counted from 0.
  public var address: Int { range.lowerBound }
  /// Registers, or bits of coils and discrete inputs.
  public var count: Int { range.count }
}

/// Addresses of one table, counted from 0: what a map says may be read, or what a device has shown not to have.
public struct AddressRange: Sendable, Hashable, CustomStringConvertible {
  public let table: ModbusAddress.Table
  public let range: Range<Int>

  public init(table: ModbusAddress.Table, range: Range<Int>) {
    self.table = table
    self.range = range
  }

  /// Whether a request for `wanted` is spoilt by this hole.
  ///
  /// A hole without addresses is a border that no request may cross: some devices refuse that although they have
  /// both sides.
  func bars(_ wanted: Range<Int>) -> Bool {
    wanted.lowerBound < range.upperBound && range.lowerBound < wanted.upperBound
  }

  /// `holding:40..41`, the last address included; a border is named by the address behind it.
  public var description: String {
    range.count > 1
      ? "\(table.rawValue):\(range.lowerBound)..\(range.upperBound - 1)" : "\(table.rawValue):\(range.lowerBound)"
  }
}
