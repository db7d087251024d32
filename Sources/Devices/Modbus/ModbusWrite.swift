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

/// What a cycle of a map lets be written: the registers or the coil that it declares as its acknowledge.
///
/// The one place through which every write passes.
struct WritePermit: Sendable, Hashable {
  private let acknowledge: ModbusTag
  private let trigger: ModbusTag

  /// Nil where the map declares nothing to be written.
  init?(_ trigger: ModbusTrigger) {
    guard let acknowledge = trigger.acknowledge else { return nil }
    self.acknowledge = acknowledge
    self.trigger = trigger.tag
  }

  /// The write that makes the acknowledge show `value`.
  ///
  /// Nil where `value` does not fit it, where one of the addresses is not declared as the acknowledge, is the
  /// trigger's, or where its table cannot be written: nothing of a map that is wrong comes as far as the wire.
  func acknowledging(_ value: UInt64) -> PermittedWrite? {
    let write: PermittedWrite
    let address = UInt16(clamping: acknowledge.address.number)
    switch acknowledge.address.table {
    case .coil:
      guard value <= 1 else { return nil }
      write = PermittedWrite(.coil, address: address, words: [UInt16(value)])
    case .holding:
      guard acknowledge.address.bits == nil, let words = acknowledge.registers(showing: Double(value)) else {
        return nil
      }
      write = PermittedWrite(.holding, address: address, words: words)
    case .discrete, .input: return nil
    }
    return permits(write) ? write : nil
  }

  private func permits(_ write: PermittedWrite) -> Bool {
    let range = Int(write.address)..<(Int(write.address) + write.words.count)
    guard write.table == acknowledge.address.table, range == acknowledge.range, range.upperBound <= 65536 else {
      return false
    }
    return trigger.address.table != write.table || !trigger.range.overlaps(range)
  }
}
