/// A decimal as it is written, `0.1`, kept exactly: `mantissa` × 10^`exponent`.
///
/// Scale factors are decimals. In binary 3 × 0.1 is 0.30000000000000004; here it is 0.3.
public struct DecimalNumber: Sendable, Hashable {
  public let mantissa: Int64
  public let exponent: Int

  public static let zero = DecimalNumber(mantissa: 0, exponent: 0)
  public static let one = DecimalNumber(mantissa: 1, exponent: 0)

  init(mantissa: Int64, exponent: Int) {
    self.mantissa = mantissa
    self.exponent = exponent
  }

  /// Reads `-12.5` or `1e-3`: at most 15 significant digits, exponents from -60 to 60.
  ///
  /// Nil for anything else.
  public init?(_ text: String) {
    var rest = Substring(text)
    let isNegative = rest.first == "-"
    if isNegative || rest.first == "+" { rest.removeFirst() }
    var exponent = 0
    if let mark = rest.firstIndex(where: { $0 == "e" || $0 == "E" }) {
      guard let power = Int(rest[rest.index(after: mark)...]), abs(power) <= 60 else { return nil }
      exponent = power
      rest = rest[..<mark]
    }
    let parts = rest.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count <= 2, let whole = parts.first, !whole.isEmpty || (parts.count == 2 && !parts[1].isEmpty)
    else { return nil }
    var digits = String(whole) + (parts.count == 2 ? String(parts[1]) : "")
    exponent -= parts.count == 2 ? parts[1].count : 0
    while digits.count > 1, digits.last == "0" {
      digits.removeLast()
      exponent += 1
    }
    guard digits.allSatisfy({ $0.isASCII && $0.isNumber }), let value = Int64(digits), value < 1_000_000_000_000_000
    else { return nil }
    mantissa = isNegative ? -value : value
    self.exponent = value == 0 ? 0 : exponent
  }

  /// Whether it has no fraction.
  var isWhole: Bool { exponent >= 0 }

  /// The nearest floating-point number.
  public var double: Double { Self.double(Int128(mantissa), exponent: exponent) }

  /// `mantissa` × 10^`exponent`, rounded once.
  static func double(_ mantissa: Int128, exponent: Int) -> Double {
    // Both factors are exact here, so the one operation rounds right.
    if mantissa.magnitude <= 1 << 53, abs(exponent) <= 22 {
      let power = Self.powers[abs(exponent)]
      return exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
    }
    return Double("\(mantissa)e\(exponent)") ?? .nan
  }

  /// The powers of ten that a Double holds exactly.
  private static let powers: [Double] = (0...22).map { count in (0..<count).reduce(1) { power, _ in power * 10 } }
}

/// What a raw number means: `raw × scale + offset`, reckoned in decimal and rounded once.
public struct Scaling: Sendable, Hashable {
  public let scale: DecimalNumber
  public let offset: DecimalNumber

  public init(scale: DecimalNumber, offset: DecimalNumber) {
    self.scale = scale
    self.offset = offset
  }

  /// Whether whole raw numbers stay whole.
  var isWhole: Bool { scale.isWhole && offset.isWhole }

  /// The scaled number as mantissa and exponent; nil where 127 bits do not hold it.
  func exact(_ raw: DecimalNumber) -> (mantissa: Int128, exponent: Int)? {
    let (product, overflow) = Int128(raw.mantissa).multipliedReportingOverflow(by: Int128(scale.mantissa))
    let exponent = raw.exponent + scale.exponent
    guard !overflow, offset.mantissa != 0 else { return overflow ? nil : (product, exponent) }
    let common = min(exponent, offset.exponent)
    guard let left = shifted(product, by: exponent - common),
      let right = shifted(Int128(offset.mantissa), by: offset.exponent - common)
    else { return nil }
    let (sum, overflowed) = left.addingReportingOverflow(right)
    return overflowed ? nil : (sum, common)
  }

  /// The scaled number; infinite where it is too large for a Double.
  func double(_ raw: DecimalNumber) -> Double {
    guard let exact = exact(raw) else { return raw.double * scale.double + offset.double }
    return DecimalNumber.double(exact.mantissa, exponent: exact.exponent)
  }

  /// The scaled number as a whole one; nil if it has a fraction or does not fit.
  func whole(_ raw: Int64) -> Int64? {
    guard isWhole, let exact = exact(DecimalNumber(mantissa: raw, exponent: 0)), exact.exponent >= 0,
      let value = shifted(exact.mantissa, by: exact.exponent)
    else { return nil }
    return Int64(exactly: value)
  }

  private func shifted(_ mantissa: Int128, by places: Int) -> Int128? {
    guard places <= 38 || mantissa == 0 else { return nil }
    var value = mantissa
    for _ in 0..<places {
      let (next, overflow) = value.multipliedReportingOverflow(by: 10)
      if overflow { return nil }
      value = next
    }
    return value
  }
}
