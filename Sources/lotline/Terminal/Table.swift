/// Rows for people on a terminal, columns as wide as their widest cell.
struct Table {
  private let header: [String]
  private var rows: [[String]] = []

  init(_ header: String...) { self.header = header }

  mutating func add(_ cells: String...) { rows.append(cells) }
  mutating func add(_ cells: [String]) { rows.append(cells) }

  var isEmpty: Bool { rows.isEmpty }

  /// The lines, header first; control characters of scanned codes are shown as escapes and move no cursor.
  var lines: [String] {
    let shown = ([header] + rows).map { $0.map(visible) }
    let widths = header.indices.map { column in
      shown.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    return shown.map { row in
      let cells = row.enumerated().map { index, cell in
        index == row.count - 1 ? cell : cell + String(repeating: " ", count: max(0, widths[index] - cell.count))
      }
      return cells.joined(separator: "  ")
    }
  }

  func show() { for line in lines { print(line) } }
}

/// `text` with its control characters written as escapes.
func visible(_ text: String) -> String {
  guard text.unicodeScalars.contains(where: { $0.properties.generalCategory == .control }) else { return text }
  return text.unicodeScalars.map { scalar in
    guard scalar.properties.generalCategory == .control else { return String(scalar) }
    let digits = String(scalar.value, radix: 16)
    return "\\x" + String(repeating: "0", count: max(0, 2 - digits.count)) + digits
  }.joined()
}
