/// One data identifier of ANSI MH10.8.2.
struct DataIdentifier: Sendable, Hashable {
  let di: String
  let title: String
  let form: Form?
  let kind: CodeKind?
  let scope: CodeScope?

  /// What the standard fixes of a value.
  enum Form: Sendable, Hashable {
    /// A day in this order of `Y`, `M`, `D` and `W`, each letter a digit.
    case date(String)
    case country
    case number
  }

  init?(columns: [String]) {
    guard columns.count >= 3, !columns[0].isEmpty else { return nil }
    di = columns[0]
    title = columns[2]
    switch columns[1] {
    case "": form = nil
    case "country2": form = .country
    case "number": form = .number
    case let letters where letters.allSatisfy({ "YMDW".contains($0) }): form = .date(letters)
    default: return nil
    }
    var kind: CodeKind?
    var scope: CodeScope?
    for word in columns.count > 3 ? columns[3].split(separator: " ") : [] {
      let parts = word.split(separator: ":").map(String.init)
      guard parts.count == 2 else { return nil }
      switch parts[0] {
      case "class":
        guard let found = CodeKind(rawValue: parts[1]) else { return nil }
        kind = found
      case "within":
        guard let found = CodeScope(rawValue: parts[1]) else { return nil }
        scope = found
      default: return nil
      }
    }
    self.kind = kind
    self.scope = scope
  }

  /// The data identifier that `bytes` begin with: up to three digits and a capital letter; nil where there is none.
  static func length(in bytes: ArraySlice<UInt8>) -> Int? {
    let digits = bytes.prefix(4).prefix(while: isDigit)
    guard digits.count <= 3, digits.endIndex < bytes.endIndex, (0x41...0x5A).contains(bytes[digits.endIndex])
    else { return nil }
    return digits.count + 1
  }

  /// What is wrong with a value; nil: nothing.
  func fault(in value: ArraySlice<UInt8>, now: Int) -> FieldFault? {
    let text = shown(value)
    switch form {
    case .date(let letters)?:
      guard value.count == letters.utf8.count, value.allSatisfy(isDigit) else {
        return FieldFault(.date, "\(di), \(title), is \(letters), found \(text)")
      }
      return Self.meaning(of: value, letters, now: now) == nil
        ? FieldFault(.date, "\(di), \(title), is \(letters), found \(text)") : nil
    case .country?:
      return CodeTables.countryLetters.contains(text) || text == "AA"
        ? nil : FieldFault(.country, "\(di), \(title), is two letters of ISO 3166 (AA: mixed), found \(text)")
    case .number?:
      let isNumber =
        value.allSatisfy { isDigit($0) || $0 == 0x2E } && value.filter { $0 == 0x2E }.count <= 1
        && value.contains(where: isDigit)
      return isNumber ? nil : FieldFault(.value, "\(di), \(title), is a number, found \(text)")
    case nil: return nil
    }
  }

  /// A sound value in words, where it is a day.
  func meaning(of value: ArraySlice<UInt8>, now: Int) -> String? {
    guard case .date(let letters)? = form else { return nil }
    return Self.meaning(of: value, letters, now: now)
  }

  private static func meaning(of value: ArraySlice<UInt8>, _ letters: String, now: Int) -> String? {
    if letters == "YYWWYYWW" {
      let parts = [value.prefix(4), value.suffix(4)].compactMap { meaning(of: $0, "YYWW", now: now) }
      return parts.count == 2 ? parts.joined(separator: " to ") : nil
    }
    func number(_ letter: Character) -> Int? {
      decimal(zip(value, letters).filter { $0.1 == letter }.map(\.0))
    }
    guard let written = number("Y") else { return nil }
    let year =
      switch letters.filter({ $0 == "Y" }).count {
      case 4: written
      case 2: CodeDate.year(written, now: now)
      // The year of the last ten that ends so.
      default: now - (now - written) % 10
      }
    if let week = number("W") { return (1...53).contains(week) ? "\(year), week \(week)" : nil }
    if let month = number("M") {
      guard let day = number("D") else { return (1...12).contains(month) ? "\(year)-\(two(month))" : nil }
      return CodeDate(year: year, month: month, day: day)?.words
    }
    guard var day = number("D"), (1...366).contains(day) else { return nil }
    var month = 1
    while day > CodeDate.lastDay(year: year, month: month) {
      day -= CodeDate.lastDay(year: year, month: month)
      month += 1
      guard month <= 12 else { return nil }
    }
    return CodeDate(year: year, month: month, day: day)?.words
  }
}

/// Reads data elements that begin with data identifiers, with separators between them.
struct DataElements {
  private(set) var elements: [CodeElement] = []
  private(set) var problems: [CodeProblem] = []

  init(_ bytes: ArraySlice<UInt8>, now: Int) {
    for field in bytes.split(separator: ElementStrings.separator, omittingEmptySubsequences: true) {
      guard let length = DataIdentifier.length(in: field) else {
        problems.append(
          CodeProblem(
            at: field.startIndex + 1, kind: .identifier,
            message:
              "a data identifier is expected, up to three digits and a capital letter, found \"\(shown(field.prefix(4)))\""
          ))
        continue
      }
      let di = shown(field.prefix(length))
      let value = field.dropFirst(length)
      let definition = CodeTables.dataIdentifiers[di]
      var element = CodeElement(
        .di(di), value: String(decoding: value, as: UTF8.self), title: definition?.title ?? "",
        at: field.startIndex + 1, length: field.count)
      let fault =
        value.isEmpty ? FieldFault(.length, "\(di) has a value, found nothing") : definition?.fault(in: value, now: now)
      if let fault {
        element.isDoubtful = true
        problems.append(
          CodeProblem(at: value.startIndex + fault.offset + 1, kind: fault.kind, message: fault.message))
      } else {
        element.meaning = definition?.meaning(of: value, now: now)
      }
      elements.append(element)
    }
  }
}
