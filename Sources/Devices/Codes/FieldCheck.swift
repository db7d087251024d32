/// What is wrong with one part of a data field, and where in it.
struct FieldFault: Error, Hashable {
  let offset: Int
  let kind: CodeProblem.Kind
  let message: String

  init(_ kind: CodeProblem.Kind, at offset: Int = 0, _ message: String) {
    self.offset = offset
    self.kind = kind
    self.message = message
  }
}

extension FieldPart {
  /// What is wrong with `bytes` as this part of the field of `title`; nil: nothing.
  func fault(in bytes: ArraySlice<UInt8>, of title: String, now: Int) -> FieldFault? {
    if let wrong = bytes.firstIndex(where: { !characters.contains($0) }) {
      return FieldFault(
        .character, at: wrong - bytes.startIndex,
        "\(title) has \(characters.words), found \"\(shown([bytes[wrong]]))\"")
    }
    guard let rule else { return nil }
    return rule.fault(in: bytes, of: title, now: now)
  }
}

extension FieldRule {
  /// What is wrong with a part whose characters and length are right; nil: nothing.
  fileprivate func fault(in bytes: ArraySlice<UInt8>, of title: String, now: Int) -> FieldFault? {
    switch self {
    case .check, .checkPair, .checkPairLetter, .iban: checkFault(in: bytes, of: title)
    case .date, .date0, .fullDate: dateFault(in: bytes, of: title, now: now)
    case .time, .timeOr9999, .hour, .minute, .second: timeFault(in: bytes, of: title)
    case .country, .country2, .countryOr999, .currency: codeFault(in: bytes, of: title)
    default: valueFault(in: bytes, of: title)
    }
  }

  private func checkFault(in bytes: ArraySlice<UInt8>, of title: String) -> FieldFault? {
    let text = shown(bytes)
    switch self {
    case .check:
      let expected = CheckDigits.digit(for: bytes.dropLast())
      guard bytes.last != expected else { return nil }
      return FieldFault(
        .checkDigit, at: bytes.count - 1,
        "\(title) \(text): the check digit is expected to be \(shown([expected])), found \(shown(bytes.suffix(1)))")
    case .iban:
      guard !CheckDigits.isIBAN(bytes) else { return nil }
      return FieldFault(.checkDigit, at: min(2, bytes.count), "\(title) \(text): its check digits do not fit")
    default:
      guard bytes.count >= 3 else {
        return FieldFault(.length, "\(title) has check characters at its end, found \(text)")
      }
      if let fault = Self.prefix.valueFault(in: bytes, of: title) { return fault }
      let expected = CheckDigits.pair(for: bytes.dropLast(2))
      guard expected.map({ bytes.suffix(2).elementsEqual($0) }) != true else {
        guard self == .checkPairLetter, bytes.dropLast(2).allSatisfy(isDigit) else { return nil }
        return FieldFault(.value, "\(title) has a character that is no digit, found \(text)")
      }
      return FieldFault(
        .checkDigit, at: bytes.count - 2,
        "\(title) \(text): the check characters are expected to be \(expected.map(shown) ?? "two"), "
          + "found \(shown(bytes.suffix(2)))")
    }
  }

  private func dateFault(in bytes: ArraySlice<UInt8>, of title: String, now: Int) -> FieldFault? {
    if self == .fullDate {
      guard let number = decimal(bytes),
        CodeDate(year: number / 10_000, month: number / 100 % 100, day: number % 100) == nil
      else { return nil }
      return FieldFault(.date, "\(title) is a day, YYYYMMDD, found \(shown(bytes))")
    }
    guard CodeDate(bytes, now: now, allowsDay0: self == .date0) == nil else { return nil }
    let month = decimal(bytes.dropFirst(2).prefix(2)) ?? 0
    let isMonth = (1...12).contains(month)
    return FieldFault(
      .date, at: isMonth ? 4 : 2,
      "\(title) is a day, YYMMDD\(self == .date0 ? " (day 00: the month's last)" : ""), found \(shown(bytes))")
  }

  private func timeFault(in bytes: ArraySlice<UInt8>, of title: String) -> FieldFault? {
    guard let number = decimal(bytes) else { return nil }
    let (isGood, form) =
      switch self {
      case .hour: (number < 24, "an hour, 00 to 23")
      case .minute: (number < 60, "minutes, 00 to 59")
      case .second: (number < 60, "seconds, 00 to 59")
      case .timeOr9999: (number == 9999 || (number / 100 < 24 && number % 100 < 60), "a time, hhmm, or 9999 for none")
      default: (number / 100 < 24 && number % 100 < 60, "a time, hhmm")
      }
    return isGood ? nil : FieldFault(.time, "\(title) has \(form), found \(shown(bytes))")
  }

  private func codeFault(in bytes: ArraySlice<UInt8>, of title: String) -> FieldFault? {
    let text = shown(bytes)
    switch self {
    case .currency:
      return CodeTables.currencies[text] != nil
        ? nil : FieldFault(.currency, "\(title) has a currency's number of ISO 4217, found \(text)")
    case .country2:
      return CodeTables.countryLetters.contains(text)
        ? nil : FieldFault(.country, "\(title) has a country's two letters of ISO 3166, found \(text)")
    default:
      if self == .countryOr999, text == "999" { return nil }
      return CodeTables.countries[text] != nil
        ? nil : FieldFault(.country, "\(title) has a country's number of ISO 3166, found \(text)")
    }
  }

  private func valueFault(in bytes: ArraySlice<UInt8>, of title: String) -> FieldFault? {
    let number = decimal(bytes) ?? 0
    let (isGood, allowed) =
      switch self {
      case .prefix:
        (bytes.count >= 4 && bytes.prefix(4).allSatisfy(isDigit), "begins with a company prefix, at least 4 digits")
      case .zero: (number == 0, "begins with 0")
      case .nonzero: (number != 0, "has a number that is not 0")
      case .noLeadingZero: (bytes.first != 0x30 || bytes.count == 1, "begins with no 0")
      case .winding: ([0, 1, 9].contains(number), "has the winding 0, 1 or 9")
      case .sex: ([0, 1, 2, 9].contains(number), "is 0, 1, 2 or 9 (ISO 5218)")
      case .yesNo: (number <= 1, "is 0 or 1")
      case .piece:
        (number / 100 > 0 && number % 100 > 0 && number / 100 <= number % 100, "has a piece and their number, 0103")
      case .media: ((1...10).contains(number) || (80...99).contains(number), "is 01 to 10 or 80 to 99")
      case .percent: (Self.isPercentEncoded(bytes), "writes a % as %25, and no other escape than %00 to %FF")
      case .latitude: (number <= 1_800_000_000, "has a latitude up to 1800000000")
      case .longitude: (number <= 3_600_000_000, "has a longitude up to 3600000000")
      case .minus: (bytes.elementsEqual([0x2D]), "has nothing but a minus at its end")
      case .importer:
        (
          bytes.allSatisfy { FieldPart.Characters.set64.contains($0) && $0 != 0x3D },
          "has an importer's letter, digit, - or _"
        )
      case .of: (Self.isPlaceOfTotal(bytes), "is the place of a number, 1/2")
      default: (true, "")
      }
    return isGood ? nil : FieldFault(.value, "\(title) \(allowed), found \(shown(bytes))")
  }

  private static func isPercentEncoded(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while let byte = rest.popFirst() {
      guard byte == 0x25 else { continue }
      guard rest.count >= 2, rest.prefix(2).allSatisfy({ hexValue($0) != nil }) else { return false }
      rest = rest.dropFirst(2)
    }
    return true
  }

  private static func isPlaceOfTotal(_ bytes: ArraySlice<UInt8>) -> Bool {
    let all = Array(bytes)
    guard all.count == 3, isDigit(all[0]), isDigit(all[2]), all[1] == 0x2F else { return false }
    return all[0] > 0x30 && all[0] <= all[2]
  }
}

/// The value of a hexadecimal digit of either case.
func hexValue(_ byte: UInt8) -> UInt8? {
  switch byte {
  case 0x30...0x39: byte - 0x30
  case 0x41...0x46: byte - 0x37
  case 0x61...0x66: byte - 0x57
  default: nil
  }
}
