import Devices

/// One value of a simulated PLC: where its map has it, and how it moves.
///
/// What is put into registers is reckoned here, apart from the code that reads them, so that a mistake there shows.
struct SimulatedTag: Sendable {
  let tag: ModbusTag
  /// The raw number that it shows now: 0 or 1 for a bit, before scaling.
  private(set) var raw: Double = 0

  init(_ tag: ModbusTag) {
    self.tag = tag
    // A bit and a named value begin with what their map knows, so that a PLC that was just started shows nothing bad.
    if let names = tag.names {
      raw = Double(names.first { $0.value == "pass" }?.key ?? names.keys.min() ?? 0)
    } else if tag.type != .bool {
      raw = ((range.lowerBound + range.upperBound) / 2).rounded()
    }
  }

  private var scale: Double { tag.scaling?.scale.double ?? 1 }
  private var offset: Double { tag.scaling?.offset.double ?? 0 }

  /// What it moves within, raw: the map's limits and a little beyond, or what a value of its kind usually is.
  private var range: ClosedRange<Double> {
    guard let limits = tag.limits else {
      return tag.type == .int16 || tag.type == .int32 ? -100...900 : 0...1000
    }
    let margin = (limits.upperBound - limits.lowerBound) * 0.02
    let ends = [limits.lowerBound - margin, limits.upperBound + margin].map { ($0 - offset) / scale }.sorted()
    guard let type = tag.type.range else { return ends[0]...ends[1] }
    return max(ends[0], Double(type.lowerBound))...min(ends[1], Double(type.upperBound))
  }

  /// Takes a new value, unlike the one before: a cycle's measurement.
  mutating func draw(using numbers: inout SeededNumbers) {
    if let names = tag.names {
      let others = names.filter { $0.value != "pass" }.keys.sorted()
      let good = names.first { $0.value == "pass" }?.key
      raw = Double(Self.isGood(&numbers) ? good ?? others[0] : others.randomElement(using: &numbers) ?? good ?? 0)
    } else if tag.type == .bool {
      raw = tag.role == nil ? (Bool.random(using: &numbers) ? 1 : 0) : (Self.isGood(&numbers) ? 1 : 0)
    } else {
      raw = rounded(Double.random(in: range, using: &numbers))
    }
  }

  /// Eleven of twelve pieces are good.
  private static func isGood(_ numbers: inout SeededNumbers) -> Bool { Int.random(in: 0..<12, using: &numbers) > 0 }

  /// Moves a little: a process value.
  mutating func drift(using numbers: inout SeededNumbers) {
    guard tag.type != .bool, tag.names == nil else {
      if Int.random(in: 0..<40, using: &numbers) == 0 { draw(using: &numbers) }
      return
    }
    let step = (range.upperBound - range.lowerBound) * Double.random(in: -0.03...0.03, using: &numbers)
    raw = rounded(min(max(raw + step, range.lowerBound), range.upperBound))
  }

  /// Floats have three digits after the point, so that their decimal form says all.
  private func rounded(_ value: Double) -> Double {
    tag.type == .float32 ? (value * 1000).rounded() / 1000 : value.rounded()
  }

  /// What a reader must find.
  var value: Ledger.Value {
    if let name = tag.names?[Int64(raw)] { return .text(name) }
    if tag.type == .bool { return .flag(raw == 1) }
    let exact = tag.type == .float32 ? Double(Float(raw).description) ?? raw : raw
    return .number(tag.scaling == nil ? exact : exact * scale + offset)
  }

  /// Puts it where the map has it.
  func show(in registers: inout ModbusServer.Registers) {
    Self.show(raw, of: tag, in: &registers)
  }

  /// Puts a raw number where the map has a tag.
  static func show(_ raw: Double, of tag: ModbusTag, in registers: inout ModbusServer.Registers) {
    let (table, address) = (tag.address.table, tag.address.number)
    if let bit = tag.address.bit {
      let mask = UInt16(1) << UInt16(bit)
      let others = registers[table, address] & ~mask
      registers[table, address] = raw == 0 ? others : others | mask
      return
    }
    guard tag.type.width == 2 else {
      let word = UInt16(truncatingIfNeeded: Int64(raw))
      registers[table, address] = tag.order == .BA ? word.byteSwapped : word
      return
    }
    let bits = tag.type == .float32 ? Float(raw).bitPattern : UInt32(truncatingIfNeeded: Int64(raw))
    var words = [UInt16(truncatingIfNeeded: bits >> 16), UInt16(truncatingIfNeeded: bits)]
    if tag.order == .CDAB || tag.order == .DCBA { words.reverse() }
    if tag.order == .BADC || tag.order == .DCBA { words = words.map(\.byteSwapped) }
    registers.set(table, address, words)
  }

  /// The whole number that stands where the map has a tag.
  static func number(of tag: ModbusTag, in registers: borrowing ModbusServer.Registers) -> UInt64 {
    let (table, address) = (tag.address.table, tag.address.number)
    if let bit = tag.address.bit { return UInt64(registers[table, address] >> UInt16(bit) & 1) }
    guard tag.type.width == 2 else {
      let word = registers[table, address]
      return UInt64(tag.order == .BA ? word.byteSwapped : word)
    }
    var words = [registers[table, address], registers[table, address + 1]]
    if tag.order == .BADC || tag.order == .DCBA { words = words.map(\.byteSwapped) }
    if tag.order == .CDAB || tag.order == .DCBA { words.reverse() }
    return UInt64(words[0]) << 16 | UInt64(words[1])
  }
}
