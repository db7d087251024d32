/// A JSON value in memory; objects keep the order of their fields.
public enum JSON: Sendable, Hashable {
  case null
  case bool(Bool)
  /// A number without fraction and exponent that fits.
  case int(Int64)
  case double(Double)
  /// A number with digits that neither of these holds, up to 38 of them.
  case decimal(ExactNumber)
  case string(String)
  case array([JSON])
  case object([Member])

  /// A field of an object.
  public struct Member: Sendable, Hashable {
    public let name: String
    public let value: JSON

    public init(_ name: String, _ value: JSON) {
      self.name = name
      self.value = value
    }
  }

  /// The field of that name, nil where `self` is no object or has none.
  public subscript(_ name: String) -> JSON? {
    guard case .object(let members) = self else { return nil }
    return members.first { $0.name == name }?.value
  }

  public var text: String? { if case .string(let text) = self { text } else { nil } }
  public var whole: Int64? { if case .int(let number) = self { number } else { nil } }
  public var flag: Bool? { if case .bool(let flag) = self { flag } else { nil } }
  public var items: [JSON]? { if case .array(let items) = self { items } else { nil } }
  public var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  /// A time in an event's form.
  public var time: Timestamp? { text.flatMap { Timestamp($0) } }

  /// A number, whole or not.
  public var number: Double? {
    switch self {
    case .int(let number): Double(number)
    case .double(let number): number
    case .decimal(let number): number.double
    default: nil
    }
  }

  /// Reads one value that fills `bytes`; nil if they are not JSON (RFC 8259), not UTF-8, or nested deeper than 32.
  ///
  /// - Parameter unwanted: the names of fields of which no value is made where the value is an object; of what they
  ///   say only the grammar is checked.
  public init?(_ bytes: some Collection<UInt8>, without unwanted: [StaticString] = []) {
    let parsed: JSON?? = bytes.withContiguousStorageIfAvailable { Self.parse($0, unwanted) }
    guard let value = parsed ?? ContiguousArray(bytes).withUnsafeBufferPointer({ Self.parse($0, unwanted) })
    else { return nil }
    self = value
  }

  private static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ unwanted: [StaticString]) -> JSON? {
    var scanner = JSONScanner(bytes)
    guard let value = scanner.value(without: unwanted) else { return nil }
    scanner.skipSpace()
    return scanner.isAtEnd ? value : nil
  }
}

extension JSONWriter {
  /// A value with all that is in it.
  public mutating func value(_ json: JSON) {
    switch json {
    case .null: null()
    case .bool(let flag): value(flag)
    case .int(let number): value(number)
    case .double(let number): value(number)
    case .decimal(let number): value(number)
    case .string(let text): value(text)
    case .array(let items): array { writer in for item in items { writer.value(item) } }
    case .object(let members):
      object { writer in
        for member in members {
          writer.key(member.name)
          writer.value(member.value)
        }
      }
    }
  }

  /// A field with any value; left out if nil.
  public mutating func field(_ name: String, _ json: JSON?) {
    guard let json else { return }
    key(name)
    value(json)
  }
}

extension JSONScanner {
  /// Builds the next value, and where it is an object leaves fields of it out; nil if it is malformed or too deep.
  mutating func value(depth: Int = 0, without unwanted: [StaticString] = []) -> JSON? {
    skipSpace()
    guard !isAtEnd, depth <= Self.depthLimit else { return nil }
    switch bytes[at] {
    case 0x22: return string().flatMap { text($0) }.map { .string($0) }
    case 0x7B:
      var members: [JSON.Member] = []
      members.reserveCapacity(8)
      let whole = fields { scanner, key in
        if unwanted.contains(where: { scanner.word(key, is: $0) }) { return scanner.skip(depth: depth + 1) != nil }
        guard let name = scanner.text(key), let value = scanner.value(depth: depth + 1) else { return false }
        members.append(.init(name, value))
        return true
      }
      return whole ? .object(members) : nil
    case 0x5B: return arrayValue(depth: depth)
    default:
      guard let range = skip(depth: depth) else { return nil }
      return scalar(range)
    }
  }

  private mutating func arrayValue(depth: Int) -> JSON? {
    guard take(0x5B) else { return nil }
    var items: [JSON] = []
    if take(0x5D) { return .array(items) }
    repeat {
      guard let item = value(depth: depth + 1) else { return nil }
      items.append(item)
    } while take(0x2C)
    return take(0x5D) ? .array(items) : nil
  }

  private func scalar(_ range: Range<Int>) -> JSON? {
    switch bytes[range.lowerBound] {
    case 0x74: return .bool(true)
    case 0x66: return .bool(false)
    case 0x6E: return .null
    default:
      if let number = whole(range).flatMap({ Int64(exactly: $0) }) { return .int(number) }
      let text = String(decoding: bytes[range], as: UTF8.self)
      if let number = Int64(text) { return .int(number) }
      guard let double = Double(text), double.isFinite else { return nil }
      // Sixteen bytes with a point have fifteen digits at most, and those a Double holds.
      guard range.count > 16, let exact = DecimalNumber(text) else { return .double(double) }
      let isWhole = !bytes[range].contains { $0 == 0x2E || $0 | 0x20 == 0x65 }
      return isWhole || !exact.isHeld(by: double) ? .decimal(ExactNumber(exact)) : .double(double)
    }
  }

  /// The text of a string whose inside is `range`; nil if it is not UTF-8 or has half a surrogate pair.
  func text(_ range: Range<Int>) -> String? {
    let inside = UnsafeBufferPointer(rebasing: bytes[range])
    var isASCII = true
    var hasEscapes = false
    for byte in inside {
      isASCII = isASCII && byte < 0x80
      hasEscapes = hasEscapes || byte == 0x5C
    }
    guard hasEscapes else {
      return isASCII ? String(decoding: inside, as: UTF8.self) : String(validating: inside, as: UTF8.self)
    }
    var utf8: [UInt8] = []
    var index = range.lowerBound
    while index < range.upperBound {
      guard bytes[index] == 0x5C else {
        utf8.append(bytes[index])
        index += 1
        continue
      }
      switch bytes[index + 1] {
      case 0x62: utf8.append(0x08)
      case 0x66: utf8.append(0x0C)
      case 0x6E: utf8.append(0x0A)
      case 0x72: utf8.append(0x0D)
      case 0x74: utf8.append(0x09)
      case 0x75:
        guard let (scalar, length) = unicodeEscape(at: index, before: range.upperBound) else { return nil }
        utf8.append(contentsOf: String(scalar).utf8)
        index += length
        continue
      case let plain: utf8.append(plain)
      }
      index += 2
    }
    return String(validating: utf8, as: UTF8.self)
  }

  private func unicodeEscape(at index: Int, before end: Int) -> (Character, length: Int)? {
    func unit(_ start: Int) -> UInt32? {
      guard start + 6 <= end, bytes[start] == 0x5C, bytes[start + 1] == 0x75 else { return nil }
      return UInt32(String(decoding: bytes[(start + 2)..<(start + 6)], as: UTF8.self), radix: 16)
    }
    guard let first = unit(index) else { return nil }
    if let scalar = Unicode.Scalar(first) { return (Character(scalar), 6) }
    guard (0xD800..<0xDC00).contains(first), let second = unit(index + 6), (0xDC00..<0xE000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
    else { return nil }
    return (Character(scalar), 12)
  }
}
