import Foundation
import Glibc

/// Rows for people on a terminal, columns as wide as their widest cell; on a narrow one cells take several lines.
struct Table {
  private let header: [String]
  private var rows: [[String]] = []

  init(_ header: String...) { self.header = header }
  init(_ header: [String]) { self.header = header }

  mutating func add(_ cells: String...) { rows.append(cells) }
  mutating func add(_ cells: [String]) { rows.append(cells) }

  var isEmpty: Bool { rows.isEmpty }

  /// No column is made narrower than this.
  private static let narrowest = 8

  /// The lines of a table that may be as wide as it likes, header first.
  var lines: [String] { lines(width: nil) }

  /// The lines, header first; control characters of scanned codes are shown as escapes and move no cursor.
  ///
  /// - Parameter width: the columns of the terminal; nil where the lines are not for a terminal, and each row is one.
  func lines(width: Int?) -> [String] {
    let shown = ([header] + rows).map { $0.map(visible) }
    let widths = widths(of: shown, within: width)
    return shown.flatMap { row in
      let cells = row.enumerated().map { index, cell in folded(cell, to: max(1, widths[index])) }
      return (0..<(cells.map(\.count).max() ?? 0)).map { line in
        let parts = cells.enumerated().map { index, cell in
          let part = line < cell.count ? cell[line] : ""
          return index == row.count - 1 ? part : part + String(repeating: " ", count: widths[index] - part.count)
        }
        let joined = parts.joined(separator: "  ")
        return width == nil ? joined : String(joined.reversed().drop { $0 == " " }.reversed())
      }
    }
  }

  /// As wide as the widest cell; the widest columns give way first where all are too wide together.
  private func widths(of shown: [[String]], within width: Int?) -> [Int] {
    var widths = header.indices.map { column in
      shown.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
    }
    guard let width else { return widths }
    while widths.reduce(2 * (widths.count - 1), +) > width,
      let widest = widths.indices.max(by: { widths[$0] < widths[$1] }), widths[widest] > Self.narrowest
    {
      widths[widest] -= 1
    }
    return widths
  }

  func show() { for line in lines(width: Terminal.width) { print(line) } }
}

/// What standard output is.
enum Terminal {
  /// Whether a person sees what is printed.
  static var isPerson: Bool { isatty(STDOUT_FILENO) == 1 }

  /// Its columns; nil where nobody looks: in a pipe or a file each row stays one line.
  static var width: Int? { size.map { $0.ws_col == 0 ? 80 : max(40, Int($0.ws_col)) } }

  /// Its rows; nil where nobody looks.
  static var height: Int? { size.map { $0.ws_row == 0 ? 24 : Int($0.ws_row) } }

  private static var size: winsize? {
    var size = winsize()
    return isPerson && ioctl(STDOUT_FILENO, UInt(TIOCGWINSZ), &size) == 0 ? size : nil
  }

  /// Puts lines in the place of those that were shown before, on a terminal.
  static func redraw(_ lines: [String], over before: Int) {
    let up = before > 0 ? "\u{1B}[\(before)A" : ""
    let text = lines.map { "\u{1B}[2K\($0)\n" }.joined()
    FileHandle.standardOutput.write(Data((up + text + "\u{1B}[0J").utf8))
  }
}

/// The words of `text` in lines of at most `width`; a word that is longer is cut.
func folded(_ text: String, to width: Int) -> [String] {
  guard text.count > width else { return [text] }
  var lines: [String] = []
  var line = ""
  for word in text.split(separator: " ", omittingEmptySubsequences: false) {
    var word = word
    if !line.isEmpty, line.count + 1 + word.count > width {
      lines.append(line)
      line = ""
    }
    while word.count > width {
      lines.append(String(word.prefix(width)))
      word = word.dropFirst(width)
    }
    line += line.isEmpty ? String(word) : " " + word
  }
  return line.isEmpty ? lines : lines + [line]
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
