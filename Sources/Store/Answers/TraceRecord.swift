import Events
import GRDB

/// What went into a node, or what it went into, by certainty.
public struct TraceRecord: Sendable {
  public enum Direction: String, Sendable { case backward, forward }

  /// One node that the walk came to.
  public struct Item: Sendable, Hashable {
    public var node: Node
    /// How many steps away, at least.
    public var depth: Int
    public var isCertain: Bool
    public var reason: String?
    public var alternatives: String?
  }

  /// A gap that may hide more.
  public struct Unknown: Sendable, Hashable {
    public var gap: String
    public var reason: String
  }

  public var from: Node
  public var direction: Direction
  /// The walk was ended by its limit of nodes.
  public var isTruncated: Bool
  public var items: [Item]
  public var unknown: [Unknown]

  /// The shape of section 6.
  public var json: [UInt8] {
    var json = JSONWriter(capacity: 4096)
    json.object { writer in
      writer.key("from")
      writer.object { inner in
        inner.field("kind", from.kind.rawValue)
        inner.field("id", from.id)
      }
      writer.field("direction", direction.rawValue)
      writer.field("truncated", isTruncated)
      for (name, isCertain) in [("certain", true), ("possible", false)] {
        writer.list(name, items.filter { $0.isCertain == isCertain }) { inner, item in
          inner.object { object in
            object.field("kind", item.node.kind.rawValue)
            object.field("id", item.node.id)
            object.field("depth", item.depth)
            object.field("reason", item.reason)
            object.field("alternatives", item.alternatives)
          }
        }
      }
      writer.list("unknown", unknown) { inner, gap in
        inner.object { object in
          object.field("gap", gap.gap)
          object.field("reason", gap.reason)
        }
      }
    }
    return json.bytes
  }
}

extension TraceStore {
  /// Walks from a node, at most `limit` nodes far; `unknown` where no event names the node.
  public func trace(
    from node: Node, _ direction: TraceRecord.Direction, exactly: Bool = false, limit: Int = 10_000
  ) async throws -> Lookup<TraceRecord> {
    try await read { [rules] db in
      try Self.lookup(node.kind, node.id, exactly: exactly, in: db) {
        var tracer = Tracer(db, rules, limit: limit)
        return try tracer.walk(from: Node(node.kind, $0), direction)
      }
    }
  }
}

/// Walks level by level; a node is as certain as its best way, a way as its weakest link.
struct Tracer {
  /// How the walk came to a node: that decides which of its links it may follow.
  private enum Arrival: Hashable {
    case start, consumed
    /// From a unit to the lot that it belongs to (or from it, forward): its siblings are not followed.
    case member
  }

  private struct Visit {
    var depth: Int
    var isCertain: Bool
    /// Only links before it count backward, after it forward.
    var bound: Timestamp?
    var arrival: Arrival
    var reason: String?
    var alternatives: String?
  }

  private let db: Database
  private let rules: TraceRules
  private let grader: Grader
  private let steps: Walk
  private let limit: Int
  private var visits: [Node: Visit] = [:]
  private var order: [Node] = []

  init(_ db: Database, _ rules: TraceRules, limit: Int) {
    self.db = db
    self.rules = rules
    self.limit = limit
    grader = Grader(db)
    steps = Walk(db, grader)
  }

  mutating func walk(from start: Node, _ direction: TraceRecord.Direction) throws -> TraceRecord {
    var level: [Node] = [start]
    var isTruncated = false
    visits[start] = Visit(depth: 0, isCertain: true, bound: nil, arrival: .start)
    while !level.isEmpty && !isTruncated {
      var next: [Node] = []
      for node in level {
        guard let visit = visits[node] else { continue }
        let found =
          direction == .backward ? try backward(from: node, visit) : try forward(from: node, visit)
        for (neighbour, arrival) in found where neighbour != start {
          guard visits[neighbour] != nil || order.count < limit else {
            isTruncated = true
            break
          }
          if improve(neighbour, arrival, direction) { next.append(neighbour) }
        }
      }
      level = next
    }
    return TraceRecord(
      from: start, direction: direction, isTruncated: isTruncated,
      items: order.compactMap { node in
        visits[node].map {
          .init(
            node: node, depth: $0.depth, isCertain: $0.isCertain, reason: $0.isCertain ? nil : $0.reason,
            alternatives: $0.isCertain ? nil : $0.alternatives)
        }
      }, unknown: try unknown(start, direction))
  }

  /// Takes a way to a node if it is the first, or better than the one known; true if its links are to be followed (again).
  private mutating func improve(_ node: Node, _ new: Visit, _ direction: TraceRecord.Direction) -> Bool {
    guard var known = visits[node] else {
      visits[node] = new
      order.append(node)
      return true
    }
    var isBetter = false
    if new.isCertain && !known.isCertain {
      (known.isCertain, known.reason, known.alternatives) = (true, nil, nil)
      isBetter = true
    }
    if let bound = known.bound, new.bound.map({ direction == .backward ? $0 > bound : $0 < bound }) ?? true {
      known.bound = new.bound
      isBetter = true
    }
    if known.arrival == .member, new.arrival != .member {
      known.arrival = new.arrival
      isBetter = true
    }
    visits[node] = known
    return isBetter
  }

  private func backward(from node: Node, _ visit: Visit) throws -> [(Node, Visit)] {
    if node.kind == .unit {
      return try CycleRow.of(unit: node.id, in: db).flatMap { cycle, isDoubtful -> [(Node, Visit)] in
        guard visit.bound.map({ cycle.time <= $0 }) ?? true else { return [] }
        return try grader.links(of: cycle, isDoubtful: isDoubtful).map { (link: LinkRecord) -> (Node, Visit) in
          (link.node, self.visit(link, from: visit, arrival: link.relation == "member" ? .member : .consumed))
        }
      }
    }
    let cycles = try CycleRow.of(lot: node.id, limit: 100_000, in: db).filter { cycle in
      (visit.bound.map { cycle.time <= $0 } ?? true) && (visit.arrival != .member || cycle.unit == nil)
    }
    let links = try cycles.flatMap { try grader.links(of: $0) }.filter { $0.relation != "member" }
    return Dictionary(grouping: links) { "\($0.station)\u{0}\($0.role)" }.sorted { $0.key < $1.key }
      .flatMap { _, group -> [(Node, Visit)] in
        // Through a lot, an ancestor is certain only if it is certain for all of the lot.
        let isShared = visit.arrival != .start && Set(group.map(\.node)).count > 1
        return group.map { link in
          var step = self.visit(link, from: visit, arrival: .consumed)
          if isShared {
            step.isCertain = false
            step.reason = step.reason ?? "only a part of lot \(node.id) had it"
          }
          return (link.node, step)
        }
      }
  }

  private func forward(from node: Node, _ visit: Visit) throws -> [(Node, Visit)] {
    var found: [(Node, Visit)] = []
    for step in try steps.consumers(of: node, isMemberIncluded: visit.arrival == .start)
    where visit.bound.map({ step.link.time >= $0 }) ?? true {
      var next = self.visit(step.link, from: visit, arrival: .consumed)
      if visit.arrival == .member, next.isCertain {
        next.isCertain = false
        next.reason = "only a part of lot \(node.id) is concerned"
      }
      found.append((step.child, next))
    }
    guard node.kind == .unit else { return found }
    // A unit's lot may be consumed as a whole further on; its other units are not followed.
    for (cycle, isDoubtful) in try CycleRow.of(unit: node.id, in: db) {
      for link in try grader.links(of: cycle, isDoubtful: isDoubtful) where link.relation == "member" {
        found.append((link.node, self.visit(link, from: visit, arrival: .member)))
      }
    }
    return found
  }

  private func visit(_ link: LinkRecord, from visit: Visit, arrival: Arrival) -> Visit {
    let isCertain = visit.isCertain && link.isCertain
    return Visit(
      depth: visit.depth + 1, isCertain: isCertain, bound: link.time, arrival: arrival,
      reason: isCertain ? nil : link.reason ?? visit.reason, alternatives: isCertain ? nil : link.alternatives)
  }

  /// The gaps at the stations where the start, and the units on the way, were or should have been.
  private func unknown(_ start: Node, _ direction: TraceRecord.Direction) throws -> [TraceRecord.Unknown] {
    var gaps: [GapRecord] = []
    // Forward, what a lot on the way went into is unknown where it was loaded; the units on the way add nothing.
    let nodes = [start] + order.filter { direction == .backward || $0.kind == .lot }
    let reader = UnitReader(db, rules, grader: grader)
    for node in nodes.prefix(200) {
      if node.kind == .unit {
        let rows = try CycleRow.of(unit: node.id, in: db)
        let cycles = try rows.map { try reader.cycle($0.cycle, attempt: 1, isDoubtful: $0.isDoubtful) }
        gaps += try reader.gaps(of: node.id, rows.map(\.cycle), cycles)
      } else if direction == .forward {
        gaps += try steps.gaps(ofLoaded: node.id)
      } else if visits[node]?.arrival != .member {
        gaps += try steps.gaps(around: CycleRow.of(lot: node.id, limit: LotReader.limit, in: db))
      }
    }
    var seen: Set<String> = []
    return gaps.filter { seen.insert($0.id).inserted && $0.state == "open" }.map { gap in
      let place = gap.station ?? gap.source ?? ""
      return .init(gap: gap.id, reason: "\(gap.kind) at \(place)" + (gap.reason.map { ": \($0)" } ?? ""))
    }
  }
}
