extension Fields {
  /// A text that is not empty.
  public mutating func text(_ name: String, _ allowed: String = "a text") -> String? {
    guard let found = optional(name) else { return nil }
    guard let text = found.text, !found.isEmpty, !text.isEmpty else {
      found.refuse(allowed: allowed)
      return nil
    }
    return text
  }

  /// A text that must be there.
  public mutating func requiredText(_ name: String, _ allowed: String = "a text") -> String? {
    guard required(name, allowed) != nil else { return nil }
    return text(name, allowed)
  }

  /// `true` or `false`.
  public mutating func flag(_ name: String) -> Bool? {
    guard let found = optional(name) else { return nil }
    switch found.text {
    case "true" where found.isPlain: return true
    case "false" where found.isPlain: return false
    case let text?:
      // Other programs take these words too; in quotes they are a text.
      let word = text.lowercased()
      let meant =
        ["true", "yes", "on", "1"].contains(word) ? "true" : ["false", "no", "off", "0"].contains(word) ? "false" : nil
      let isQuoted = !found.isPlain && meant != nil
      found.refuse(
        found: isQuoted ? "\(found.quoted) in quotes" : nil,
        allowed: "true or false\(isQuoted ? ", without quotes" : "")",
        nearest: isQuoted ? nil : meant)
      return nil
    case nil:
      found.refuse(allowed: "true or false")
      return nil
    }
  }

  /// A whole number within `range`.
  public mutating func integer(_ name: String, in range: ClosedRange<Int>) -> Int? {
    guard let found = optional(name) else { return nil }
    return found.integer(in: range)
  }

  /// A number, whole or with a decimal point; its text, if wanted exactly, is `SettingsNode.text`.
  public mutating func number(_ name: String) -> Double? {
    guard let found = optional(name) else { return nil }
    return found.number()
  }

  /// A span of time: `500ms`, `1s`, `5m`, `12h`, `30d`.
  public mutating func duration(_ name: String, atLeast least: Duration = .zero) -> Duration? {
    guard let found = optional(name) else { return nil }
    guard let text = found.text, let duration = parseDuration(text), duration >= least else {
      found.refuse(
        allowed: "a time such as 500ms, 1s, 5m, 12h or 30d" + (least > .zero ? ", at least \(format(least))" : ""),
        nearest: found.text.flatMap { meantDuration(by: $0) }.flatMap { $0 >= least ? format($0) : nil })
      return nil
    }
    return duration
  }

  /// A size: `500kB`, `10MB`, `10GB` (powers of 1,000), `KiB`, `MiB`, `GiB` (of 1,024).
  public mutating func byteCount(_ name: String) -> Int? {
    guard let found = optional(name) else { return nil }
    guard let text = found.text, let count = parseByteCount(text) else {
      found.refuse(
        allowed: "a size such as 500MB, 10GB or 2GiB", nearest: found.text.flatMap { meantByteCount(by: $0) })
      return nil
    }
    return count
  }

  /// One of a few words.
  public mutating func choice(_ name: String, of choices: [String], notYet: [String] = []) -> String? {
    guard let found = optional(name) else { return nil }
    return found.choice(of: choices, notYet: notYet)
  }
}

extension SettingsNode {
  /// A whole number within `range`, in decimal or (`0x1F`) in hex.
  public func integer(in range: ClosedRange<Int>) -> Int? {
    // 010 is ten to some readers of YAML and eight to others.
    if let text, text.count > 1, text.hasPrefix("0"), let decimal = Int(text), let octal = Int(text, radix: 8) {
      refuse(found: "\(quoted), which may be \(decimal) or, in octal, \(octal)", allowed: "no zero in front")
      return nil
    }
    let value = text.flatMap { $0.hasPrefix("0x") ? Int($0.dropFirst(2), radix: 16) : Int($0) }
    guard let value, range.contains(value) else {
      refuse(allowed: "a whole number from \(range.lowerBound) to \(range.upperBound)")
      return nil
    }
    return value
  }

  /// A finite number.
  public func number() -> Double? {
    guard let text, let value = Double(text), value.isFinite else {
      refuse(allowed: "a number")
      return nil
    }
    return value
  }

  /// One of a few words; a word of `notYet` is refused by name.
  public func choice(of choices: [String], notYet: [String] = []) -> String? {
    if let text, choices.contains(text) { return text }
    if let text, notYet.contains(text) {
      refuse(allowed: "\(choices.joined(separator: ", ")): \(text) is not supported yet")
    } else {
      refuse(
        allowed: choices.joined(separator: ", "), nearest: text.flatMap { nearestName(to: $0, among: choices + notYet) }
      )
    }
    return nil
  }
}

/// `500ms`, `1s`, `1.5s`, `5m`, `12h`, `30d`; nil for anything else.
public func parseDuration(_ text: String) -> Duration? {
  let units: [(String, Double)] = [("ms", 0.001), ("s", 1), ("m", 60), ("h", 3600), ("d", 86400)]
  for (suffix, seconds) in units where text.hasSuffix(suffix) {
    let digits = text.dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }),
      let value = Double(digits), value * seconds < 1e10
    else { continue }
    return .milliseconds(Int64((value * seconds * 1000).rounded()))
  }
  return nil
}

/// What a time means that other programs would take: `1 s`, `500MS`, `2 min`, `0,5s`, `10Hz`; nil for anything else.
private func meantDuration(by text: String) -> Duration? {
  let plain = text.lowercased().replacing(",", with: ".").filter { $0 != " " }
  let unit = String(plain.drop { $0.isNumber || $0 == "." })
  guard let value = Double(plain.dropLast(unit.count)), value > 0, value < 1e9 else { return nil }
  let seconds: [String: Double] = [
    "ms": 0.001, "msec": 0.001, "s": 1, "sec": 1, "secs": 1, "second": 1, "seconds": 1, "m": 60, "min": 60, "mins": 60,
    "minute": 60, "minutes": 60, "h": 3600, "hr": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400,
    "days": 86400,
  ]
  if unit == "hz" { return .milliseconds(Int64((1000 / value).rounded())) }
  return seconds[unit].map { .milliseconds(Int64((value * $0 * 1000).rounded())) }
}

/// How a size is written that other programs would take: `10 GB`, `10gb`, `10G`; nil for anything else.
private func meantByteCount(by text: String) -> String? {
  let plain = text.uppercased().replacing(",", with: ".").filter { $0 != " " }
  let number = plain.prefix { $0.isNumber || $0 == "." }
  let unit = plain.dropFirst(number.count).first.map(String.init) ?? ""
  let written = "\(number)\(unit == "K" ? "k" : unit)B"
  let isUnit = ["K", "KB", "M", "MB", "G", "GB", "T", "TB"].contains(plain.dropFirst(number.count))
  return isUnit && parseByteCount(written) != nil ? written : nil
}

/// `10GB`, `500MB`, `2GiB`, `4096` (bytes); nil for anything else, and for more than an exabyte.
public func parseByteCount(_ text: String) -> Int? {
  let units: [(String, Double)] = [
    ("KiB", 1024), ("MiB", 1_048_576), ("GiB", 1_073_741_824), ("TiB", 1_099_511_627_776), ("kB", 1e3), ("KB", 1e3),
    ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1), ("", 1),
  ]
  for (suffix, factor) in units where text.hasSuffix(suffix) {
    let digits = text.dropLast(suffix.count)
    guard !digits.isEmpty, digits.allSatisfy({ $0.isASCII && ($0.isNumber || $0 == ".") }), let value = Double(digits)
    else { continue }
    let bytes = value * factor
    return bytes <= 1e18 ? Int(bytes) : nil
  }
  return nil
}

/// A span of time as settings write it, in the largest unit that leaves no fraction.
public func format(_ duration: Duration) -> String {
  let milliseconds = duration.components.seconds * 1000 + duration.components.attoseconds / 1_000_000_000_000_000
  for (size, suffix) in [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")] as [(Int64, String)]
  where milliseconds != 0 && milliseconds % size == 0 {
    return "\(milliseconds / size)\(suffix)"
  }
  return milliseconds == 0 ? "0s" : "\(milliseconds)ms"
}
