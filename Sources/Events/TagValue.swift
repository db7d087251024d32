/// What a tag showed at one moment: a value, or the reason why there is none.
public enum TagValue: Sendable, Hashable {
  case bool(Bool)
  case int(Int64)
  /// Always finite: what is not is `bad`.
  case double(Double)
  /// A whole number beyond Int64, or a scaled one with more digits than a Double has.
  case decimal(ExactNumber)
  case string(String)
  /// No value: why, and the raw bytes as they came, if any came.
  case bad(reason: String, raw: [UInt8])

  public var isGood: Bool { if case .bad = self { false } else { true } }

  /// A good number, whole or not.
  public var number: Double? {
    switch self {
    case .int(let value): Double(value)
    case .double(let value): value
    case .decimal(let value): value.double
    default: nil
    }
  }

  /// A good number with all its digits.
  public var exactNumber: DecimalNumber? {
    switch self {
    case .int(let value): DecimalNumber(mantissa: Int128(value), exponent: 0)
    case .double(let value): DecimalNumber(value)
    case .decimal(let value): DecimalNumber(value.text)
    default: nil
    }
  }

  /// A whole number, whatever its size.
  public init(whole: Int128) {
    if let value = Int64(exactly: whole) {
      self = .int(value)
    } else {
      self = .decimal(ExactNumber(DecimalNumber(mantissa: whole, exponent: 0)))
    }
  }

  /// A number with a fraction, or reckoned with one: a Double where that holds all of its digits.
  ///
  /// Nil if it is too large for a Double.
  public init?(_ number: DecimalNumber) {
    let double = number.double
    guard double.isFinite else { return nil }
    if number.isHeld(by: double) {
      self = .double(double)
    } else if let whole = number.whole {
      self.init(whole: whole)
    } else {
      self = .decimal(ExactNumber(number))
    }
  }

  public init?(_ json: JSON) {
    switch json {
    case .bool(let value): self = .bool(value)
    case .int(let value): self = .int(value)
    case .double(let value): self = .double(value)
    case .decimal(let value): self = .decimal(value)
    case .string(let value): self = .string(value)
    case .object:
      guard let reason = json["bad"]?.text else { return nil }
      self = .bad(reason: reason, raw: json["raw"]?.text.flatMap { bytes(hex: $0) } ?? [])
    default: return nil
    }
  }
}

/// A tag's name with what it showed; events keep the order of the map.
public struct Tag: Sendable, Hashable {
  public let name: String
  public let value: TagValue

  public init(_ name: String, _ value: TagValue) {
    self.name = name
    self.value = value
  }
}

extension JSONWriter {
  public mutating func value(_ value: TagValue) {
    switch value {
    case .bool(let flag): self.value(flag)
    case .int(let number): self.value(number)
    case .double(let number): self.value(number)
    case .decimal(let number): self.value(number)
    case .string(let text): self.value(text)
    case .bad(let reason, let raw):
      object { writer in
        writer.field("bad", reason)
        if !raw.isEmpty { writer.field("raw", hex(raw)) }
      }
    }
  }

  mutating func field(_ name: String, _ tags: [Tag]) {
    key(name)
    object { writer in
      for tag in tags {
        writer.key(tag.name)
        writer.value(tag.value)
      }
    }
  }

  mutating func field(_ name: String, nonEmpty list: [String]) {
    guard !list.isEmpty else { return }
    key(name)
    array { writer in for item in list { writer.value(item) } }
  }
}

extension JSON {
  /// The tags of an object, bad ones included; what is neither is left out.
  var tags: [Tag] { (members ?? []).compactMap { member in TagValue(member.value).map { Tag(member.name, $0) } } }
  var texts: [String] { (items ?? []).compactMap(\.text) }
}
