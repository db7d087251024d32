internal import Settings

extension MapTable {
  /// The table as rows of cells, the names of its columns first.
  public var cells: [[String]] {
    var keys: [String] = []
    for row in rows {
      for field in row.fields where field.name != "tag" && !keys.contains(field.name) { keys.append(field.name) }
    }
    // What every tag has comes first, as people look for it.
    let first = ["at", "type"].filter(keys.contains)
    let columns = first + keys.filter { !first.contains($0) }
    let header = Self.places + columns
    return [header]
      + rows.map { row in
        let name =
          row.kind == Self.tagKind
          ? Self.cell(.text(row.tag)) : row.fields.first { $0.name == "tag" }.map { Self.cell($0.value) }
        return [row.kind, Self.cell(.text(row.group), isOptional: true), name ?? ""]
          + columns.map { column in row.fields.first { $0.name == column }.map { Self.cell($0.value) } ?? "" }
      }
  }

  /// A value as a cell: texts as they are, where a spreadsheet leaves them so; all else as YAML in one line.
  static func cell(_ value: SettingsTree, isOptional: Bool = false) -> String {
    guard case .text(let text) = value else { return value.flow }
    if text.isEmpty, isOptional { return "" }
    return isSafe(text) ? text : SettingsTree.quoted(text)
  }

  /// Whether a text comes back from a spreadsheet as it went in, and is not taken for YAML.
  private static func isSafe(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, text != "~", text.unicodeScalars.last != " " else { return false }
    guard !"\"'[{=+@ ".unicodeScalars.contains(first), !text.unicodeScalars.contains(where: isHidden) else {
      return false
    }
    if !text.unicodeScalars.contains(where: { ("0"..."9").contains($0) }) { return first != "-" }
    if first == "-", Double(text) == nil { return false }
    if decimalPoint(text) != text { return false }
    // 40020.10 would come back as 40020.1, 00001 as 1, 1e5 as 100000, 3-4 and 1/2 as days, 16 digits rounded.
    if let number = Double(text) {
      let isPlainDecimal = text.unicodeScalars.allSatisfy { ("0"..."9").contains($0) || $0 == "." || $0 == "-" }
      let digits = text.drop { $0 == "-" }
      let isLong = digits.filter(\.isNumber).count > 15
      let hasIdleZeros =
        (digits.hasPrefix("0") && digits.count > 1 && !digits.hasPrefix("0.")) || digits.hasPrefix(".")
        || digits.hasSuffix(".")
        || (digits.contains(".") && digits.hasSuffix("0"))
      return isPlainDecimal && !isLong && !hasIdleZeros && number.isFinite
    }
    let isLikeADay = text.unicodeScalars.allSatisfy { ("0"..."9").contains($0) || "-/.: ".unicodeScalars.contains($0) }
    return !isLikeADay
  }

  private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse, .unassigned: true
    case .spaceSeparator: scalar != " "
    default: false
    }
  }

  /// What a cell says; nil where it begins as YAML does and is none.
  ///
  /// - Parameter hasDecimalCommas: a number may be written `0,1`.
  static func value(of cell: String, hasDecimalCommas: Bool = false) -> SettingsTree? {
    if cell == "~" { return .nothing }
    guard let first = cell.first, "\"'[{".contains(first) else {
      return .text(hasDecimalCommas ? decimalPoint(cell) : cell)
    }
    guard let file = try? SettingsFile(name: "a cell", text: "value: \(cell)\n") else { return nil }
    let entries = SettingsTree(file.root).entries ?? []
    guard (try? file.check()) != nil, entries.count == 1, entries[0].name == "value" else { return nil }
    return entries[0].value
  }

  /// `0,1` as `0.1`; what is no such number as it is.
  static func decimalPoint(_ text: String) -> String {
    let parts = text.split(separator: ",", omittingEmptySubsequences: false)
    guard parts.count == 2, let whole = parts.first, let fraction = parts.last else { return text }
    let digits = whole.hasPrefix("-") ? whole.dropFirst() : whole
    let isNumber = [digits, fraction].allSatisfy { !$0.isEmpty && $0.allSatisfy { $0.isASCII && $0.isNumber } }
    return isNumber ? "\(whole).\(fraction)" : text
  }
}
