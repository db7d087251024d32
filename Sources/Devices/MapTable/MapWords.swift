internal import Settings

/// What a map's reader finds, in the words of the spreadsheet that the map was made from: by row and column.
struct MapWords {
  private let columns: MapColumns
  private let lines: [Int: [String]]
  private let renamed: [Int: MapRows.Renamed]
  private let refused: [Int: Set<String>]
  /// The rows by the way to them in the map's file.
  private var rows: [[String]: MapTable.Row] = [:]
  private var told: Set<String> = []

  /// - Parameter lines: the way to what stands in each line of the map's text.
  init(_ table: MapTable, rows: MapRows, columns: MapColumns, lines: [Int: [String]]) {
    (self.columns, self.lines) = (columns, lines)
    (renamed, refused) = (rows.renamed, rows.refused)
    var counts: [[String]: Int] = [:]
    for row in table.rows {
      var way = row.way
      if row.kind.hasSuffix("[]") {
        let count = counts[way, default: 0]
        counts[way] = count + 1
        way.append("[\(count)]")
      }
      let isGroup = row.kind == MapTable.groupKind && row.number != nil
      if isGroup || self.rows[way] == nil { self.rows[way] = row }
      // A group that has no row of its own is told of by the first of its tags.
      let group = ["groups", row.group]
      if row.kind == MapTable.tagKind, row.number != nil, self.rows[group]?.number == nil { self.rows[group] = row }
    }
  }

  /// A problem of the map as one of the spreadsheet; nil where that has been told already.
  mutating func problem(for problem: Problem) -> SpreadsheetTable.Problem? {
    guard let (row, number, rest) = place(of: problem) else {
      let about = problem.field.isEmpty ? "file" : problem.field
      return tell("\(about) \(problem.found)", row: nil, nil, "the map's \(about): \(Self.said(problem))")
    }
    let key = Self.key(of: problem, rest)
    guard refused[number]?.contains(key) != true else { return nil }
    var said = Self.said(problem)
    if said.contains("\"row-") {
      for name in renamed.values { said = said.replacing("\"\(name.name)\"", with: "\"\(name.written)\"") }
    }
    // A tag that is there twice is told as such, not as two names for one value.
    if rest.isEmpty, let name = renamed[number], said.contains("\"\(name.written)\"") { return nil }
    let isMissing = problem.found == "no \"\(key)\"" && row.kind == MapTable.tagKind
    if isMissing, columns[key] == nil, !columns.isWhole {
      // The columns are told to lack it.
      if columns["row"] == nil, key == "at" { return nil }
      let names = MapColumns.names(of: key)
      return tell(
        "missing \(key)", row: 1, nil,
        "row 1: no column means \(key), which row \(number)\(title(of: row)) needs; allowed: \(names)")
    }
    let column = column(of: key, rest, row)
    if let column, problem.found.hasPrefix("unknown key"), !columns.isWhole {
      return tell(
        "unknown \(key)", row: 1, column,
        "row 1, \(column.name): found a column that a map has no place for in \(row); allowed: \(problem.allowed); leave "
          + "it out with --ignore \"\(column.header)\"" + Self.nearest(problem))
    }
    let place = "row \(number)\(column.map { ", \($0.name)" } ?? "")"
    return tell("\(number) \(key) \(said)", row: number, column, "\(place)\(title(of: row)): \(said)")
  }

  private mutating func tell(
    _ key: String, row: Int?, _ column: MapColumns.Column?, _ text: String
  ) -> SpreadsheetTable.Problem? {
    guard told.insert(key).inserted else { return nil }
    return .init(row: row, column: column?.place, text)
  }

  /// The row that a problem is of, and the way from there; nil for what does not come from the spreadsheet.
  private func place(of problem: Problem) -> (row: MapTable.Row, number: Int, rest: Substring)? {
    let way = lines[problem.line] ?? []
    for count in stride(from: way.count, through: 0, by: -1) where count > 0 || way.count == 1 {
      let part = Array(way.prefix(count))
      guard let row = rows[part] else { continue }
      guard let number = row.number else { return nil }
      let isOfGroup = row.kind == MapTable.tagKind && count == 2
      // What the present map says of a group does not come from its tags.
      if isOfGroup, way.count > 2, way[2] != "tags" { return nil }
      let prefix = part.joined(separator: ".").replacing(".[", with: "[")
      guard !isOfGroup else { return (row, number, "group") }
      guard problem.field.hasPrefix(prefix) else { return (row, number, Substring(problem.field)) }
      return (row, number, problem.field.dropFirst(prefix.count).drop { $0 == "." })
    }
    return nil
  }

  /// The key that a problem is about: of a whole row, the one that would have to change.
  private static func key(of problem: Problem, _ rest: Substring) -> String {
    if problem.found.hasPrefix("no \""), problem.found.hasSuffix("\"") {
      return String(problem.found.dropFirst(4).dropLast())
    }
    guard rest.isEmpty else { return String(rest.prefix { $0 != "." && $0 != "[" }) }
    return problem.found.hasPrefix("the same value") ? "at" : problem.found.hasPrefix("role ") ? "role" : "tag"
  }

  /// The column of a key; what a list spreads over columns, or has in the cell of another key, is found there.
  private func column(of key: String, _ rest: Substring, _ row: MapTable.Row) -> MapColumns.Column? {
    if let column = columns[key] { return key == "tag" && row.kind != MapTable.tagKind ? nil : column }
    switch key {
    case "limits": return columns[rest.contains("[1]") ? MapColumns.high : MapColumns.low]
    case "length": return columns["type"]
    default: return nil
    }
  }

  private func title(of row: MapTable.Row) -> String {
    var row = row
    if let name = row.number.flatMap({ renamed[$0] }) { row.tag = name.written }
    return row.kind == MapTable.tagKind && row.tag.isEmpty ? "" : " (\(row))"
  }

  private static func said(_ problem: Problem) -> String {
    "found \(problem.found); allowed: \(problem.allowed)" + nearest(problem)
  }

  private static func nearest(_ problem: Problem) -> String {
    problem.nearest.map { "; did you mean \"\($0)\"?" } ?? ""
  }
}
