import Settings
import Testing

/// Tables as spreadsheets of all countries save them.
@Suite struct SpreadsheetTests {
  private func table(_ text: String) throws -> SpreadsheetTable {
    var problems: [SpreadsheetTable.Problem] = []
    let table = try SpreadsheetTable(text, problems: &problems)
    #expect(problems.isEmpty)
    return table
  }

  @Test(arguments: [",", ";", "\t"], ["\r\n", "\n", "\r"])
  func `the separator is found, and quoted cells hold separators, quotes and line breaks`(
    _ separator: String, _ end: String
  ) throws {
    let text =
      ["name", "\"a,b;c\td\"", "about"].joined(separator: separator) + end
      + ["x", "\"1,2;3\t4\"", "\"two\nlines and a \"\"quote\"\"\""].joined(separator: separator) + end + end
      + ["y", "", "last"].joined(separator: separator)
    let found = try table(text)
    #expect(found.separator == Character(separator))
    #expect(found.header == ["name", "a,b;c\td", "about"])
    #expect(found.rows.map(\.cells) == [["x", "1,2;3\t4", "two\nlines and a \"quote\""], ["y", "", "last"]])
    #expect(found.rows.map(\.number) == [2, 4], "as the spreadsheet counts: empty rows too, breaks in cells not")
    #expect(found.mayHaveDecimalCommas == (separator != ","))
  }

  @Test func `Excel's own first line says the separator, and counts as a row`() throws {
    let found = try table("sep=;\r\na,b;c\r\n1;2\r\n")
    #expect(found.header == ["a,b", "c"] && found.rows.map(\.number) == [3])
  }

  @Test func `cells without a column, and quotes that do not fit, are told with row and column`() throws {
    var problems: [SpreadsheetTable.Problem] = []
    let short = try SpreadsheetTable("a,b\n1\n1,2,3\n", problems: &problems)
    #expect(short.rows[0].cells == ["1", ""])
    #expect(
      problems.count == 1
        && problems[0].description.hasPrefix("row 3, column C: found \"3\" in a column without a name;"))
    #expect(throws: SpreadsheetTable.Fault("row 2, column B: found a quote that is never closed")) {
      try table("a,b\n1,\"2\n3,4\n")
    }
    #expect(throws: SpreadsheetTable.Fault.self) { try table("a,b\n1,\"2\"x\n") }
    #expect(throws: SpreadsheetTable.Fault("it is empty")) { try table("") }
    #expect(throws: SpreadsheetTable.Fault("its first row has no column names")) { try table(",,\n1,2,3\n") }
  }

  @Test func `columns are named as a spreadsheet names them`() {
    #expect([0, 25, 26, 51, 52, 701, 702].map(SpreadsheetTable.letters) == ["A", "Z", "AA", "AZ", "BA", "ZZ", "AAA"])
  }

  @Test func `text is known by its mark, as UTF-8, or else as Windows-1252`() throws {
    let text = "name;µm °C – Größe 压力"
    let utf16 = Array(text.utf16)
    let little = utf16.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
    let big = utf16.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    for (bytes, encoding) in [
      (Array(text.utf8), .utf8), ([0xEF, 0xBB, 0xBF] + Array(text.utf8), .utf8),
      ([0xFF, 0xFE] + little, .utf16LittleEndian), ([0xFE, 0xFF] + big, .utf16BigEndian),
    ] as [([UInt8], SpreadsheetText.Encoding)] {
      let found = try SpreadsheetText(bytes)
      #expect(found.text == text && found.encoding == encoding)
    }
    let western = try SpreadsheetText([0xB5, 0x6D, 0x20, 0xB0, 0x43, 0x20, 0x96, 0x20, 0x80])
    #expect(western.text == "µm °C – €" && western.encoding == .windows1252)
  }

  @Test func `bytes that are no text are refused with what to do`() {
    for bytes in [[0xFF, 0xFE, 0x41], [0xFF, 0xFE, 0x00, 0xD8], [0x41, 0x00, 0x42, 0x00], [0x41, 0x81]] as [[UInt8]] {
      #expect {
        try SpreadsheetText(bytes)
      } throws: {
        "\($0)".contains("save it as \"CSV UTF-8\"")
      }
    }
  }

  @Test(arguments: [",", ";", "\t"] as [Character])
  func `what is written as a table is read back as it was`(_ separator: Character) throws {
    let rows = [
      ["a", "b;c", "d,e"], ["\"quoted\"", "two\r\nlines", "tab\there"], ["1,5", "x y", "ü"],
    ]
    let found = try table(SpreadsheetTable.text(rows, separator: separator))
    #expect([found.header] + found.rows.map(\.cells) == rows)
  }
}
