public import Settings

/// A spreadsheet read as a map, with every problem of it by row and column.
///
/// A spreadsheet with a row of the kind `map` says all of the map. Any other is a list of tags: it says which tags
/// the groups that it names have; all else, and what it has no column for, stays as the present map has it.
public struct MapImport: Sendable, Hashable {
  public let columns: MapColumns
  /// What was understood in another way than it was written, one line each.
  public private(set) var notes: [String] = []
  /// In the order of rows, one line each; empty where the map can be used.
  public private(set) var problems: [String] = []
  /// What the map's file would say; where there are problems, as far as the list can be understood.
  public private(set) var map: SettingsTree = .mapping([])
  public private(set) var text: MapText

  /// - Parameters:
  ///   - present: the map as it is now; nil for a new one.
  ///   - ignored: headers of columns to leave out.
  ///   - formProblems: what reading the table found already.
  public init(
    _ table: SpreadsheetTable, onto present: SettingsTree?, ignoring ignored: [String] = [],
    formProblems: [SpreadsheetTable.Problem] = []
  ) {
    var problems = formProblems
    columns = MapColumns(table, ignoring: ignored, problems: &problems)
    text = MapText(.mapping([]))
    var rows = MapRows(table, columns, present: present)
    problems += rows.problems
    do {
      let table = try rows.table(onto: present)
      map = table.map
      text = MapText(map)
      problems += check(table, rows)
    } catch {
      problems.append(.init(row: nil, error.description))
    }
    notes = rows.notes.map { printable($0) }
    // Those of one place stay in the order in which they were found.
    self.problems = problems.enumerated().sorted { first, second in
      first.element.isBefore(second.element)
        || (!second.element.isBefore(first.element) && first.offset < second.offset)
    }.map(\.element.description)
  }

  /// The first problems, and how many more there are where that is not all.
  public func problems(atMost most: Int) -> [String] {
    let rest = problems.count - most
    guard rest > 0 else { return problems }
    return problems.prefix(most) + ["\(rest) more problem\(rest == 1 ? "" : "s") behind these"]
  }

  /// Has the map's own reader look at it: what it finds is told by row and column.
  private func check(_ table: MapTable, _ rows: MapRows) -> [SpreadsheetTable.Problem] {
    var words = MapWords(table, rows: rows, columns: columns, lines: text.lines)
    do {
      let file = try SettingsFile(name: "the map", text: text.text)
      let isUsable = DeviceMap(file) != nil
      try file.check()
      guard !isUsable else { return [] }
      return [.init(row: nil, "the map cannot be used, and nothing says why: please report this")]
    } catch let error as SettingsError {
      return error.problems.compactMap { words.problem(for: $0) }
    } catch {
      return [.init(row: nil, "\(error)")]
    }
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
