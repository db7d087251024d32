public import Events

/// What a raw number means: `raw × scale + offset`, reckoned in decimal.
public struct Scaling: Sendable, Hashable {
  public let scale: DecimalNumber
  public let offset: DecimalNumber

  public init(scale: DecimalNumber, offset: DecimalNumber) {
    self.scale = scale
    self.offset = offset
  }

  /// Whether whole raw numbers stay whole.
  var isWhole: Bool { scale.isWhole && offset.isWhole }

  /// The scaled number: all its digits, or for numbers of very unlike size as many as a Double's rounding needs.
  func scaled(_ raw: DecimalNumber) -> DecimalNumber {
    // 20 digits of a raw number and 15 of a scale always fit.
    guard let product = raw.multiplied(by: scale) else { return DecimalNumber(raw.double * scale.double) ?? .zero }
    return product.added(to: offset).sum
  }

  /// The raw number that shows `value`, as near as a Double is.
  func raw(showing value: DecimalNumber) -> Double {
    value.added(to: offset.negated).sum.double / scale.double
  }

  /// The whole raw number that is nearest to what shows `value`; nil where 127 bits do not hold it.
  func whole(showing value: DecimalNumber) -> Int128? {
    let product = value.added(to: offset.negated).sum
    let shift = product.exponent - scale.exponent
    let power = DecimalNumber(mantissa: 1, exponent: abs(shift)).whole
    guard let power else { return shift < 0 ? 0 : nil }
    let (top, bottom) = shift < 0 ? (Int128(1), power) : (power, Int128(1))
    let (dividend, isOver) = product.mantissa.multipliedReportingOverflow(by: top)
    let (divisor, isOverToo) = scale.mantissa.multipliedReportingOverflow(by: bottom)
    guard !isOver, !isOverToo else {
      let near = raw(showing: value).rounded()
      return abs(near) < 1e30 ? Int128(near) : nil
    }
    let (quotient, remainder) = dividend.quotientAndRemainder(dividingBy: divisor)
    guard remainder.magnitude >= divisor.magnitude - remainder.magnitude else { return quotient }
    return (dividend < 0) == (divisor < 0) ? quotient + 1 : quotient - 1
  }
}
