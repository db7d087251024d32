import Settings

/// Which key of a map each column of a spreadsheet means.
///
/// PLC programmers' lists name their columns in many ways; case, spaces and punctuation mean nothing.
public struct MapColumns: Sendable, Hashable {
  /// One column of the spreadsheet.
  public struct Column: Sendable, Hashable {
    /// Counted from 0.
    public let place: Int
    public let header: String
    /// The key; nil where the column is left out.
    public let key: String?

    /// As the spreadsheet names it, with its header.
    public var name: String { "column \(SpreadsheetTable.letters(place)) \"\(header.prefix(60))\"" }
  }

  public let columns: [Column]
  /// The spreadsheet says all of a map, with its keys as they are: an export.
  let isWhole: Bool

  /// Keys that a column can have beside those of a map: parts of `at` and of `limits`.
  static let bit = "bit"
  static let low = "min"
  static let high = "max"

  private static let synonyms: [String: [String]] = [
    "row": ["row", "rowkind", "kindofrow"],
    "group": ["group", "groupname", "scanclass", "scangroup"],
    "tag": ["tag", "name", "tagname", "variable", "variablename", "symbol", "signal", "point", "pointname", "item"],
    "at": [
      "at", "address", "addr", "register", "registeraddress", "reg", "registernumber", "modbusaddress", "plcaddress",
      "location",
    ],
    "type": ["type", "datatype", "dtype", "valuetype", "format", "dataformat"],
    "unit": ["unit", "units", "engunit", "engunits", "engineeringunit", "engineeringunits", "eu", "uom"],
    "scale": ["scale", "factor", "gain", "multiplier", "scaling", "scalefactor"],
    "offset": ["offset", "bias"],
    "word-order": ["wordorder", "byteorder", "endian", "endianness", "endianess"],
    "deadband": ["deadband", "hysteresis"],
    "limits": ["limits", "range"],
    "values": ["values", "states", "enum", "enumeration", "valuenames"],
    "every": ["every", "rate", "pollrate", "scanrate", "pollinterval", "interval"],
    "role": ["role"],
    bit: ["bit", "bitnumber", "bitno"],
    low: ["min", "low", "lowlimit", "lowerlimit", "minimum"],
    high: ["max", "high", "highlimit", "upperlimit", "maximum"],
  ]

  /// Words for people, which a map has no place for.
  private static let remarks: Set<String> = [
    "comment", "comments", "description", "remark", "remarks", "note", "notes", "no", "nr", "number", "",
  ]

  private static let keys: [String: String] = {
    var keys: [String: String] = [:]
    for (key, names) in synonyms { for name in names { keys[name] = key } }
    return keys
  }()

  /// - Parameter ignored: headers, or keys, of columns to leave out.
  init(_ table: SpreadsheetTable, ignoring ignored: [String], problems: inout [SpreadsheetTable.Problem]) {
    var columns: [Column] = []
    let folded = ignored.map(Self.folded)
    let kinds = table.header.firstIndex(of: "row")
    isWhole = kinds.map { place in table.rows.contains { $0.cells[place] == MapTable.mapKind } } ?? false
    for (place, header) in table.header.enumerated() {
      let name = Self.folded(header)
      var key: String? = isWhole ? header : Self.keys[name] ?? Self.key(header)
      let isUnused = table.rows.allSatisfy { $0.cells[place].isEmpty } && Self.keys[name] == nil
      let isRemark = !isWhole && (Self.remarks.contains(name) || isUnused)
      if isRemark || folded.contains(name) || header.isEmpty { key = nil }
      let column = Column(place: place, header: header, key: key)
      if let key, let other = columns.first(where: { $0.key == key }) {
        problems.append(
          .init(
            row: 1, column: place,
            "row 1, \(column.name): it means \(key), as does \(other.name); allowed: one of them, or --ignore "
              + "\"\(header)\""))
        continue
      }
      columns.append(column)
    }
    self.columns = columns
    for key in ["tag", "at"]
    where !columns.contains(where: { $0.key == key }) && !columns.contains(where: { $0.key == "row" }) {
      problems.append(
        .init(
          row: 1,
          "row 1: no column means \(key); allowed: \(Self.names(of: key)); found: "
            + table.header.filter { !$0.isEmpty }.joined(separator: ", ")))
    }
    let known = folded.filter { name in !table.header.contains { Self.folded($0) == name } }
    for name in known { problems.append(.init(row: 0, "--ignore \(name): there is no such column")) }
  }

  subscript(_ key: String) -> Column? { columns.first { $0.key == key } }

  /// How a column that means `key` may be called.
  static func names(of key: String) -> String {
    guard let names = synonyms[key] else { return "one called \(key)" }
    return "one called \(names.prefix(5).joined(separator: ", ")) (case and spaces do not matter)"
  }

  private static func folded(_ header: String) -> String {
    header.lowercased().filter { $0.isLetter || $0.isNumber }
  }

  /// A header that is no synonym names a key itself: `Word Guard` means `word-guard`.
  private static func key(_ header: String) -> String {
    let words = header.lowercased().split { !($0.isLetter || $0.isNumber || $0 == "." || $0 == "[" || $0 == "]") }
    return words.joined(separator: "-")
  }
}
