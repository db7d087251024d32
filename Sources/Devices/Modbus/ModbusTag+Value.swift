public import Events

extension ModbusTag {
  /// What the bytes of an answer that begins at address `first` show at this tag's place.
  ///
  /// The answer must hold the tag; that is what the plan of requests is made for.
  func value(in answer: [UInt8], from first: Int) -> TagValue {
    let place = address.number - first
    if address.table.isBits { return named(bit: answer[place / 8] >> UInt8(place % 8) & 1 == 1) }
    return value(in: answer, at: place * 2)
  }

  /// The tag's own bytes in the answer, as they came; for a single bit of a table one byte, 0 or 1.
  func bytes(in answer: [UInt8], from first: Int) -> [UInt8] {
    let place = address.number - first
    if address.table.isBits { return [answer[place / 8] >> UInt8(place % 8) & 1] }
    return Array(answer[(place * 2)..<((place + width) * 2)])
  }

  /// The raw whole number in the tag's bytes, for counters and bits; a negative one in its two's complement.
  ///
  /// Nil for floats, strings, and BCD with a nibble over 9.
  func whole(in answer: [UInt8], from first: Int) -> UInt64? {
    if address.table.isBits { return UInt64(bytes(in: answer, from: first)[0]) }
    guard type != .string else { return nil }
    let pattern = pattern(in: answer, at: (address.number - first) * 2)
    switch type {
    case .bool, .bits: return bits(of: pattern)
    case .int16, .uint16, .int32, .uint32, .int64, .uint64: return pattern
    case .bcd16, .bcd32: return Self.decimal(pattern).map { UInt64($0) }
    case .float32, .float64, .string: return nil
    }
  }

  /// The raw whole number in the tag's registers, or its one coil or discrete input.
  public func whole(of words: [UInt16]) -> UInt64? {
    guard words.count == width else { return nil }
    if address.table.isBits { return UInt64(words[0]) }
    return whole(in: words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }, from: address.number)
  }

  /// What the tag's registers, bytes as they came, show.
  public func value(of raw: [UInt8]) -> TagValue {
    guard raw.count == width * 2 else { return .bad(reason: "\(raw.count) bytes for a \(type.rawValue)", raw: raw) }
    return value(in: raw, at: 0)
  }

  /// What stands from byte `start` on.
  private func value(in bytes: [UInt8], at start: Int) -> TagValue {
    let value = type == .string ? text(in: bytes, at: start) : value(of: pattern(in: bytes, at: start))
    guard case .bad(let reason, _) = value else { return value }
    return .bad(reason: reason, raw: Array(bytes[start..<(start + width * 2)]))
  }

  /// What a value's bits show; a bad value is without its raw bytes.
  private func value(of pattern: UInt64) -> TagValue {
    switch type {
    case .bool: return named(bit: bits(of: pattern) == 1)
    case .bits: return value(of: Int64(bits(of: pattern)))
    case .int16: return value(of: Int64(Int16(truncatingIfNeeded: pattern)))
    case .int32: return value(of: Int64(Int32(truncatingIfNeeded: pattern)))
    case .int64: return value(of: Int64(bitPattern: pattern))
    case .uint16, .uint32: return value(of: Int64(pattern))
    case .uint64: return Int64(exactly: pattern).map(value(of:)) ?? value(beyond: Int128(pattern))
    case .bcd16, .bcd32:
      return Self.decimal(pattern).map(value(of:)) ?? .bad(reason: "a nibble over 9, which BCD has not", raw: [])
    case .float32:
      let float = Float(bitPattern: UInt32(truncatingIfNeeded: pattern))
      // Given as the shortest decimal that reads back as the same float32: 80.2, not 80.19999694824219.
      return value(of: Double(float), shortest: float.description)
    case .float64:
      let double = Double(bitPattern: pattern)
      return scaling == nil && double.isFinite ? .double(double) : value(of: double, shortest: double.description)
    case .string: return .bad(reason: "a string has no number", raw: [])
    }
  }

  private func named(bit: Bool) -> TagValue {
    guard let names else { return .bool(bit) }
    let number: Int64 = bit ? 1 : 0
    return names[number].map { .string($0) }
      ?? .bad(reason: "\(number) is not in the map's values", raw: [UInt8(number)])
  }

  private func value(of whole: Int64) -> TagValue {
    if let names {
      return names[whole].map { .string($0) } ?? .bad(reason: "\(whole) is not in the map's values", raw: [])
    }
    return scaling == nil ? .int(whole) : value(beyond: Int128(whole))
  }

  /// A raw whole number without a name: all digits of it, once scaled.
  private func value(beyond whole: Int128) -> TagValue {
    if names != nil { return .bad(reason: "\(whole) is not in the map's values", raw: []) }
    guard let scaling else { return TagValue(whole: whole) }
    let scaled = scaling.scaled(DecimalNumber(mantissa: whole, exponent: 0))
    if scaling.isWhole, let number = scaled.whole { return TagValue(whole: number) }
    return TagValue(scaled) ?? .bad(reason: "too large once scaled", raw: [])
  }

  private func value(of double: Double, shortest: String) -> TagValue {
    guard double.isFinite else { return .bad(reason: double.isNaN ? "not a number" : "infinite", raw: []) }
    guard let scaling else { return .double(Double(shortest) ?? double) }
    let scaled = DecimalNumber(shortest).map { scaling.scaled($0).double } ?? .nan
    return scaled.isFinite ? .double(scaled) : .bad(reason: "too large once scaled", raw: [])
  }

  /// A string ends with its first NUL, or its length; spaces at its end are padding.
  private func text(in bytes: [UInt8], at start: Int) -> TagValue {
    var text: [UInt8] = []
    for place in 0..<length {
      let byte = bytes[start + (order == .BA ? place ^ 1 : place)]
      if byte == 0 { break }
      text.append(byte)
    }
    while text.last == 0x20 { text.removeLast() }
    return encoding.text(of: text).map { .string($0) }
      ?? .bad(reason: "bytes that are not \(encoding.rawValue)", raw: [])
  }

  /// The value's bits, most significant byte first, whatever the order they came in; `start` is the first byte's place.
  private func pattern(in bytes: [UInt8], at start: Int) -> UInt64 {
    var pattern: UInt64 = 0
    for place in start..<(start + width * 2) { pattern = pattern << 8 | UInt64(bytes[place]) }
    return order == .AB || order == .ABCD || order == .ABCDEFGH ? pattern : order.arranged(pattern)
  }

  /// Those of a register that the tag is made of.
  private func bits(of pattern: UInt64) -> UInt64 {
    let bits = address.bits ?? 0...0
    return pattern >> UInt64(bits.lowerBound) & (1 << UInt64(bits.count) - 1)
  }

  /// The number whose decimal digits the nibbles are; nil if one is over 9.
  private static func decimal(_ pattern: UInt64) -> Int64? {
    var number: Int64 = 0
    for shift in stride(from: UInt64(28), through: 0, by: -4) {
      let digit = Int64(pattern >> shift & 0xF)
      guard digit <= 9 else { return nil }
      number = number * 10 + digit
    }
    return number
  }
}
