/// A decimal as it is written, `0.1`, kept exactly: `mantissa` × 10^`exponent`.
///
/// Scale factors are decimals. In binary 3 × 0.1 is 0.30000000000000004; here it is 0.3.
public struct DecimalNumber: Sendable, Hashable {
  public let mantissa: Int128
  public let exponent: Int

  public static let zero = DecimalNumber(mantissa: 0, exponent: 0)
  public static let one = DecimalNumber(mantissa: 1, exponent: 0)

  public init(mantissa: Int128, exponent: Int) {
    self.mantissa = mantissa
    self.exponent = exponent
  }

  /// Reads `-12.5` or `1e-3`: at most 38 significant digits, exponents from -400 to 400.
  ///
  /// Nil for anything else. The mantissa is as short as can be, so that equal numbers are equal.
  public init?(_ text: some StringProtocol) {
    var rest = text.utf8[...]
    let isNegative = rest.first == 0x2D
    if isNegative || rest.first == 0x2B { rest.removeFirst() }
    var value: Int128 = 0
    var exponent = 0
    var zeros = 0
    var count = 0
    var point = false
    while let byte = rest.first {
      if byte == 0x2E, !point {
        point = true
      } else if (0x30...0x39).contains(byte) {
        count += 1
        if point { exponent -= 1 }
        if byte == 0x30 {
          zeros += 1
        } else {
          guard let moved = value.timesTen(to: zeros + 1) else { return nil }
          let (sum, isOver) = moved.addingReportingOverflow(Int128(byte - 0x30))
          guard !isOver else { return nil }
          value = sum
          zeros = 0
        }
      } else {
        break
      }
      rest.removeFirst()
    }
    guard count > 0 else { return nil }
    if let mark = rest.popFirst() {
      guard mark | 0x20 == 0x65, rest.count <= 4, let power = Int(String(decoding: rest, as: UTF8.self)),
        abs(power) <= 400
      else { return nil }
      exponent += power
    }
    mantissa = isNegative ? -value : value
    self.exponent = value == 0 ? 0 : exponent + zeros
  }

  /// The number that a Double's shortest form writes; nil if it is not finite.
  public init?(_ double: Double) { self.init(double.description) }

  /// The same number with a mantissa that does not end in 0.
  public var shortest: DecimalNumber {
    guard mantissa != 0 else { return .zero }
    var (short, power) = (mantissa, exponent)
    while short % 10 == 0 {
      short /= 10
      power += 1
    }
    return DecimalNumber(mantissa: short, exponent: power)
  }

  /// Digits from the first that is not 0 to the last.
  public var digitCount: Int { mantissa == 0 ? 0 : String(shortest.mantissa.magnitude).count }

  /// Whether it has no fraction.
  public var isWhole: Bool { exponent >= 0 || mantissa == 0 }

  /// The whole number that it is; nil if it has a fraction or more than 127 bits.
  public var whole: Int128? {
    let short = shortest
    return short.exponent < 0 ? nil : short.mantissa.timesTen(to: short.exponent)
  }

  /// In digits, as JSON writes a number: with an exponent only where it would be longer than 40 digits.
  public var text: String {
    let short = shortest
    let sign = short.mantissa < 0 ? "-" : ""
    let digits = String(short.mantissa.magnitude)
    let point = digits.count + short.exponent
    guard (-20...40).contains(point) else { return "\(sign)\(digits)e\(short.exponent)" }
    if short.exponent >= 0 { return sign + digits + String(repeating: "0", count: short.exponent) }
    if point <= 0 { return "\(sign)0." + String(repeating: "0", count: -point) + digits }
    return sign + digits.prefix(point) + "." + digits.dropFirst(point)
  }

  /// The nearest floating-point number; infinite where it is too large for one.
  public var double: Double {
    // Both factors are exact here, so the one operation rounds right.
    if mantissa.magnitude <= 1 << 53, abs(exponent) <= 22 {
      let power = Self.powers[abs(exponent)]
      return exponent < 0 ? Double(mantissa) / power : Double(mantissa) * power
    }
    return Double("\(mantissa)e\(exponent)") ?? .nan
  }

  /// Whether a Double's shortest form, which is what is written of it, has all the digits of this number.
  func isHeld(by double: Double) -> Bool {
    // Fifteen digits always come back, but for the smallest numbers, which have fewer.
    let isOrdinary = double.magnitude >= Double.leastNormalMagnitude
    if mantissa == 0 || isOrdinary && mantissa.magnitude < 1_000_000_000_000_000 { return true }
    return DecimalNumber(double) == shortest
  }

  /// The powers of ten that a Double holds exactly.
  private static let powers: [Double] = (0...22).map { count in (0..<count).reduce(1) { power, _ in power * 10 } }

  /// The product; nil where 127 bits do not hold it.
  public func multiplied(by other: DecimalNumber) -> DecimalNumber? {
    let (product, isOver) = mantissa.multipliedReportingOverflow(by: other.mantissa)
    return isOver ? nil : DecimalNumber(mantissa: product, exponent: exponent + other.exponent)
  }

  /// The sum, and whether all of its digits are there.
  ///
  /// Where 127 bits do not hold them it has 37, the last one such that rounding it to a Double rounds the whole sum
  /// right.
  public func added(to other: DecimalNumber) -> (sum: DecimalNumber, isExact: Bool) {
    guard mantissa != 0 else { return (other, true) }
    guard other.mantissa != 0 else { return (self, true) }
    let common = min(exponent, other.exponent)
    if let left = mantissa.timesTen(to: exponent - common),
      let right = other.mantissa.timesTen(to: other.exponent - common)
    {
      let (sum, isOver) = left.addingReportingOverflow(right)
      if !isOver { return (DecimalNumber(mantissa: sum, exponent: common), true) }
    }
    let (large, small) = top >= other.top ? (self, other) : (other, self)
    let last = large.top - 36
    let (kept, _) = large.cut(at: last)
    let (added, rest) = small.cut(at: last)
    return (DecimalNumber(mantissa: (kept + added) * 10 + rest, exponent: last - 1), false)
  }

  /// The negative of it.
  public var negated: DecimalNumber { DecimalNumber(mantissa: -mantissa, exponent: exponent) }

  /// The power of ten above its first digit.
  private var top: Int { String(mantissa.magnitude).count + exponent }

  /// How many times 10^`power` is in it, and the sign of what is left.
  private func cut(at power: Int) -> (Int128, rest: Int128) {
    if exponent >= power, let moved = mantissa.timesTen(to: exponent - power) { return (moved, 0) }
    guard let divisor = Int128(1).timesTen(to: power - exponent) else { return (0, mantissa.signum()) }
    let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: divisor)
    return (quotient, remainder.signum())
  }
}

extension Int128 {
  /// Times 10^`power`; nil where that does not fit.
  fileprivate func timesTen(to power: Int) -> Int128? {
    guard power <= 38 || self == 0 else { return nil }
    var value = self
    for _ in 0..<Swift.max(power, 0) where value != 0 {
      let (next, isOver) = value.multipliedReportingOverflow(by: 10)
      if isOver { return nil }
      value = next
    }
    return value
  }
}

/// A number that neither an Int64 nor a Double holds exactly, in the digits that JSON writes.
public struct ExactNumber: Sendable, Hashable, CustomStringConvertible {
  public let text: String

  public init(_ number: DecimalNumber) { text = number.text }

  /// The nearest Double.
  public var double: Double { Double(text) ?? .nan }
  public var description: String { text }
}
