public import Events

/// One way to understand some words of a device: as which type, in which order of bytes.
public struct Interpretation: Sendable, Hashable {
  /// The first word, counted from 0 in the block.
  public let place: Int
  public let type: ValueType
  public let order: WordOrder
  /// Unscaled; bad where these words show no such value (not finite, no decimal digits).
  public let value: TagValue

  /// Every way in which a block's words can be understood, by place, then by type and order.
  ///
  /// Bits and texts are left out: a word says them in binary and in characters.
  public static func all(of words: [UInt16]) -> [Interpretation] {
    let bytes = words.flatMap { [UInt8($0 >> 8), UInt8(truncatingIfNeeded: $0)] }
    let types = ValueType.allCases.filter { ![.bool, .bits, .string].contains($0) }
    return words.indices.flatMap { place in
      types.filter { place + $0.width <= words.count }.flatMap { type in
        WordOrder.choices(width: type.width).map { order in
          let address = ModbusAddress(table: .holding, number: place, text: "")
          let tag = ModbusTag(name: "", address: address, type: type, order: order)
          let raw = Array(bytes[(place * 2)..<((place + type.width) * 2)])
          return Interpretation(place: place, type: type, order: order, value: tag.value(of: raw))
        }
      }
    }
  }

  /// Whether it shows `expected` ± `tolerance` once it is multiplied by `scale`.
  public func shows(_ expected: DecimalNumber, within tolerance: Double, scale: DecimalNumber = .one) -> Bool {
    guard let number = value.number else { return false }
    // A little more than the tolerance: 50.1 - 50.0 is not quite 0.1 in binary.
    return abs(number * scale.double - expected.double) <= tolerance * (1 + 1e-9) + abs(expected.double) * 1e-12
  }
}

extension ModbusAddress {
  /// Reads an address in whatever way maps write it.
  ///
  /// - Returns: each different place that `text` can mean, with its notation: none if it is no address.
  public static func readings(of text: String) -> [(address: ModbusAddress, notation: Notation)] {
    var readings: [(address: ModbusAddress, notation: Notation)] = []
    for notation in Notation.allCases {
      guard let address = ModbusAddress(text, notation: notation) else { continue }
      let isKnown = readings.contains { other in
        (other.address.table, other.address.number, other.address.bit) == (address.table, address.number, address.bit)
      }
      if !isKnown { readings.append((address, notation)) }
    }
    return readings
  }

  /// The address `distance` further on in the same table, written in the same way.
  ///
  /// Where that way ends (after 49999 comes none of five digits) it is written as on the wire.
  public func further(by distance: Int, notation: Notation) -> ModbusAddress {
    let target = number + distance
    for radix in [10, 16] {
      let tail = String(text.reversed().prefix { $0.isASCII && ($0.hexDigitValue ?? 16) < radix }.reversed())
      guard !tail.isEmpty, let old = Int(tail, radix: radix) else { continue }
      let new = String(old + distance, radix: radix, uppercase: true)
      let written = text.dropLast(tail.count) + String(repeating: "0", count: max(0, tail.count - new.count)) + new
      if let found = ModbusAddress(String(written), notation: notation), found.table == table, found.number == target {
        return found
      }
    }
    return ModbusAddress(table: table, number: target, text: "\(table.rawValue):\(target)")
  }
}
