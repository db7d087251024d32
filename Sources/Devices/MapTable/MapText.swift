public import Settings

/// The text of a map's file, made from what it says: one line a tag.
public struct MapText: Sendable, Hashable {
  public private(set) var text = ""
  /// The first line of each thing, counted from 1, by the way to it (`groups.process.tags.level`).
  public private(set) var lines: [Int: [String]] = [:]
  private var count = 0

  /// The most that stands in one line where it can be broken.
  private static let width = 110

  public init(_ map: SettingsTree) {
    for entry in map.entries ?? [] {
      if entry.name == "groups", let groups = entry.value.entries {
        add("groups:", ["groups"])
        for group in groups { add(group) }
      } else {
        add(entry, indent: "", [entry.name])
      }
    }
  }

  private mutating func add(_ group: SettingsTree.Entry) {
    let way = ["groups", group.name]
    guard let entries = group.value.entries else {
      add("  \(SettingsTree.scalar(group.name)): \(group.value.flow)", way)
      return
    }
    add("  \(SettingsTree.scalar(group.name)):", way)
    for entry in entries {
      guard entry.name == "tags", let tags = entry.value.entries, !tags.isEmpty else {
        add(entry, indent: "    ", way + [entry.name])
        continue
      }
      add("    tags:", way + ["tags"])
      for tag in tags {
        add("      \(SettingsTree.scalar(tag.name)): \(tag.value.flow)", way + ["tags", tag.name])
      }
    }
  }

  /// A key with its value: in one line, or a list or mapping that is too long for it item by item.
  private mutating func add(_ entry: SettingsTree.Entry, indent: String, _ way: [String]) {
    let line = "\(indent)\(SettingsTree.scalar(entry.name)): \(entry.value.flow)"
    if line.count > Self.width || (entry.value.items ?? []).contains(where: { $0.entries != nil }) {
      if let items = entry.value.items, !items.isEmpty {
        add("\(indent)\(SettingsTree.scalar(entry.name)):", way)
        for (place, item) in items.enumerated() { add("\(indent)  - \(item.flow)", way + ["[\(place)]"]) }
        return
      }
      if let entries = entry.value.entries, !entries.isEmpty {
        add("\(indent)\(SettingsTree.scalar(entry.name)):", way)
        for inner in entries { add(inner, indent: indent + "  ", way + [inner.name]) }
        return
      }
    }
    add(line, way)
  }

  private mutating func add(_ line: String, _ way: [String]) {
    count += 1
    lines[count] = way
    text += line + "\n"
  }
}
