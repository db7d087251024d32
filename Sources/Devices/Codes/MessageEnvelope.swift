/// Reads a message of ISO/IEC 15434: `[)>`, then formats that each begin with two digits and end with RS, then EOT.
struct MessageEnvelope {
  private(set) var elements: [CodeElement] = []
  private(set) var problems: [CodeProblem] = []
  private(set) var notes: [CodeProblem] = []

  static let recordSeparator: UInt8 = 0x1E
  static let end: UInt8 = 0x04
  private static let head = Array("[)>".utf8)

  /// Nil where the code does not begin as such a message does.
  init?(_ bytes: ArraySlice<UInt8>, now: Int) {
    guard bytes.starts(with: Self.head) else { return nil }
    var rest = bytes.dropFirst(Self.head.count)
    guard rest.first == Self.recordSeparator else {
      problems.append(
        CodeProblem(
          at: rest.startIndex + 1, kind: .form,
          message:
            "<RS> is expected behind [)>, found \"\(shown(rest.prefix(3)))\": does the scanner leave control characters out?"
        ))
      return
    }
    rest = rest.dropFirst()
    let hasEnd = rest.last == Self.end
    if hasEnd { rest = rest.dropLast() }
    let isClosed = rest.last == Self.recordSeparator
    if isClosed { rest = rest.dropLast() }
    for format in rest.split(separator: Self.recordSeparator, omittingEmptySubsequences: false) {
      readFormat(format, now: now)
    }
    guard !isClosed else {
      if !hasEnd {
        notes.append(
          CodeProblem(
            at: bytes.endIndex + 1, kind: .form, message: "no <EOT> at the end; the last format is closed all the same")
        )
      }
      return
    }
    problems.append(
      CodeProblem(
        at: (hasEnd ? bytes.endIndex - 1 : bytes.endIndex) + 1, kind: .form,
        message: "<RS>\(hasEnd ? "" : "<EOT>") is expected at the end: the message may be cut"))
    if let last = elements.indices.last { elements[last].isDoubtful = true }
  }

  private mutating func readFormat(_ format: ArraySlice<UInt8>, now: Int) {
    let header = format.prefix(2)
    guard header.count == 2, header.allSatisfy(isDigit) else {
      problems.append(
        CodeProblem(
          at: format.startIndex + 1, kind: .form,
          message: "the two digits of a format are expected, found \"\(shown(format.prefix(3)))\""))
      return
    }
    let code = shown(header)
    guard ["05", "06", "12"].contains(code) else {
      problems.append(
        CodeProblem(
          at: format.startIndex + 1, kind: .unsupported,
          message: "format \(code)\(Self.names[code].map { ", \($0)," } ?? "") is not decoded here: 05, 06 and 12 are"))
      return
    }
    var data = format.dropFirst(2)
    guard data.first == ElementStrings.separator else {
      problems.append(
        CodeProblem(
          at: data.startIndex + 1, kind: .form,
          message:
            "<GS> is expected behind the format \(code), found \(data.isEmpty ? "nothing" : "\"\(shown(data.prefix(3)))\"")"
        ))
      return
    }
    data = data.dropFirst()
    switch code {
    case "05":
      let strings = ElementStrings(data, now: now, sendsSeparators: true)
      elements += strings.elements
      problems += strings.problems
      notes += strings.notes
    case "06":
      let found = DataElements(data, now: now)
      elements += found.elements
      problems += found.problems
    default: readTextElements(data)
    }
  }

  /// Format 12: three letters or digits, a space and a value (Text Element Identifiers of ATA Spec 2000).
  private mutating func readTextElements(_ data: ArraySlice<UInt8>) {
    for field in data.split(separator: ElementStrings.separator, omittingEmptySubsequences: true) {
      let identifier = field.prefix(3)
      guard field.count > 4, identifier.allSatisfy({ isDigit($0) || (0x41...0x5A).contains($0) }),
        field[field.startIndex + 3] == 0x20
      else {
        problems.append(
          CodeProblem(
            at: field.startIndex + 1, kind: .identifier,
            message:
              "a text element is expected, three capital letters, a space and a value, found \"\(shown(field.prefix(6)))\""
          ))
        continue
      }
      elements.append(
        CodeElement(
          .tei(shown(identifier)), value: String(decoding: field.dropFirst(4), as: UTF8.self),
          title: Self.textTitles[shown(identifier)] ?? "", at: field.startIndex + 1, length: field.count))
    }
  }

  private static let names = [
    "01": "transportation", "02": "a complete EDI message", "03": "ANSI X12 segments", "04": "UN/EDIFACT segments",
    "07": "free text", "08": "CII syntax", "09": "binary data", "10": "structured data", "11": "records of CII",
  ]

  /// The commonest of ATA Spec 2000, chapter 9.
  private static let textTitles = [
    "MFR": "manufacturer (CAGE)", "SPL": "supplier (CAGE)", "SER": "serial number", "UCN": "unique component number",
    "PNR": "part number", "PNO": "original part number", "DMF": "date of manufacture", "LOT": "lot number",
    "BAT": "batch number", "ENT": "enterprise", "USN": "universal serial number", "CUS": "customer",
    "SEQ": "sequence number", "UST": "universal serial tracking number", "EXP": "expiration date", "QTY": "quantity",
  ]
}
