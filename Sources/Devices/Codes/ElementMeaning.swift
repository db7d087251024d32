extension ApplicationIdentifier {
  /// A value that nothing is wrong with in words, where it is more than letters: a day, an amount, a place.
  func meaning(of value: ArraySlice<UInt8>, now: Int) -> String? {
    if let unit, unit == "Celsius" || unit == "Fahrenheit" { return temperature(value, unit) }
    var words: [String] = []
    var rest = value
    for (part, count) in zip(parts, partLengths(of: value.count) ?? []) where count > 0 {
      let bytes = rest.prefix(count)
      rest = rest.dropFirst(count)
      if let word = part.words(for: bytes, now: now) {
        words.append(word)
      } else if let decimals {
        words.append([amount(bytes, decimals), unit].compactMap { $0 }.joined(separator: " "))
      }
    }
    if ai == "01" || ai == "02" || ai == "03" { return shortGTIN(value) }
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// How long each part of a field of `length` bytes is; nil where the length fits none of the forms.
  func partLengths(of length: Int) -> [Int]? {
    var lengths: [Int] = []
    var left = length
    for (index, part) in parts.enumerated() {
      let later = parts[(index + 1)...].reduce(0) { $0 + ($1.isOptional ? 0 : $1.lengths.lowerBound) }
      let room = left - later
      if room < part.lengths.lowerBound {
        guard part.isOptional, room == 0 else { return nil }
        lengths.append(0)
        continue
      }
      let count = min(room, part.lengths.upperBound)
      lengths.append(count)
      left -= count
    }
    return left == 0 ? lengths : nil
  }

  /// The GTIN as the item bears it, where it is shorter than 14 digits.
  private func shortGTIN(_ value: ArraySlice<UInt8>) -> String? {
    let zeros = value.prefix { $0 == 0x30 }.count
    switch zeros {
    case 0: return nil
    case 1: return "GTIN-13 \(shown(value.dropFirst()))"
    case 2...5: return "GTIN-12 \(shown(value.dropFirst(2)))"
    default: return "GTIN-8 \(shown(value.dropFirst(6)))"
    }
  }

  private func temperature(_ value: ArraySlice<UInt8>, _ unit: String) -> String? {
    let isNegative = value.last == 0x2D
    return (isNegative ? "-" : "") + amount(isNegative ? value.dropLast() : value, 2)
      + (unit == "Celsius" ? " °C" : " °F")
  }
}

/// `012345` with three decimals: `12.345`.
private func amount(_ digits: ArraySlice<UInt8>, _ decimals: Int) -> String {
  let all = [UInt8](repeating: 0x30, count: max(0, decimals + 1 - digits.count)) + digits
  let whole = all.dropLast(decimals).drop { $0 == 0x30 }
  let text = whole.isEmpty ? "0" : shown(whole)
  return decimals == 0 ? text : text + "." + shown(all.suffix(decimals))
}

extension FieldPart {
  fileprivate func words(for bytes: ArraySlice<UInt8>, now: Int) -> String? {
    let text = shown(bytes)
    switch rule {
    case .date?, .date0?: return CodeDate(bytes, now: now, allowsDay0: rule == .date0)?.words
    case .fullDate?: return "\(text.prefix(4))-\(text.dropFirst(4).prefix(2))-\(text.dropFirst(6))"
    case .time?, .timeOr9999?: return text == "9999" ? nil : "\(text.prefix(2)):\(text.suffix(2))"
    case .hour?: return "\(text) h"
    case .minute?: return "\(text) min"
    case .second?: return "\(text) s"
    case .country?, .countryOr999?: return CodeTables.countries[text]
    case .currency?: return CodeTables.currencies[text]
    case .piece?: return "piece \(decimal(bytes.prefix(2)) ?? 0) of \(decimal(bytes.suffix(2)) ?? 0)"
    case .yesNo?: return text == "1" ? "yes" : "no"
    case .latitude?: return degrees(decimal(bytes) ?? 0, less: 90)
    case .longitude?: return degrees(decimal(bytes) ?? 0, less: 0)
    case .percent?: return text.contains("%") || text.contains("+") ? unescapedText(bytes) : nil
    default: return nil
    }
  }

  /// Ten-millionths of a degree (GS1 General Specifications, section 3.5.10).
  private func degrees(_ number: Int, less offset: Int) -> String {
    var value = number - offset * 10_000_000
    if offset == 0, value > 1_800_000_000 { value -= 3_600_000_000 }
    let digits = String(value.magnitude)
    let padded = Array((String(repeating: "0", count: max(0, 8 - digits.count)) + digits).utf8)
    return (value < 0 ? "-" : "") + amount(padded[...], 7) + "°"
  }

  /// A text whose letters outside of the set are escaped, and whose spaces are `+`; nil where it is no UTF-8.
  private func unescapedText(_ bytes: ArraySlice<UInt8>) -> String? {
    var text: [UInt8] = []
    var rest = bytes
    while let byte = rest.popFirst() {
      switch byte {
      case 0x2B: text.append(0x20)
      case 0x25:
        guard rest.count >= 2, let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue)
        else { return nil }
        text.append(high << 4 | low)
      default: text.append(byte)
      }
    }
    return String(validating: text, as: UTF8.self)
  }
}
