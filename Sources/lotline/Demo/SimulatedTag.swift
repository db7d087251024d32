import Devices
import Events

/// One value of a simulated PLC: where its map has it, and how it moves.
struct SimulatedTag: Sendable {
  let tag: ModbusTag
  /// The raw number that it shows now: 0 or 1 for a bit, before scaling.
  private(set) var raw: Double = 0
  /// What it shows where it is a string.
  private var text = ""
  /// The step that was last taken, for a value that moves in steps.
  var lastStep = 0

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
      if let bits = tag.address.bits { return 0...Double(1 << bits.count - 1) }
      return [.int16, .int32, .int64].contains(tag.type) ? -100...900 : 0...1000
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
    } else if tag.type == .string {
      text = String((0..<min(tag.length, 8)).map { _ in Self.letters.randomElement(using: &numbers) ?? "A" })
    } else if tag.type == .bool {
      raw = tag.role == nil ? (Bool.random(using: &numbers) ? 1 : 0) : (Self.isGood(&numbers) ? 1 : 0)
    } else {
      raw = rounded(Double.random(in: range, using: &numbers))
    }
  }

  private static let letters = Array("0123456789ABCDEFGHJKLMNPRSTUVWXYZ")

  /// Eleven of twelve pieces are good.
  private static func isGood(_ numbers: inout SeededNumbers) -> Bool { Int.random(in: 0..<12, using: &numbers) > 0 }

  /// Moves a little: a process value.
  mutating func drift(using numbers: inout SeededNumbers) {
    guard tag.type.isNumber, tag.names == nil else {
      if Int.random(in: 0..<40, using: &numbers) == 0 { draw(using: &numbers) }
      return
    }
    let step = (range.upperBound - range.lowerBound) * Double.random(in: -0.03...0.03, using: &numbers)
    raw = rounded(min(max(raw + step, range.lowerBound), range.upperBound))
  }

  /// Shakes about the middle of its range: a measurement of something that does not change.
  mutating func shake(using numbers: inout SeededNumbers) {
    guard tag.type.isNumber, tag.names == nil else { return }
    let middle = (range.lowerBound + range.upperBound) / 2
    let width = (range.upperBound - range.lowerBound) * 0.02
    raw = rounded(middle + width * Double.random(in: -1...1, using: &numbers))
  }

  /// Stands at a part of the way through its range, from 0 to 1; bits and names go through theirs.
  mutating func climb(to part: Double) {
    if let names = tag.names?.keys.sorted(), !names.isEmpty {
      raw = Double(names[min(names.count - 1, Int(part * Double(names.count)))])
    } else if tag.type == .bool {
      raw = part < 0.5 ? 0 : 1
    } else if tag.type.isNumber {
      raw = rounded(range.lowerBound + (range.upperBound - range.lowerBound) * part)
    }
  }

  /// Floats have three digits after the point, so that their decimal form says all.
  private func rounded(_ value: Double) -> Double {
    tag.type.range == nil ? (value * 1000).rounded() / 1000 : value.rounded()
  }

  /// What a reader must find.
  var value: Ledger.Value {
    if let name = tag.names?[Int64(raw)] { return .text(name) }
    if tag.type == .bool { return .flag(raw == 1) }
    if tag.type == .string { return .text(text) }
    let exact = tag.type == .float32 ? Double(Float(raw).description) ?? raw : raw
    return .number(tag.scaling == nil ? exact : exact * scale + offset)
  }

  /// Puts it where the map has it.
  func show(in registers: inout ModbusServer.Registers) {
    guard tag.type == .string else { return Self.show(raw, of: tag, in: &registers) }
    if let words = tag.registers(showing: .string(text)) {
      registers.set(tag.address.table, tag.address.number, words)
    }
  }

  /// Puts a raw number where the map has a tag.
  static func show(_ raw: Double, of tag: ModbusTag, in registers: inout ModbusServer.Registers) {
    let (table, address) = (tag.address.table, tag.address.number)
    // Other tags may be other bits of the same register.
    let others = (0..<tag.width).map { registers[table, address + $0] }
    if let words = tag.registers(raw: raw, among: others) { registers.set(table, address, words) }
  }

  /// The whole number that stands where the map has a tag.
  static func number(of tag: ModbusTag, in registers: borrowing ModbusServer.Registers) -> UInt64 {
    let words = (0..<tag.width).map { registers[tag.address.table, tag.address.number + $0] }
    return tag.whole(of: words) ?? 0
  }
}
