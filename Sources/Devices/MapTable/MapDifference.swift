internal import Settings

/// What another map says differently, tag by tag and field by field.
public struct MapDifference: Sendable, Hashable {
  public let changes: [Change]

  /// A tag, a group or another part of a map that is not as it was.
  public struct Change: Sendable, Hashable {
    public let what: MapTable.Row
    public let kind: Kind
    public let fields: [Field]
  }

  public enum Kind: String, Sendable, Hashable {
    case added, changed, removed
  }

  /// A key with its values before and after, in one line of YAML each.
  public struct Field: Sendable, Hashable {
    public let name: String
    public let from: String?
    public let to: String?

    public init(name: String, from: String?, to: String?) { (self.name, self.from, self.to) = (name, from, to) }
  }

  public init(from old: MapTable, to new: MapTable) {
    var left = old.rows
    var changes: [Change] = []
    for row in new.rows {
      let place = left.firstIndex { $0.kind == row.kind && $0.group == row.group && $0.tag == row.tag }
      let before = place.map { left.remove(at: $0) }
      let fields = Self.fields(from: before?.fields ?? [], to: row.fields)
      // A group's row without keys says nothing that its tags do not say.
      if before == nil, !(row.fields.isEmpty && row.kind != MapTable.tagKind) {
        changes.append(Change(what: row, kind: .added, fields: fields))
      } else if before != nil, !fields.isEmpty {
        changes.append(Change(what: row, kind: .changed, fields: fields))
      }
    }
    for row in left where !(row.fields.isEmpty && row.kind != MapTable.tagKind) {
      changes.append(Change(what: row, kind: .removed, fields: Self.fields(from: row.fields, to: [])))
    }
    self.changes = changes
  }

  private static func fields(from old: [SettingsTree.Entry], to new: [SettingsTree.Entry]) -> [Field] {
    var names = old.map(\.name)
    names += new.map(\.name).filter { !names.contains($0) }
    return names.compactMap { name in
      let (before, after) = (old.first { $0.name == name }?.value, new.first { $0.name == name }?.value)
      if let before, let after, before.says(after) { return nil }
      return Field(name: name, from: before?.flow, to: after?.flow)
    }
  }
}
