/// Writes JSON as bytes in the order it is told: the one encoder of events.
///
/// No spaces, only the escapes that RFC 8259 demands, numbers in their shortest form that reads back
/// the same. A number that is not finite is a programmer's mistake: such values have a quality instead.
public struct JSONWriter: Sendable {
  public private(set) var bytes: [UInt8] = []
  private var needsComma = false

  public init(capacity: Int = 512) { bytes.reserveCapacity(capacity) }

  /// An object whose fields `body` writes.
  public mutating func object(_ body: (inout JSONWriter) -> Void) {
    open(0x7B)
    body(&self)
    close(0x7D)
  }

  /// An array whose items `body` writes.
  public mutating func array(_ body: (inout JSONWriter) -> Void) {
    open(0x5B)
    body(&self)
    close(0x5D)
  }

  /// The name of a field; its value must follow.
  public mutating func key(_ name: String) {
    separate()
    quote(name)
    bytes.append(0x3A)
    needsComma = false
  }

  public mutating func value(_ text: String) {
    separate()
    quote(text)
  }

  public mutating func value(_ number: Int64) {
    separate()
    if number < 0 { bytes.append(0x2D) }
    append(number.magnitude)
  }

  public mutating func value(_ number: UInt64) {
    separate()
    append(number)
  }

  public mutating func value(_ number: Int) { value(Int64(number)) }

  public mutating func value(_ number: Double) {
    precondition(number.isFinite, "a number that is not finite has no form in JSON")
    separate()
    bytes.append(contentsOf: number.description.utf8)
  }

  public mutating func value(_ number: ExactNumber) {
    separate()
    bytes.append(contentsOf: number.text.utf8)
  }

  public mutating func value(_ flag: Bool) {
    separate()
    bytes.append(contentsOf: (flag ? "true" : "false").utf8)
  }

  public mutating func null() {
    separate()
    bytes.append(contentsOf: "null".utf8)
  }

  public mutating func value(_ time: Timestamp) {
    separate()
    bytes.append(0x22)
    bytes.append(contentsOf: time.utf8)
    bytes.append(0x22)
  }

  /// Bytes that are JSON already, such as a stored event or its data.
  public mutating func raw(_ json: some Collection<UInt8>) {
    separate()
    bytes.append(contentsOf: json)
  }

  /// A field of text; left out if nil.
  public mutating func field(_ name: String, _ text: String?) {
    guard let text else { return }
    key(name)
    value(text)
  }

  /// A field with a time; left out if nil.
  public mutating func field(_ name: String, _ time: Timestamp?) {
    guard let time else { return }
    key(name)
    value(time)
  }

  /// A field with a whole number; left out if nil.
  public mutating func field(_ name: String, _ number: (some BinaryInteger)?) {
    guard let number else { return }
    key(name)
    if number >= 0 { value(UInt64(number)) } else { value(Int64(number)) }
  }

  /// A field with `true` or `false`; left out if nil.
  public mutating func field(_ name: String, _ flag: Bool?) {
    guard let flag else { return }
    key(name)
    value(flag)
  }

  private mutating func open(_ bracket: UInt8) {
    separate()
    bytes.append(bracket)
    needsComma = false
  }

  private mutating func close(_ bracket: UInt8) {
    bytes.append(bracket)
    needsComma = true
  }

  private mutating func separate() {
    if needsComma { bytes.append(0x2C) }
    needsComma = true
  }

  private mutating func append(_ number: UInt64) {
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 20) { digits in
      var start = 20
      var rest = number
      repeat {
        start -= 1
        digits[start] = 0x30 + UInt8(rest % 10)
        rest /= 10
      } while rest > 0
      bytes.append(contentsOf: digits[start...])
    }
  }

  private mutating func quote(_ text: String) {
    var text = text
    bytes.append(0x22)
    text.withUTF8 { utf8 in
      if utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x22 && $0 != 0x5C }) {
        bytes.append(contentsOf: utf8)
      } else {
        for byte in utf8 { escape(byte) }
      }
    }
    bytes.append(0x22)
  }

  private mutating func escape(_ byte: UInt8) {
    switch byte {
    case 0x22, 0x5C:
      bytes.append(0x5C)
      bytes.append(byte)
    case 0x0A: bytes.append(contentsOf: [0x5C, 0x6E])
    case 0x0D: bytes.append(contentsOf: [0x5C, 0x72])
    case 0x09: bytes.append(contentsOf: [0x5C, 0x74])
    case 0..<0x20:
      bytes.append(contentsOf: [0x5C, 0x75, 0x30, 0x30])
      bytes.append(hexDigits[Int(byte >> 4)])
      bytes.append(hexDigits[Int(byte & 15)])
    default: bytes.append(byte)
    }
  }
}

private let hexDigits = Array("0123456789abcdef".utf8)

/// Lower-case hexadecimal digits, two a byte.
public func hex(_ bytes: some Sequence<UInt8>) -> String {
  var text: [UInt8] = []
  for byte in bytes {
    text.append(hexDigits[Int(byte >> 4)])
    text.append(hexDigits[Int(byte & 15)])
  }
  return String(decoding: text, as: UTF8.self)
}

/// The bytes that `text` writes in hexadecimal digits of either case; nil if it does not.
public func bytes(hex text: some StringProtocol) -> [UInt8]? {
  let digits = Array(text.utf8)
  guard digits.count % 2 == 0 else { return nil }
  func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x61...0x66: byte - 0x57
    case 0x41...0x46: byte - 0x37
    default: nil
    }
  }
  var bytes: [UInt8] = []
  bytes.reserveCapacity(digits.count / 2)
  for index in stride(from: 0, to: digits.count, by: 2) {
    guard let high = digit(digits[index]), let low = digit(digits[index + 1]) else { return nil }
    bytes.append(high << 4 | low)
  }
  return bytes
}
