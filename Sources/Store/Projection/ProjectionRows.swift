import Events
import GRDB

/// The rows that most events leave, each by a statement prepared once a batch.
///
/// A row follows from its event, so that twice is the same as once; only its time may be known better later.
struct ProjectionRows {
  private let cycles, units, links, changes, nodes: BareStatement

  init(_ db: Database) throws {
    func insert(_ table: String, _ columns: String, _ conflict: String = "DO NOTHING") throws -> BareStatement {
      let marks = columns.split(separator: ",").map { _ in "?" }.joined(separator: ", ")
      return try BareStatement(db, "INSERT INTO \(table)(\(columns)) VALUES (\(marks)) ON CONFLICT \(conflict)")
    }
    let retimed = "(incarnation, sequence) DO UPDATE SET time = excluded.time WHERE excluded.time <> time"
    cycles = try insert("cycles", "incarnation, sequence, station, time, unit, lot, product, result", retimed)
    units = try insert("cycle_units", "unit, incarnation, sequence, doubt")
    links = try insert("links", "incarnation, sequence, field, kind, id, role, doubt")
    changes = try insert(
      "changes", "incarnation, sequence, station, field, time, former, latter, how, origin_incarnation, origin",
      retimed)
    nodes = try insert(
      "nodes", "kind, id, code, latest",
      "(kind, id) DO UPDATE SET latest = excluded.latest WHERE excluded.latest > nodes.latest")
  }

  func cycle(_ key: EventKey, _ station: String, _ time: Timestamp, unit: String?, _ stamp: Stamp?, result: String?)
    throws
  {
    try cycles.run { row in
      row.add(key.incarnation)
      row.add(key.sequence)
      row.add(station)
      row.add(time.microseconds)
      row.add(unit)
      row.add(stamp?["lot"])
      row.add(stamp?["product"])
      row.add(result)
    }
  }

  func cycle(_ key: EventKey, of unit: String, isDoubtful: Bool) throws {
    try units.run { row in
      row.add(unit)
      row.add(key.incarnation)
      row.add(key.sequence)
      row.add(isDoubtful)
    }
  }

  func link(_ key: EventKey, _ field: String, _ node: NodeName, _ role: String, isDoubtful: Bool) throws {
    try links.run { row in
      row.add(key.incarnation)
      row.add(key.sequence)
      row.add(field)
      row.add(node.kind)
      row.add(node.id)
      row.add(role)
      row.add(isDoubtful)
    }
  }

  func change(_ key: EventKey, _ data: ContextData, _ time: Timestamp, origin: EventID?) throws {
    try changes.run { row in
      row.add(key.incarnation)
      row.add(key.sequence)
      row.add(data.station)
      row.add(data.field)
      row.add(time.microseconds)
      row.add(data.from)
      row.add(data.to)
      row.add(data.how.rawValue)
      row.add(origin?.incarnation.description)
      row.add(origin.map { Int64($0.sequence) })
    }
  }

  func node(_ name: NodeName, seen time: Timestamp) throws {
    try nodes.run { row in
      row.add(name.kind)
      row.add(name.id)
      row.add(Identifier(text: name.id).code)
      row.add(time.microseconds)
    }
  }
}

/// What can be searched for and walked to: a unit, a lot or an operator.
struct NodeName: Hashable {
  let kind: String
  let id: String

  /// There are three kinds, and hardly an id of two.
  func hash(into hasher: inout Hasher) { hasher.combine(id) }
}
