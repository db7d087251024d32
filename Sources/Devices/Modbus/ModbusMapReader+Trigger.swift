import Settings

extension ModbusMapReader {
  /// Reads `trigger` and `acknowledge` of a group; nil where there is no trigger, or none that can be used.
  mutating func trigger(_ fields: inout Fields, group: String) -> ModbusTrigger? {
    let acknowledgeNode = fields.optional("acknowledge")
    guard let node = fields.optional("trigger") else {
      acknowledgeNode?.refuse(
        found: "\"acknowledge\" without \"trigger\"", allowed: "a trigger beside it: nothing else is ever acknowledged")
      return nil
    }
    var inner = node.fields(of: "tag, at, type, wraps, word-order")
    defer { inner.close() }
    let name = inner.text("tag", "the trigger's name") ?? "trigger"
    if let named = inner.optional("tag") { checkName(name, named) }
    let type = self.type(&inner, of: [.bool, .uint16, .uint32], "a counter (uint16, uint32) or a bit (bool)")
    let address = self.address(&inner, type: type)
    let order = type.flatMap { self.order(&inner, type: $0, table: address?.table) }
    var wraps: UInt64?
    if let wrapsNode = inner.optional("wraps") {
      let most = type == .uint32 ? 1 << 32 : 1 << 16
      if type == .bool {
        wrapsNode.refuse(found: "\"wraps\" of a bit", allowed: "leave it out: only a counter wraps")
      } else {
        wraps = wrapsNode.integer(in: 2...most).map { UInt64($0) }
      }
    }
    guard let type, let address else {
      if let acknowledgeNode { skip(acknowledgeNode) }
      return nil
    }
    let tag = ModbusTag(name: name, address: address, type: type, order: order)
    var acknowledge: ModbusTag?
    if let acknowledgeNode {
      acknowledge = self.acknowledge(acknowledgeNode, of: tag, group: group)
      if acknowledge == nil { return nil }
    }
    return ModbusTrigger(tag: tag, wraps: wraps, acknowledge: acknowledge)
  }

  /// The keys of an acknowledge whose trigger is wrong: its own slips are still named, its address cannot be judged.
  private func skip(_ node: SettingsNode) {
    var fields = node.fields(of: "at")
    _ = fields.required("at", "the register that gets the trigger's value")
    fields.close()
  }

  /// The one place that may be written: a holding register, or for a bit also a coil.
  private mutating func acknowledge(_ node: SettingsNode, of trigger: ModbusTag, group: String) -> ModbusTag? {
    var fields = node.fields(of: "at")
    defer { fields.close() }
    guard let at = fields.required("at", "the register that gets the trigger's value") else { return nil }
    let isBit = trigger.type == .bool
    let allowed = isBit ? "a coil, or a whole holding register that gets 1 or 0" : "a holding register"
    guard let text = at.text, let address = ModbusAddress(text, notation: notation) else {
      at.refuse(allowed: allowed + ": " + notation.allowed)
      return nil
    }
    if address.bit != nil {
      at.refuse(allowed: allowed + ": writing one bit of a register is not supported yet")
      return nil
    }
    guard address.table == .holding || (isBit && address.table == .coil) else {
      at.refuse(
        allowed: allowed + ": \(address.table == .coil ? "a counter does not fit a coil" : "this cannot be written")")
      return nil
    }
    let type: ValueType = isBit && address.table == .holding ? .uint16 : trigger.type
    let tag = ModbusTag(
      name: "acknowledge", address: address, type: type, order: isBit ? nil : trigger.order)
    guard fits(tag, at) else { return nil }
    if address.table == trigger.address.table, tag.range.overlaps(trigger.range) {
      at.refuse(found: "\(text), which is the trigger itself", allowed: "another register than the trigger")
      return nil
    }
    for number in tag.range {
      let place = "\(address.table.rawValue):\(number)"
      if let other = acknowledges[place] {
        at.refuse(found: "\(text), which group \"\(other)\" acknowledges with", allowed: "a register of its own")
        return nil
      }
      acknowledges[place] = group
    }
    return tag
  }
}
