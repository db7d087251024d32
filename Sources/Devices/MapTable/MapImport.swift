public import Settings

/// A spreadsheet read as a map, with every problem of it by row and column.
///
/// A spreadsheet with a row of the kind `map` says all of the map. Any other is a list of tags: it says which tags
/// the groups that it names have; all else, and what it has no column for, stays as the present map has it.
public struct MapImport: Sendable, Hashable {
  public let columns: MapColumns
  /// What was understood in another way than it was written, one line each.
  public private(set) var notes: [String] = []
  /// Empty where the map can be used.
  public private(set) var problems: [String] = []
  /// What the map's file would say.
  public private(set) var map: SettingsTree = .mapping([])
  public private(set) var text: MapText

  /// - Parameters:
  ///   - present: the map as it is now; nil for a new one.
  ///   - ignored: headers of columns to leave out.
  ///   - formProblems: what reading the table found already.
  public init(
    _ table: SpreadsheetTable, onto present: SettingsTree?, ignoring ignored: [String] = [],
    formProblems: [String] = []
  ) {
    var problems = formProblems
    columns = MapColumns(table, ignoring: ignored, problems: &problems)
    self.problems = problems
    text = MapText(.mapping([]))
    var rows = MapRows(table, columns, present: present)
    self.problems += rows.problems
    notes = rows.notes
    do {
      let table = try rows.table(onto: present)
      notes = rows.notes
      map = table.map
      text = MapText(map)
      // What the form is wrong in would only be told twice.
      if self.problems.isEmpty { check(table) }
    } catch {
      self.problems.append(error.description)
    }
  }

  /// Has the map's own reader look at it: what it finds is told by row and column.
  private mutating func check(_ table: MapTable) {
    var found: [Problem] = []
    do {
      let file = try SettingsFile(name: "the map", text: text.text)
      if DeviceMap(file) == nil, (try? file.check()) != nil {
        problems.append("the map cannot be used, and nothing says why: please report this")
      }
      try file.check()
    } catch let error as SettingsError {
      found = error.problems
    } catch {
      problems.append("\(error)")
    }
    var told: Set<String> = []
    for problem in found {
      let line = words(problem, table)
      if told.insert(line.key).inserted { problems.append(line.text) }
    }
  }

  /// A problem of the map in the words of the spreadsheet; `key` is the same for what need not be told again.
  private func words(_ problem: Problem, _ table: MapTable) -> (key: String, text: String) {
    let said =
      "found \(problem.found); allowed: \(problem.allowed)"
      + (problem.nearest.map { "; did you mean \"\($0)\"?" } ?? "")
    let way = text.lines[problem.line] ?? []
    guard let row = table.rows.first(where: { way.starts(with: $0.way) && !$0.way.isEmpty }) ?? mapRow(table, way),
      let number = row.number
    else {
      return (said + problem.field, "the map's \(problem.field.isEmpty ? "file" : problem.field): \(said)")
    }
    let prefix = row.way.joined(separator: ".")
    let rest =
      problem.field.hasPrefix(prefix)
      ? problem.field.dropFirst(prefix.count).drop { $0 == "." } : Substring(problem.field)
    let key = rest.prefix { $0 != "." && $0 != "[" }
    let column = columns.columns.first { $0.key == String(key) }
    guard let column else { return ("\(number) \(said)", "row \(number) (\(row)): \(said)") }
    if problem.found.hasPrefix("unknown key") {
      return (
        "unknown \(key)",
        "\(column.name): found a column that a map has no place for in \(row); allowed: \(problem.allowed)"
          + "; leave it out with --ignore \"\(column.header)\""
          + (problem.nearest.map { "; did you mean \"\($0)\"?" } ?? "")
      )
    }
    return ("\(number) \(key) \(said)", "row \(number), \(column.name) (\(row)): \(said)")
  }

  private func mapRow(_ table: MapTable, _ way: [String]) -> MapTable.Row? {
    way.count == 1 ? table.rows.first { $0.kind == MapTable.mapKind && $0.number != nil } : nil
  }
}

extension MapTable.Row {
  /// The way to it in the map's file.
  var way: [String] {
    switch kind {
    case MapTable.tagKind: ["groups", group, "tags", tag]
    case MapTable.mapKind: []
    case MapTable.groupKind: ["groups", group]
    default: (group.isEmpty ? [] : ["groups", group]) + [kind.hasSuffix("[]") ? String(kind.dropLast(2)) : kind]
    }
  }
}
