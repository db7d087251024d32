private import Glibc

/// Reads JSON from bytes in place: strict (RFC 8259), bounded in depth, and without a tree where none is wanted.
///
/// `skip` checks a value and gives its range, which is all that most fields of an event need at the
/// central; `value` builds a `JSON`.
struct JSONScanner {
  let bytes: UnsafeBufferPointer<UInt8>
  private(set) var at: Int
  static let depthLimit = 32

  init(_ bytes: UnsafeBufferPointer<UInt8>, at start: Int = 0) {
    self.bytes = bytes
    at = start
  }

  var isAtEnd: Bool { at == bytes.count }
  /// Whether an object is next.
  var isObject: Bool { at < bytes.count && bytes[at] == 0x7B }

  mutating func skipSpace() {
    while at < bytes.count, bytes[at] == 0x20 || bytes[at] == 0x0A || bytes[at] == 0x0D || bytes[at] == 0x09 { at += 1 }
  }

  /// Takes `byte` if it is next, white space before it passed over.
  mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard at < bytes.count, bytes[at] == byte else { return false }
    at += 1
    return true
  }

  /// Visits the fields of an object; `body` must consume each value.
  ///
  /// False if it is no object, or `body` says so.
  mutating func fields(_ body: (inout JSONScanner, Range<Int>) -> Bool) -> Bool {
    guard take(0x7B) else { return false }
    if take(0x7D) { return true }
    repeat {
      skipSpace()
      guard let key = string(), take(0x3A), body(&self, key) else { return false }
    } while take(0x2C)
    return take(0x7D)
  }

  /// The inside of a string, quotes left off, escapes not yet resolved; nil if none is next or it is malformed.
  mutating func string() -> Range<Int>? {
    guard at < bytes.count, bytes[at] == 0x22 else { return nil }
    at += 1
    let start = at
    while at < bytes.count {
      let byte = bytes[at]
      if byte == 0x22 {
        at += 1
        return start..<(at - 1)
      }
      if byte < 0x20 { return nil }
      if byte == 0x5C {
        guard escape() else { return nil }
      } else {
        at += 1
      }
    }
    return nil
  }

  private mutating func escape() -> Bool {
    at += 1
    guard at < bytes.count else { return false }
    switch bytes[at] {
    case 0x22, 0x5C, 0x2F, 0x62, 0x66, 0x6E, 0x72, 0x74:
      at += 1
      return true
    case 0x75:
      guard at + 4 < bytes.count, bytes[(at + 1)...(at + 4)].allSatisfy(isHexDigit) else { return false }
      at += 5
      return true
    default: return false
    }
  }

  /// Passes over one value and gives its range; nil if it is malformed or too deep.
  mutating func skip(depth: Int = 0) -> Range<Int>? {
    skipSpace()
    guard at < bytes.count, depth <= Self.depthLimit else { return nil }
    let start = at
    switch bytes[at] {
    case 0x22: guard string() != nil else { return nil }
    case 0x7B: guard fields({ scanner, _ in scanner.skip(depth: depth + 1) != nil }) else { return nil }
    case 0x5B: guard skipArray(depth: depth) else { return nil }
    case 0x74: guard literal("true") else { return nil }
    case 0x66: guard literal("false") else { return nil }
    case 0x6E: guard literal("null") else { return nil }
    default: guard number() else { return nil }
    }
    return start..<at
  }

  private mutating func skipArray(depth: Int) -> Bool {
    at += 1
    if take(0x5D) { return true }
    repeat { guard skip(depth: depth + 1) != nil else { return false } } while take(0x2C)
    return take(0x5D)
  }

  private mutating func literal(_ name: StaticString) -> Bool {
    let end = at + name.utf8CodeUnitCount
    guard end <= bytes.count, word(at..<end, is: name) else { return false }
    at = end
    return true
  }

  private mutating func digits() -> Bool {
    let start = at
    while at < bytes.count, bytes[at] >= 0x30, bytes[at] <= 0x39 { at += 1 }
    return at > start
  }

  /// Passes over a number as RFC 8259 writes them.
  private mutating func number() -> Bool {
    if at < bytes.count, bytes[at] == 0x2D { at += 1 }
    let first = at
    guard digits(), at == first + 1 || bytes[first] != 0x30 else { return false }
    if at < bytes.count, bytes[at] == 0x2E {
      at += 1
      guard digits() else { return false }
    }
    if at < bytes.count, bytes[at] | 0x20 == 0x65 {
      at += 1
      if at < bytes.count, bytes[at] == 0x2B || bytes[at] == 0x2D { at += 1 }
      guard digits() else { return false }
    }
    return true
  }
}

extension JSONScanner {
  /// Whether the bytes of `range` are these letters.
  func word(_ range: Range<Int>, is name: StaticString) -> Bool {
    guard range.count == name.utf8CodeUnitCount else { return false }
    for index in 0..<range.count where bytes[range.lowerBound + index] != name.utf8Start[index] { return false }
    return true
  }

  /// The whole number that the bytes of `range` write in digits; nil if there are other bytes, a leading zero or too
  /// many.
  func whole(_ range: Range<Int>) -> UInt64? {
    guard let first = range.first, bytes[first] != 0x30 || range.count == 1 else { return nil }
    var value: UInt64 = 0
    for byte in bytes[range] {
      guard byte >= 0x30, byte <= 0x39 else { return nil }
      let (tens, isOver) = value.multipliedReportingOverflow(by: 10)
      let (sum, isOverToo) = tens.addingReportingOverflow(UInt64(byte - 0x30))
      guard !isOver, !isOverToo else { return nil }
      value = sum
    }
    return value
  }

  /// The text of a string whose inside is `range`: `like` itself where it is the same.
  func text(_ range: Range<Int>, like: String?) -> String? {
    if let like, !range.isEmpty, like.utf8.count == range.count {
      let found = UnsafeBufferPointer(rebasing: bytes[range])
      let isSame = like.utf8.withContiguousStorageIfAvailable { known in
        guard let a = known.baseAddress, let b = found.baseAddress else { return false }
        return memcmp(a, b, found.count) == 0
      }
      if isSame == true, !found.contains(0x5C) { return like }
    }
    return text(range)
  }
}

private func isHexDigit(_ byte: UInt8) -> Bool {
  (0x30...0x39).contains(byte) || (0x61...0x66).contains(byte | 0x20)
}
