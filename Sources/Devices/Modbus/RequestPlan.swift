/// The requests that a map takes, worked out once: what is sent is this and nothing else.
///
/// Tags are joined into one request where at most `max-gap` registers lie between them and `max-registers`
/// allows it. A value of several words, and a cycle's block in each table, is never split.
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

  /// The fewest requests that read all tags within the limits.
  static func joined(_ tags: [ModbusTag], limits: RequestLimits) -> [PlannedRequest] {
    var requests: [PlannedRequest] = []
    for table in ModbusAddress.Table.allCases {
      let sorted = tags.filter { $0.address.table == table }.sorted {
        ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
      }
      var open: PlannedRequest?
      for tag in sorted {
        guard let before = open else {
          open = single(tag)
          continue
        }
        let range = before.range.lowerBound..<max(before.range.upperBound, tag.range.upperBound)
        if tag.range.lowerBound - before.range.upperBound <= limits.gap(of: table),
          range.count <= limits.most(of: table)
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
  static func block(of group: ModbusGroup, trigger: ModbusTrigger, limits: RequestLimits) -> [PlannedRequest] {
    ModbusAddress.Table.allCases.compactMap { table in
      let tags = group.tags.filter { $0.address.table == table }
      guard var range = span(of: tags) else { return nil }
      var all = tags
      if trigger.tag.address.table == table, let wider = span(of: tags + [trigger.tag]),
        wider.count <= limits.most(of: table)
      {
        range = wider
        all.append(trigger.tag)
      }
      return PlannedRequest(table: table, range: range, tags: all)
    }
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
