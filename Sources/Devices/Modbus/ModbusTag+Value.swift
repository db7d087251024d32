public import Events

extension ModbusTag {
  /// What the bytes of an answer that begins at address `first` show at this tag's place.
  ///
  /// The answer must hold the tag; that is what the plan of requests is made for.
  func value(in answer: [UInt8], from first: Int) -> TagValue {
    let place = address.number - first
    if address.table.isBits { return named(bit: answer[place / 8] >> UInt8(place % 8) & 1 == 1) }
    let value = value(of: pattern(in: answer, at: place * 2))
    guard case .bad(let reason, _) = value else { return value }
    return .bad(reason: reason, raw: bytes(in: answer, from: first))
  }

  /// The tag's own bytes in the answer, as they came; for a single bit of a table one byte, 0 or 1.
  func bytes(in answer: [UInt8], from first: Int) -> [UInt8] {
    let place = address.number - first
    if address.table.isBits { return [answer[place / 8] >> UInt8(place % 8) & 1] }
    return Array(answer[(place * 2)..<((place + type.width) * 2)])
  }

  /// The raw whole number in the tag's bytes, for counters and bits; nil for a float.
  func whole(in answer: [UInt8], from first: Int) -> UInt64? {
    if address.table.isBits { return UInt64(bytes(in: answer, from: first)[0]) }
    let pattern = pattern(in: answer, at: (address.number - first) * 2)
    switch type {
    case .bool: return UInt64(pattern >> UInt32(address.bit ?? 0) & 1)
    case .uint16, .uint32: return UInt64(pattern)
    case .int16, .int32, .float32: return nil
    }
  }

  /// What the tag's registers, bytes as they came, show.
  public func value(of raw: [UInt8]) -> TagValue {
    guard raw.count == type.width * 2 else {
      return .bad(reason: "\(raw.count) bytes for a \(type.rawValue)", raw: raw)
    }
    let value = value(of: pattern(in: raw, at: 0))
    guard case .bad(let reason, _) = value else { return value }
    return .bad(reason: reason, raw: raw)
  }

  /// What a value's bits show; a bad value is without its raw bytes.
  private func value(of pattern: UInt32) -> TagValue {
    switch type {
    case .bool: named(bit: pattern >> UInt32(address.bit ?? 0) & 1 == 1)
    case .int16: value(of: Int64(Int16(truncatingIfNeeded: pattern)))
    case .uint16, .uint32: value(of: Int64(pattern))
    case .int32: value(of: Int64(Int32(bitPattern: pattern)))
    case .float32: value(of: Float(bitPattern: pattern))
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
    guard let scaling else { return .int(whole) }
    if let scaled = scaling.whole(whole) { return .int(scaled) }
    return finite(scaling.double(DecimalNumber(mantissa: whole, exponent: 0)))
  }

  /// A float32 is given as the shortest decimal that reads back as the same float32: 80.2, not 80.19999694824219.
  private func value(of float: Float) -> TagValue {
    guard float.isFinite else { return .bad(reason: float.isNaN ? "not a number" : "infinite", raw: []) }
    let shortest = float.description
    guard let scaling else { return finite(Double(shortest) ?? Double(float)) }
    return finite(DecimalNumber(shortest).map(scaling.double) ?? .nan)
  }

  private func finite(_ double: Double) -> TagValue {
    double.isFinite ? .double(double) : .bad(reason: "too large once scaled", raw: [])
  }

  /// The value's bits, most significant byte first, whatever the order they came in; `start` is the first byte's place.
  private func pattern(in bytes: [UInt8], at start: Int) -> UInt32 {
    func word(_ place: Int) -> UInt16 { UInt16(bytes[start + place * 2]) << 8 | UInt16(bytes[start + place * 2 + 1]) }
    func both(_ high: UInt16, _ low: UInt16) -> UInt32 { UInt32(high) << 16 | UInt32(low) }
    // a bit is counted in its register as Modbus has it
    if type == .bool { return UInt32(word(0)) }
    return switch order {
    case .AB: UInt32(word(0))
    case .BA: UInt32(word(0).byteSwapped)
    case .ABCD: both(word(0), word(1))
    case .CDAB: both(word(1), word(0))
    case .BADC: both(word(0).byteSwapped, word(1).byteSwapped)
    case .DCBA: both(word(1).byteSwapped, word(0).byteSwapped)
    }
  }

  /// The registers that show `number` before scaling and names; nil if the type cannot show it.
  ///
  /// For acknowledges, and for simulated devices.
  public func registers(showing number: Double) -> [UInt16]? {
    let raw = scaling.map { (number - $0.offset.double) / $0.scale.double } ?? number
    let pattern: UInt32
    switch type {
    case .bool: return nil
    case .float32: pattern = Float(raw).bitPattern
    case .int16, .uint16, .int32, .uint32:
      guard raw.isFinite, abs(raw) < 1e15, let range = type.range, range.contains(Int64(raw.rounded())) else {
        return nil
      }
      pattern = UInt32(truncatingIfNeeded: Int64(raw.rounded()))
    }
    let value = (0..<(type.width * 2)).reversed().map { UInt8(truncatingIfNeeded: pattern >> UInt32($0 * 8)) }
    let wire = order.places.map { value[$0] }
    return stride(from: 0, to: wire.count, by: 2).map { UInt16(wire[$0]) << 8 | UInt16(wire[$0 + 1]) }
  }
}
