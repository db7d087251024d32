/// Something that a device may be told: only a `WritePermit` makes one.
///
/// Its `init` is out of reach of every other file, so that no other place of the program can ask a device to write.
struct PermittedWrite: Sendable, Hashable {
  /// Coils or holding registers: the two tables that can be written.
  let table: ModbusAddress.Table
  let address: UInt16
  /// What the registers get; of a coil 1 or 0.
  let words: [UInt16]

  fileprivate init(_ table: ModbusAddress.Table, address: UInt16, words: [UInt16]) {
    (self.table, self.address, self.words) = (table, address, words)
  }

  /// 5 writes a coil, 6 one holding register, 16 more of them.
  var function: UInt8 { table == .coil ? 5 : words.count == 1 ? 6 : 16 }
}

/// What may be written to a device: the registers or the coil that a cycle of its map declares as the acknowledge, or the
/// coil that the settings declare as the lamp of the line.
///
/// The one place through which every write passes.
struct WritePermit: Sendable, Hashable {
  private let place: ModbusTag
  /// What stays untouched, whatever is declared.
  private let kept: [ModbusTag]

  /// Nil where the map declares nothing to be written.
  init?(_ trigger: ModbusTrigger) {
    guard let acknowledge = trigger.acknowledge else { return nil }
    place = acknowledge
    kept = [trigger.tag]
  }

  /// Nil where `lamp` is no coil, or is the trigger or the acknowledge of a cycle of the map.
  init?(lamp: ModbusAddress, beside map: ModbusMap) {
    guard lamp.table == .coil, lamp.bits == nil else { return nil }
    place = ModbusTag(name: "lamp", address: lamp, type: .bool)
    kept = map.groups.compactMap(\.trigger).flatMap { [$0.tag] + ($0.acknowledge.map { [$0] } ?? []) }
    guard lighting(true) != nil else { return nil }
  }

  /// The write that lights the lamp, or puts it out.
  func lighting(_ isLit: Bool) -> PermittedWrite? { acknowledging(isLit ? 1 : 0) }

  /// The write that makes the acknowledge show `value`.
  ///
  /// Nil where `value` does not fit it, where one of the addresses is not the declared ones, is the
  /// trigger's, or where its table cannot be written: nothing of a map that is wrong comes as far as the wire.
  func acknowledging(_ value: UInt64) -> PermittedWrite? {
    let write: PermittedWrite
    let address = UInt16(clamping: place.address.number)
    switch place.address.table {
    case .coil:
      guard value <= 1 else { return nil }
      write = PermittedWrite(.coil, address: address, words: [UInt16(value)])
    case .holding:
      guard place.address.bits == nil, let words = place.registers(showing: Double(value)) else {
        return nil
      }
      write = PermittedWrite(.holding, address: address, words: words)
    case .discrete, .input: return nil
    }
    return permits(write) ? write : nil
  }

  private func permits(_ write: PermittedWrite) -> Bool {
    let range = Int(write.address)..<(Int(write.address) + write.words.count)
    guard write.table == place.address.table, range == place.range, range.upperBound <= 65536 else {
      return false
    }
    return !kept.contains { $0.address.table == write.table && $0.range.overlaps(range) }
  }
}
