public import Events

extension ModbusTag {
  /// The registers that show `value`, names and scaling taken back: the way back from `value(of:)`.
  ///
  /// For acknowledges, and for simulated devices. Nil if the tag cannot show it. A value between two that it can show is
  /// rounded to the nearer one.
  ///
  /// - Parameter others: what the registers hold now, for a tag that is some bits of one.
  public func registers(showing value: TagValue, among others: [UInt16] = []) -> [UInt16]? {
    if type == .string {
      guard case .string(let text) = value else { return nil }
      return registers(text)
    }
    let scaling = scaling ?? Scaling(scale: .one, offset: .zero)
    switch value {
    case .bool(let flag): return type == .bool ? registers(whole: flag ? 1 : 0, among: others) : nil
    case .string(let name):
      guard let raw = names?.first(where: { $0.value == name })?.key else { return nil }
      return registers(whole: Int128(raw), among: others)
    case .bad: return nil
    case .int, .double, .decimal:
      guard let number = value.exactNumber else { return nil }
      if type == .float32 || type == .float64 { return registers(float: scaling.raw(showing: number)) }
      return scaling.whole(showing: number).flatMap { registers(whole: $0, among: others) }
    }
  }

  /// The registers that show `number` before scaling and names; nil if the tag cannot show it.
  public func registers(showing number: Double) -> [UInt16]? {
    number.isFinite ? registers(showing: .double(number)) : nil
  }

  /// The registers that hold this raw number, before scaling and names; nil if the type cannot hold it.
  public func registers(raw: Double, among others: [UInt16] = []) -> [UInt16]? {
    if type == .float32 || type == .float64 { return registers(float: raw) }
    guard raw.isFinite, abs(raw) < 1e30 else { return nil }
    return registers(whole: Int128(raw.rounded()), among: others)
  }

  private func registers(float: Double) -> [UInt16]? {
    guard type == .float32 else { return words(float.bitPattern) }
    let short = Float(float)
    return short.isFinite ? words(UInt64(short.bitPattern)) : nil
  }

  private func registers(whole raw: Int128, among others: [UInt16]) -> [UInt16]? {
    switch type {
    case .bool, .bits:
      let bits = address.bits ?? 0...0
      let mask = UInt16(truncatingIfNeeded: (1 << UInt32(bits.count)) - 1)
      guard let value = UInt16(exactly: raw), value <= mask else { return nil }
      return [(others.first ?? 0) & ~(mask << UInt16(bits.lowerBound)) | value << UInt16(bits.lowerBound)]
    case .bcd16, .bcd32:
      guard type.range?.contains(raw) == true else { return nil }
      var (pattern, rest) = (UInt64(0), raw)
      for digit in 0..<UInt64(width * 4) {
        pattern |= UInt64(rest % 10) << (digit * 4)
        rest /= 10
      }
      return words(pattern)
    case .string, .float32, .float64: return nil
    case .int16, .uint16, .int32, .uint32, .int64, .uint64:
      guard type.range?.contains(raw) == true else { return nil }
      return words(UInt64(truncatingIfNeeded: raw))
    }
  }

  /// The low bits of `pattern` as the registers that the tag has, in its order.
  private func words(_ pattern: UInt64) -> [UInt16] {
    // Bits above the value's own must not come down when words change places.
    let own = width == 4 ? pattern : pattern & (1 << UInt64(width * 16) - 1)
    let arranged = order.arranged(own)
    return (0..<width).reversed().map { UInt16(truncatingIfNeeded: arranged >> UInt64($0 * 16)) }
  }

  private func registers(_ text: String) -> [UInt16]? {
    guard let bytes = encoding.bytes(of: text), bytes.count <= length, !bytes.contains(0), bytes.last != 0x20 else {
      return nil
    }
    let padded = bytes + Array(repeating: 0, count: width * 2 - bytes.count)
    return (0..<width).map { place in
      let word = UInt16(padded[place * 2]) << 8 | UInt16(padded[place * 2 + 1])
      return order == .BA ? word.byteSwapped : word
    }
  }
}
