import Settings

/// One register, coil or input of a map.
struct RegisterPlace: Hashable {
  let table: ModbusAddress.Table
  let number: Int

  static func all(of tag: ModbusTag) -> [RegisterPlace] {
    tag.range.map { RegisterPlace(table: tag.address.table, number: $0) }
  }
}

/// Which group uses a register, as the text and line of the map say it.
struct RegisterUse {
  let group: String
  let text: String
  let line: Int
}

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
    let at = inner.optional("at")
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
    if let at { claim(tag, at, group: group) }
    guard let acknowledgeNode else { return ModbusTrigger(tag: tag, wraps: wraps, acknowledge: nil) }
    return acknowledge(acknowledgeNode, of: tag, group: group).map { word, within in
      var trigger = ModbusTrigger(tag: tag, wraps: wraps, acknowledge: word)
      if let within { trigger.within = within }
      return trigger
    }
  }

  /// Notes where a trigger is; no acknowledge of another group may be there.
  private mutating func claim(_ trigger: ModbusTag, _ at: SettingsNode, group: String) {
    for place in RegisterPlace.all(of: trigger) {
      triggers[place] = RegisterUse(group: group, text: trigger.address.text, line: at.line)
      if let other = acknowledges[place] {
        at.refuse(
          found: "\(trigger.address), where group \"\(other.group)\" acknowledges (line \(other.line))",
          allowed: "a register that nobody writes but the device")
        return
      }
    }
  }

  /// The keys of an acknowledge whose trigger is wrong: its own slips are still named, its address cannot be judged.
  private func skip(_ node: SettingsNode) {
    var fields = node.fields(of: "at, within")
    _ = fields.required("at", "the register that gets the trigger's value")
    _ = fields.duration("within", atLeast: Self.leastWait)
    fields.close()
  }

  /// A PLC that waits less is not worth a finding: reading and keeping a record takes some of that.
  private static let leastWait: Duration = .milliseconds(100)

  /// The one place that may be written, a holding register or for a bit also a coil, and how long the PLC may wait for it.
  private mutating func acknowledge(
    _ node: SettingsNode, of trigger: ModbusTag, group: String
  ) -> (word: ModbusTag, within: Duration?)? {
    var fields = node.fields(of: "at, within")
    defer { fields.close() }
    let within = fields.duration("within", atLeast: Self.leastWait)
    guard let at = fields.required("at", "the register that gets the trigger's value") else { return nil }
    let isBit = trigger.type == .bool
    let allowed = isBit ? "a coil, or a whole holding register that gets 1 or 0" : "a holding register"
    guard let address = place(at, allowed: allowed) else { return nil }
    let text = address.text
    let type: ValueType = isBit && address.table == .holding ? .uint16 : trigger.type
    let tag = ModbusTag(
      name: "acknowledge", address: address, type: type, order: isBit ? nil : trigger.order)
    guard !touchesTrigger(tag, at, group: group) else { return nil }
    if address.bits != nil {
      at.refuse(allowed: allowed + ": writing one bit of a register is not supported yet")
      return nil
    }
    guard address.table == .holding || (isBit && address.table == .coil) else {
      at.refuse(
        allowed: allowed + ": \(address.table == .coil ? "a counter does not fit a coil" : "this cannot be written")")
      return nil
    }
    guard fits(tag, at) else { return nil }
    for place in RegisterPlace.all(of: tag) {
      if let other = acknowledges[place] {
        at.refuse(
          found: "\(text), which group \"\(other.group)\" acknowledges with (line \(other.line))",
          allowed: "a register of its own")
        return nil
      }
      acknowledges[place] = RegisterUse(group: group, text: text, line: at.line)
    }
    return (tag, within)
  }

  /// A register that is written must not hold a trigger, nor one bit of it: the write would overwrite the PLC's word.
  private func touchesTrigger(_ acknowledge: ModbusTag, _ at: SettingsNode, group: String) -> Bool {
    for place in RegisterPlace.all(of: acknowledge) {
      guard let use = triggers[place] else { continue }
      let whose = use.group == group ? "the trigger" : "the trigger of group \"\(use.group)\""
      let what =
        use.text == acknowledge.address.text
        ? "which is \(whose) itself" : "in the same register as \(whose), \(use.text)"
      at.refuse(
        found: "\(acknowledge.address), \(what) (line \(use.line))", allowed: "another register than the trigger")
      return true
    }
    return false
  }
}
