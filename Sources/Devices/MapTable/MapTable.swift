public import Settings

/// A map as rows and columns, and back, without loss: whatever keys a map has, by the form that they have.
///
/// Each tag is a row. What else a map says are rows of another kind, named in the column `row`: `map` for the keys of
/// the map itself, `group` for those of a group, and for a mapping within these its name (`requests`, `trigger`,
/// `acknowledge`, `frame`), with `[]` behind it for each item of a list of mappings (`codes[]`). The other columns are
/// the keys; what is neither text nor number stands in its cell as YAML in one line: `[80, 120]`, `{ 1: pass }`.
public struct MapTable: Sendable, Hashable {
  public var rows: [Row]

  /// One row, whose place in a file is known where it came from one.
  public struct Row: Sendable, Hashable {
    /// `tag`, `map`, `group`, or the name of a mapping within the map or a group.
    public var kind: String
    /// Empty for what belongs to no group.
    public var group: String
    /// Of a tag its name; empty for others.
    public var tag: String
    public var fields: [SettingsTree.Entry]
    /// The row of the spreadsheet; nil where there is none.
    public var number: Int?

    public init(
      kind: String = "tag", group: String = "", tag: String = "", fields: [SettingsTree.Entry], number: Int? = nil
    ) {
      (self.kind, self.group, self.tag, self.fields, self.number) = (kind, group, tag, fields, number)
    }
  }

  /// What a table cannot carry, in one line.
  public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String
  }

  public init(rows: [Row]) { self.rows = rows }

  static let tagKind = "tag"
  static let mapKind = "map"
  static let groupKind = "group"
  /// The columns that say which row it is.
  static let places = ["row", "group", "tag"]

  // MARK: From a map

  /// Takes a map apart.
  public init(_ map: SettingsTree) throws(Fault) {
    guard let entries = map.entries else { throw Fault(description: "a map is a mapping of keys to values") }
    rows = []
    try add(entries.filter { $0.name != "groups" }, kind: Self.mapKind, group: "")
    for group in try Self.entries(map["groups"], "the map's groups") {
      guard let entries = group.value.entries else {
        throw Fault(description: "group \(group.name): it has no keys, which a table cannot say")
      }
      guard !group.name.isEmpty else { throw Fault(description: "a group has no name, which a table cannot say") }
      try add(entries.filter { $0.name != "tags" }, kind: Self.groupKind, group: group.name)
      for tag in try Self.entries(entries.first { $0.name == "tags" }?.value, "the tags of group \(group.name)") {
        guard let fields = tag.value.entries else {
          throw Fault(description: "tag \(tag.name) of group \(group.name): it has no keys, which a table cannot say")
        }
        rows.append(Row(group: group.name, tag: tag.name, fields: fields))
      }
    }
    for row in rows { try Self.check(row) }
  }

  /// What stands by name under a key that may be missing, but not empty.
  private static func entries(_ value: SettingsTree?, _ what: String) throws(Fault) -> [SettingsTree.Entry] {
    guard let value else { return [] }
    guard let entries = value.entries, !entries.isEmpty else {
      throw Fault(description: "\(what): they are not listed by name, which a table cannot say")
    }
    return entries
  }

  /// Adds the keys of a map or a group: the plain ones as a row, each mapping as one of its own.
  private mutating func add(_ entries: [SettingsTree.Entry], kind: String, group: String) throws(Fault) {
    let plain = entries.filter { Self.nested($0.value) == nil }
    rows.append(Row(kind: kind, group: group, fields: plain))
    for entry in entries {
      guard let nested = Self.nested(entry.value) else { continue }
      let isList = entry.value.items != nil
      guard ![Self.tagKind, Self.mapKind, Self.groupKind].contains(entry.name), !entry.name.hasSuffix("[]") else {
        throw Fault(description: "the key \"\(entry.name)\": a table has another use for that name")
      }
      for fields in nested { rows.append(Row(kind: entry.name + (isList ? "[]" : ""), group: group, fields: fields)) }
    }
  }

  /// The fields of a mapping, or of each mapping of a list; nil for a value that fits into a cell.
  private static func nested(_ value: SettingsTree) -> [[SettingsTree.Entry]]? {
    if let entries = value.entries { return [entries] }
    guard let items = value.items, !items.isEmpty else { return nil }
    let mappings = items.compactMap(\.entries)
    return mappings.count == items.count ? mappings : nil
  }

  private static func check(_ row: Row) throws(Fault) {
    for field in row.fields {
      let isTaken = field.name == "row" || field.name == "group" || (field.name == "tag" && row.kind == tagKind)
      if isTaken || field.name.isEmpty {
        throw Fault(description: "the key \"\(field.name)\" of \(row): a table has another use for that name")
      }
    }
  }

  // MARK: To a map

  /// Puts the map together again.
  public var map: SettingsTree {
    var top: [SettingsTree.Entry] = []
    var groups: [(name: String, entries: [SettingsTree.Entry], tags: [SettingsTree.Entry])] = []
    for row in rows {
      if row.group.isEmpty, row.kind != Self.tagKind {
        Self.put(row, into: &top)
        continue
      }
      if !groups.contains(where: { $0.name == row.group }) { groups.append((row.group, [], [])) }
      guard let place = groups.firstIndex(where: { $0.name == row.group }) else { continue }
      if row.kind == Self.tagKind {
        groups[place].tags.append(.init(row.tag, .mapping(row.fields)))
      } else {
        Self.put(row, into: &groups[place].entries)
      }
    }
    if !groups.isEmpty {
      top.append(
        .init(
          "groups",
          .mapping(
            groups.map { group in
              let tags = group.tags.isEmpty ? [] : [SettingsTree.Entry("tags", .mapping(group.tags))]
              return .init(group.name, .mapping(group.entries + tags))
            })))
    }
    return .mapping(top)
  }

  private static func put(_ row: Row, into entries: inout [SettingsTree.Entry]) {
    if row.kind == mapKind || row.kind == groupKind {
      entries += row.fields
    } else if row.kind.hasSuffix("[]") {
      let name = String(row.kind.dropLast(2))
      if let place = entries.firstIndex(where: { $0.name == name }), let items = entries[place].value.items {
        entries[place].value = .list(items + [.mapping(row.fields)])
      } else {
        entries.append(.init(name, .list([.mapping(row.fields)])))
      }
    } else {
      entries.append(.init(row.kind, .mapping(row.fields)))
    }
  }
}

extension MapTable.Row: CustomStringConvertible {
  public var description: String {
    switch kind {
    case MapTable.tagKind: "tag \(tag) of group \(group)"
    case MapTable.mapKind: "the map"
    case MapTable.groupKind: "group \(group)"
    default: group.isEmpty ? kind : "\(kind) of group \(group)"
    }
  }
}
