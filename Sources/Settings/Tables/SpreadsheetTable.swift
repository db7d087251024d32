/// Rows and columns as a spreadsheet saves them as text (RFC 4180, and what Excel makes of it in other countries).
///
/// The separator is found: comma, semicolon or tab. Quoted cells may hold separators, quotes and line breaks.
public struct SpreadsheetTable: Sendable, Hashable {
  public let separator: Character
  public let header: [String]
  public let rows: [Row]

  /// A row below the header that is not empty.
  public struct Row: Sendable, Hashable {
    /// As the spreadsheet counts: the header is row 1.
    public let number: Int
    /// As many as the header has.
    public let cells: [String]
  }

  /// One thing that is wrong in a table, and where, so that all of them can be told in the order of rows.
  public struct Problem: Sendable, Hashable, CustomStringConvertible {
    /// As the spreadsheet counts; 0 for what stands before the table, nil for what is of none of its rows.
    public let row: Int?
    /// Counted from 0; nil for what is of a whole row.
    public let column: Int?
    /// What was found, where, and what would be right: one line.
    public let description: String

    /// - Parameter description: control characters in it, as cells have them, become escapes.
    public init(row: Int?, column: Int? = nil, _ description: String) {
      (self.row, self.column, self.description) = (row, column, printable(description))
    }

    /// Whether it stands above `other`, or left of it in the same row.
    public func isBefore(_ other: Problem) -> Bool {
      (row ?? .max, column ?? -1) < (other.row ?? .max, other.column ?? -1)
    }
  }

  /// What is wrong with the form of the table, in one line.
  public struct Fault: Error, Sendable, Hashable, CustomStringConvertible {
    public let description: String

    public init(_ description: String) { self.description = printable(description) }
  }

  /// Reads a table; `problems` gets what is wrong with single rows.
  public init(_ text: String, problems: inout [Problem]) throws(Fault) {
    var body = Substring(text)
    var said: Character?
    // Excel's own way to say it: a first line "sep=;".
    if let line = body.split(whereSeparator: \.isNewline).first, line.lowercased().hasPrefix("sep="), line.count == 5 {
      said = line.last
      body = body[line.endIndex...]
      body = body.first?.isNewline == true ? body.dropFirst() : body
    }
    separator = said ?? Self.separator(of: body)
    var reader = Reader(separator: separator, row: said == nil ? 1 : 2)
    try reader.read(body)
    guard let first = reader.records.first else { throw Fault("it is empty") }
    let header = first.cells.map(Self.trimmed)
    guard header.contains(where: { !$0.isEmpty }) else { throw Fault("its first row has no column names") }
    self.header = header
    var rows: [Row] = []
    for record in reader.records.dropFirst() {
      let cells = record.cells.map(Self.trimmed)
      if cells.allSatisfy(\.isEmpty) { continue }
      for (place, cell) in cells.enumerated() where place >= header.count && !cell.isEmpty {
        problems.append(
          Problem(
            row: record.number, column: place,
            "row \(record.number), column \(Self.letters(place)): found \"\(cell.prefix(40))\" in a column without a "
              + "name; allowed: as many cells as the first row has; is a separator within a cell that should be quoted?"
          ))
      }
      rows.append(
        Row(
          number: record.number,
          cells: Array((cells + Array(repeating: "", count: max(0, header.count - cells.count))).prefix(header.count))))
    }
    self.rows = rows
  }

  /// How a spreadsheet names a column: A to Z, AA, AB …; `place` counts from 0.
  public static func letters(_ place: Int) -> String {
    let letter = String(UnicodeScalar(UInt8(ascii: "A") + UInt8(place % 26)))
    return place < 26 ? letter : letters(place / 26 - 1) + letter
  }

  /// Whether numbers are written with a comma: only where that does not separate cells.
  public var mayHaveDecimalCommas: Bool { separator != "," }

  /// `text` without spaces of any kind at its ends.
  public static func trimmed(_ text: String) -> String {
    let isSpace: (Unicode.Scalar) -> Bool = { $0.properties.isWhitespace || $0.value == 0xFEFF }
    var scalars = Substring(text).unicodeScalars
    while let first = scalars.first, isSpace(first) { scalars.removeFirst() }
    while let last = scalars.last, isSpace(last) { scalars.removeLast() }
    return String(scalars)
  }

  /// The one that stands most often in the first line, outside of quotes.
  private static func separator(of text: Substring) -> Character {
    var counts: [Character: Int] = [:]
    var isQuoted = false
    for character in text {
      if character == "\"" { isQuoted.toggle() }
      if character.isNewline, !isQuoted { break }
      if !isQuoted, ",;\t".contains(character) { counts[character, default: 0] += 1 }
    }
    return ([",", ";", "\t"] as [Character]).max { counts[$0, default: 0] < counts[$1, default: 0] } ?? ","
  }

  /// Cuts a text into records of cells.
  private struct Reader {
    let separator: Unicode.Scalar
    private(set) var records: [(number: Int, cells: [String])] = []
    private var row: Int
    private var cells: [String] = []
    private var cell = String.UnicodeScalarView()
    private var state = State.begin

    private enum State { case begin, plain, quoted, ended }

    init(separator: Character, row: Int) {
      self.separator = separator.unicodeScalars.first ?? ","
      self.row = row
    }

    mutating func read(_ text: Substring) throws(Fault) {
      var scalars = text.unicodeScalars.makeIterator()
      var held = scalars.next()
      while let scalar = held {
        held = scalars.next()
        if state == .quoted {
          guard scalar == "\"" else {
            cell.append(scalar)
            continue
          }
          guard held == "\"" else {
            state = .ended
            continue
          }
          cell.append(scalar)
          held = scalars.next()
          continue
        }
        switch scalar {
        case separator: endCell()
        case "\r", "\n":
          if scalar == "\r", held == "\n" { held = scalars.next() }
          endRecord()
        case "\"" where state == .begin: state = .quoted
        case _ where state == .ended:
          guard scalar == " " else {
            throw Fault(
              "row \(row), column \(letters(cells.count)): found \"\(scalar)\" behind a closing quote; allowed: a "
                + "separator there, and a quote within a quoted cell written twice")
          }
        default:
          cell.append(scalar)
          state = .plain
        }
      }
      guard state != .quoted else {
        throw Fault("row \(row), column \(letters(cells.count)): found a quote that is never closed")
      }
      if state != .begin || !cells.isEmpty { endRecord() }
    }

    private mutating func endCell() {
      cells.append(String(cell))
      cell = String.UnicodeScalarView()
      state = .begin
    }

    private mutating func endRecord() {
      endCell()
      records.append((row, cells))
      cells = []
      row += 1
    }
  }
}

extension SpreadsheetTable {
  /// The text of a table, rows ended as RFC 4180 has it.
  public static func text(_ rows: [[String]], separator: Character = ",") -> String {
    rows.map { cells in cells.map { quoted($0, separator) }.joined(separator: String(separator)) + "\r\n" }.joined()
  }

  private static func quoted(_ cell: String, _ separator: Character) -> String {
    let isPlain = cell.unicodeScalars.allSatisfy { ![",", ";", "\t", "\"", "\r", "\n"].contains($0) }
    return isPlain && trimmed(cell) == cell ? cell : "\"" + cell.replacing("\"", with: "\"\"") + "\""
  }
}
