public import Settings

/// Other tags put into the text of a map's file, so that its comments and its form stay where they can.
///
/// It knows files that have a tag at the beginning of a line of its own; the caller must see whether what comes out
/// says what it should, and write the file anew where it does not.
struct MapPatch {
  private(set) var lines: [String]
  private let end: String

  init(_ text: String) {
    end = text.contains("\r\n") ? "\r\n" : "\n"
    lines = text.split(separator: Character(end), omittingEmptySubsequences: false).map(String.init)
  }

  var text: String { lines.joined(separator: end) }

  /// The text of `file` with the tags of `new`; nil where its form does not allow that, or more than tags changed.
  static func text(of file: SettingsFile, to new: MapTable) -> String? {
    let old = SettingsTree(file.root)
    guard let before = try? MapTable(old) else { return nil }
    var patch = MapPatch(file.text)
    // From the last to the first, so that the places of those before stay as they are.
    for place in patch.places(in: file).sorted(by: { $0.lines.lowerBound > $1.lines.lowerBound }) {
      let row = new.rows.first { $0.kind == MapTable.tagKind && $0.group == place.group && $0.tag == place.tag }
      let added = new.rows.drop { $0.group != place.group || $0.tag != place.tag }.dropFirst().prefix { next in
        next.group == place.group && next.kind == MapTable.tagKind
          && !before.rows.contains { $0.isSame(as: next) }
      }
      patch.lines.insert(contentsOf: added.map { place.indent + Self.line($0) }, at: place.lines.upperBound)
      guard let row else {
        patch.lines.removeSubrange(place.lines)
        continue
      }
      let was = before.rows.first { $0.isSame(as: row) }
      if let was, SettingsTree.mapping(was.fields).says(.mapping(row.fields)) { continue }
      let comment = place.lines.count == 1 ? Self.comment(patch.lines[place.lines.lowerBound]) : ""
      patch.lines.replaceSubrange(place.lines, with: [place.indent + Self.line(row) + comment])
    }
    guard let file = try? SettingsFile(name: file.name, text: patch.text), SettingsTree(file.root).says(new.map) else {
      return nil
    }
    return patch.text
  }

  private static func line(_ row: MapTable.Row) -> String {
    "\(SettingsTree.scalar(row.tag)): \(SettingsTree.mapping(row.fields).flow)"
  }

  /// What stands behind the last bracket of a line: its comment with the space before it.
  private static func comment(_ line: String) -> String {
    guard let bracket = line.lastIndex(of: "}") else { return "" }
    let rest = line[line.index(after: bracket)...]
    return rest.drop { $0 == " " }.first == "#" ? String(rest) : ""
  }

  private struct Place {
    let group: String
    let tag: String
    let indent: String
    let lines: Range<Int>
  }

  /// Where each tag stands.
  private func places(in file: SettingsFile) -> [Place] {
    var places: [Place] = []
    var fields = file.root.fields(of: "a map")
    for group in fields.optional("groups")?.entries(of: "groups") ?? [] {
      var inner = group.node.fields(of: "a group")
      for tag in inner.optional("tags")?.entries(of: "tags") ?? [] {
        // A mapping in brackets begins on its key's line, one below its key on the next.
        for number in [tag.node.line - 1, tag.node.line - 2] where lines.indices.contains(number) {
          let line = lines[number]
          let indent = String(line.prefix { $0 == " " })
          let rest = line.dropFirst(indent.count)
          guard [tag.name, "\"\(tag.name)\"", "'\(tag.name)'"].contains(where: { rest.hasPrefix($0 + ":") }) else {
            continue
          }
          places.append(
            Place(group: group.name, tag: tag.name, indent: indent, lines: number..<endOfEntry(number, indent)))
          break
        }
      }
    }
    return places
  }

  /// Behind the last line that is indented deeper than the key; comments and empty lines before the next key are its.
  private func endOfEntry(_ first: Int, _ indent: String) -> Int {
    var end = first + 1
    var place = end
    while place < lines.count {
      let line = lines[place]
      let depth = line.prefix { $0 == " " }.count
      let isIdle = depth == line.count || line.dropFirst(depth).first == "#"
      if !isIdle {
        guard depth > indent.count else { break }
        end = place + 1
      }
      place += 1
    }
    return end
  }
}

extension MapImport {
  /// The text to write in place of a map's file, with its comments where its form allows that.
  ///
  /// - Returns: also how many comments go: 0 where the file is patched.
  public func text(inPlaceOf file: SettingsFile) -> (text: String, lostComments: Int) {
    if let table = try? MapTable(map), let patched = MapPatch.text(of: file, to: table) { return (patched, 0) }
    let comments = file.text.split(whereSeparator: \.isNewline).filter { line in
      line.drop { $0 == " " }.hasPrefix("#") || line.contains(" #")
    }
    return (text.text, comments.count)
  }
}
