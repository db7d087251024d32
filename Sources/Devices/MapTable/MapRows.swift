import Settings

/// The rows of a spreadsheet as rows of a map, each cell understood.
struct MapRows {
  private(set) var problems: [SpreadsheetTable.Problem] = []
  private(set) var notes: [String] = []
  private var rows: [MapTable.Row] = []
  private let columns: MapColumns
  private let present: MapTable?
  private let hasDecimalCommas: Bool
  private var commas = 0
  private var types: [String: (type: String, count: Int)] = [:]
  private var names: [(written: String, word: String)] = []
  /// Where each row that was read stands in `rows`.
  private var places: [[String]: Int] = [:]
  /// Rows without a name of their own, by their place in `rows`.
  private var nameless: [Int] = []
  /// The rows whose name is told to be wrong: with another one, all else in them can still be looked at.
  private(set) var renamed: [Int: Renamed] = [:]
  /// The keys of each row that are told to be wrong.
  private(set) var refused: [Int: Set<String>] = [:]

  /// A tag of the list under a name that it has only while the map is looked at.
  struct Renamed {
    let written: String
    let name: String
  }

  init(_ table: SpreadsheetTable, _ columns: MapColumns, present: SettingsTree?) {
    self.columns = columns
    self.present = present.flatMap { try? MapTable($0) }
    hasDecimalCommas = table.mayHaveDecimalCommas
    for row in table.rows { read(row) }
    rename()
    if commas > 0 { notes.append("numbers with a decimal comma: \(commas), such as 0,1 for 0.1") }
    if let first = names.first {
      notes.append("names as maps have them: \(names.count), such as \(first.word) for \(first.written.prefix(60))")
    }
    for (word, found) in types.sorted(by: { $0.key < $1.key }) {
      notes.append("type \(word) is read as \(found.type), in \(found.count == 1 ? "1 row" : "\(found.count) rows")")
    }
  }

  private mutating func read(_ row: SpreadsheetTable.Row) {
    var values: [(column: MapColumns.Column, value: SettingsTree)] = []
    for column in columns.columns {
      guard let key = column.key, case let cell = row.cells[column.place], !cell.isEmpty else { continue }
      guard let value = MapTable.value(of: cell, hasDecimalCommas: hasDecimalCommas) else {
        refuse(
          row.number, column,
          "found \"\(cell.prefix(60))\", which begins as a list, a mapping or a quoted text does and is none; allowed: "
            + "[80, 120], { 1: pass, 2: fail }, \"text\", or a text without these")
        refused[row.number, default: []].formUnion([key, Self.whole[key] ?? key])
        // The key is there, whatever it says: nobody shall be told that it is missing.
        if !MapTable.places.contains(key) { values.append((column, .text(cell))) }
        continue
      }
      if hasDecimalCommas, case .text(let text) = value, text != cell { commas += 1 }
      values.append((column, value))
    }
    func text(_ key: String) -> String { values.first { $0.column.key == key }?.value.text ?? "" }
    let kind = text("row").isEmpty ? MapTable.tagKind : columns.isWhole ? text("row") : text("row").lowercased()
    var fields: [SettingsTree.Entry] = []
    for (column, value) in values {
      guard let key = column.key, key != "row", key != "group", key != "tag" || kind != MapTable.tagKind else {
        continue
      }
      fields.append(.init(key, value))
    }
    var found = MapTable.Row(
      kind: kind, group: name(text("group")), tag: kind == MapTable.tagKind ? name(text("tag")) : "", fields: fields,
      number: row.number)
    if kind == MapTable.tagKind { understand(&found) }
    let way = [kind, found.group, found.tag]
    if kind == MapTable.tagKind, found.tag.isEmpty {
      nameless.append(rows.count)
    } else if !kind.hasSuffix("[]"), let other = places[way] {
      refuse(
        row.number, columns[kind == MapTable.tagKind ? "tag" : "row"],
        "found \(found) again, which row \(rows[other].number ?? 0) has already; allowed: each once")
      guard kind == MapTable.tagKind else { return }
      nameless.append(rows.count)
    } else {
      places[way] = rows.count
    }
    rows.append(found)
  }

  private mutating func refuse(_ row: Int, _ column: MapColumns.Column?, _ what: String) {
    let place = "row \(row)" + (column.map { ", \($0.name)" } ?? "")
    problems.append(.init(row: row, column: column?.place, "\(place): \(what)"))
  }

  /// Columns that are parts of a key.
  private static let whole = [MapColumns.bit: "at", MapColumns.low: "limits", MapColumns.high: "limits"]

  /// Gives the rows whose name is wrong one that no other has.
  private mutating func rename() {
    var taken = Set(rows.map(\.tag))
    for place in nameless {
      guard let number = rows[place].number else { continue }
      var name = "row-\(number)"
      while !taken.insert(name).inserted { name += "-again" }
      renamed[number] = Renamed(written: rows[place].tag, name: name)
      rows[place].tag = name
    }
  }

  /// A name as maps have them: those of programs have capitals, spaces and underscores.
  private mutating func name(_ written: String) -> String {
    guard !columns.isWhole, !written.isEmpty, !isWord(written), let word = word(meantBy: written) else {
      return written
    }
    if !names.contains(where: { $0.written == written }) { names.append((written, word)) }
    return word
  }

  /// Puts what programmers' lists spread over columns together: the bit of an address, the ends of limits.
  private mutating func understand(_ row: inout MapTable.Row) {
    func take(_ key: String) -> String? {
      guard let place = row.fields.firstIndex(where: { $0.name == key }) else { return nil }
      return row.fields.remove(at: place).value.flow
    }
    let number = row.number ?? 0
    if !columns.isWhole, let bit = take(MapColumns.bit) {
      if let place = row.fields.firstIndex(where: { $0.name == "at" }), let at = row.fields[place].value.text {
        row.fields[place].value = .text("\(at).\(bit)")
      }
    }
    switch columns.isWhole ? (nil, nil) : (take(MapColumns.low), take(MapColumns.high)) {
    case (nil, nil): break
    case (let low?, let high?): row.fields.append(.init("limits", .list([.text(low), .text(high)])))
    case (let low, _):
      refuse(
        number, columns[low == nil ? MapColumns.high : MapColumns.low],
        "found \(low == nil ? "an upper" : "a lower") limit alone; allowed: both, or none")
    }
    if let place = row.fields.firstIndex(where: { $0.name == "limits" }), let text = row.fields[place].value.text {
      let ends = text.split(separator: "..", omittingEmptySubsequences: false).map {
        SpreadsheetTable.trimmed(String($0))
      }
      if ends.count == 2 { row.fields[place].value = .list(ends.map { .text(MapTable.decimalPoint($0)) }) }
    }
    if let place = row.fields.firstIndex(where: { $0.name == "values" }), let text = row.fields[place].value.text,
      let names = Self.names(text)
    {
      row.fields[place].value = names
    }
    if let place = row.fields.firstIndex(where: { $0.name == "type" }), let word = row.fields[place].value.text,
      let length = word.wholeMatch(of: /(?:STRING|CHAR) *[\[(]([0-9]+)[\])]/.ignoresCase())?.1
    {
      row.fields[place].value = .text("string")
      types[word, default: ("a string of length \(length)", 0)].count += 1
      if !row.fields.contains(where: { $0.name == "length" }) {
        row.fields.append(.init("length", .text(String(length))))
      }
    }
    if let place = row.fields.firstIndex(where: { $0.name == "type" }), let word = row.fields[place].value.text {
      let type = TypeWords.type(word)
      if type != word {
        types[word, default: (type, 0)].count += 1
        row.fields[place].value = .text(type)
      }
    }
    // Where its cell, or the whole list, is told to have none, that is enough.
    if row.tag.isEmpty, columns["tag"] != nil || columns["row"] != nil, refused[number]?.contains("tag") != true {
      refuse(number, columns["tag"], "found no name of a tag; allowed: one of a-z, 0-9 and -")
    }
    if row.group.isEmpty { row.group = defaultGroup }
  }

  /// `1=pass; 2=fail` or `1: pass, 2: fail`; nil for anything else.
  private static func names(_ text: String) -> SettingsTree? {
    let pairs = text.split { $0 == ";" || $0 == "," || $0.isNewline }.map {
      $0.split(maxSplits: 1) { $0 == "=" || $0 == ":" }
    }
    guard !pairs.isEmpty, pairs.allSatisfy({ $0.count == 2 }) else { return nil }
    return .mapping(
      pairs.map { .init(SpreadsheetTable.trimmed(String($0[0])), .text(SpreadsheetTable.trimmed(String($0[1])))) })
  }

  /// Where the list names no group: the only one that the present map has, or one by this name.
  private var defaultGroup: String {
    let groups = Set((present?.rows ?? []).filter { $0.kind == MapTable.groupKind }.map(\.group))
    return groups.count == 1 ? groups.first ?? "" : "process"
  }

  // MARK: What becomes of the present map

  /// The whole map.
  mutating func table(onto map: SettingsTree?) throws(MapTable.Fault) -> MapTable {
    if columns.isWhole { return MapTable(rows: rows) }
    guard let map else { return MapTable(rows: [newMap] + rows) }
    let present = try MapTable(map)
    let groups = Set(rows.map(\.group))
    let keys = Set(self.columns.columns.compactMap(\.key))
    // What the list names stands for what was there; a group that it does not name stays as it is.
    var result = present.rows.filter { old in
      old.kind == MapTable.tagKind
        ? !groups.contains(old.group) : !rows.contains { $0.kind == old.kind && $0.group == old.group }
    }
    for row in rows {
      guard let old = present.rows.first(where: { $0.isSame(as: row) }), row.kind == MapTable.tagKind else {
        result.append(row)
        continue
      }
      var kept = row
      let hasLimits = keys.contains(MapColumns.low) && keys.contains(MapColumns.high)
      kept.fields += old.fields.filter { field in
        !keys.contains(field.name) && !(field.name == "limits" && hasLimits)
          && !row.fields.contains { $0.name == field.name }
      }
      result.append(kept)
    }
    return MapTable(rows: result)
  }

  /// What a list of tags says of a map that is not there yet.
  private var newMap: MapTable.Row {
    mutating get {
      let isNamed = rows.contains { $0.fields.first { $0.name == "at" }?.value.text?.contains(":") == true }
      let addresses = isNamed ? "zero-based" : "modicon"
      notes.append(
        "a new map: kind: modbus, addresses: \(addresses), word-order: ABCD; change these in its file if need be")
      return MapTable.Row(
        kind: MapTable.mapKind, fields: [.init("kind", .text("modbus")), .init("addresses", .text(addresses))])
    }
  }
}

extension MapTable.Row {
  /// Whether both speak of the same; items of a list never do.
  func isSame(as other: MapTable.Row) -> Bool {
    kind == other.kind && group == other.group && tag == other.tag && !kind.hasSuffix("[]")
  }
}
