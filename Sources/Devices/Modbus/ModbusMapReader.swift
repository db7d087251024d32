import Settings

/// Reads the groups of a Modbus map, with what the map says for all of them at hand.
struct ModbusMapReader {
  let notation: ModbusAddress.Notation
  let order: WordOrder
  let limits: RequestLimits
  /// Acknowledges met so far: two cycles with one would overwrite each other's word.
  var acknowledges: [RegisterPlace: RegisterUse] = [:]
  /// Triggers met so far: a trigger that is written would announce cycles that never were.
  var triggers: [RegisterPlace: RegisterUse] = [:]

  init(notation: ModbusAddress.Notation, order: WordOrder, limits: RequestLimits) {
    self.notation = notation
    self.order = order
    self.limits = limits
  }

  mutating func group(named name: String, _ node: SettingsNode) -> ModbusGroup? {
    checkName(name, node)
    var fields = node.fields(of: "every, report, heartbeat, tags, trigger, acknowledge, guard")
    defer { fields.close() }
    let isCycle = fields.has("trigger")
    let least: Duration = .milliseconds(10)
    let every = fields.duration("every", atLeast: least) ?? (isCycle ? .milliseconds(100) : .seconds(1))
    let reporting = reporting(&fields, isCycle: isCycle, every: every)
    guard let tagsNode = fields.required("tags", "the tags, by name") else { return nil }
    let entries = tagsNode.entries(of: "tags, by name")
    if entries.isEmpty, tagsNode.isMapping || tagsNode.isEmpty {
      tagsNode.refuse(found: "no tag", allowed: "at least one tag")
    }
    fields.unsupported("write")
    var trigger = trigger(&fields, group: name)
    var tags: [ModbusTag] = []
    for entry in entries {
      guard let tag = tag(named: entry.name, entry.node, inCycle: isCycle) else { continue }
      checkMeaning(of: tag, entry.node, among: tags, trigger: trigger)
      tags.append(tag)
    }
    let guardTag = guardTag(&fields, among: tags, trigger: trigger, isCycle: isCycle)
    trigger?.guardTag = guardTag
    guard !isCycle || trigger != nil else { return nil }
    let group = ModbusGroup(name: name, every: every, reporting: reporting, trigger: trigger, tags: tags)
    if isCycle, !fields.has("guard") { checkBlock(of: group, tagsNode) }
    return group
  }

  private func reporting(_ fields: inout Fields, isCycle: Bool, every: Duration) -> ModbusGroup.Reporting {
    for name in ["report", "heartbeat"] where isCycle && fields.has(name) {
      fields.optional(name)?.refuse(
        found: "\"\(name)\" in a group with a trigger", allowed: "leave it out: each cycle is an event with all tags")
    }
    if isCycle { return .always }
    let report = fields.choice("report", of: ["change", "always"])
    let heartbeat = fields.duration("heartbeat", atLeast: every)
    if report == "always" {
      if heartbeat != nil {
        fields.optional("heartbeat")?.refuse(
          found: "\"heartbeat\" with report: always", allowed: "leave it out: each poll is an event with all tags")
      }
      return .always
    }
    return .change(heartbeat: heartbeat)
  }

  /// Two names for one value, or one name for two, are a slip of copying.
  private func checkMeaning(of tag: ModbusTag, _ node: SettingsNode, among tags: [ModbusTag], trigger: ModbusTrigger?) {
    if tag.name == trigger?.tag.name {
      node.refuse(found: "a tag called like the trigger", allowed: "another name than \"\(tag.name)\"")
    }
    if tag.name == trigger?.acknowledge?.name {
      node.refuse(found: "a tag called \"acknowledge\"", allowed: "another name, since the group has an acknowledge")
    }
    if let twin = tags.first(where: {
      $0.address.table == tag.address.table && $0.address.number == tag.address.number
        && $0.address.bits == tag.address.bits && $0.type == tag.type && $0.length == tag.length
        && $0.order == tag.order
        && $0.scaling == tag.scaling
    }) {
      node.refuse(
        found: "the same value as \"\(twin.name)\": \(tag.type.rawValue) at \(tag.address)",
        allowed: "each value once in a group")
    }
    if let role = tag.role, let twin = tags.first(where: { $0.role == role }) {
      node.refuse(found: "role \(role), which \"\(twin.name)\" has already", allowed: "each role once in a group")
    }
  }

  /// Reads `guard`: the tag that shows whether a block of several requests is of one cycle.
  private func guardTag(
    _ fields: inout Fields, among tags: [ModbusTag], trigger: ModbusTrigger?, isCycle: Bool
  ) -> ModbusTag? {
    guard let node = fields.optional("guard") else { return nil }
    guard isCycle else {
      node.refuse(
        found: "\"guard\" without \"trigger\"", allowed: "a trigger beside it: only a cycle's block is guarded")
      return nil
    }
    let choices = (trigger.map { $0.isBit ? [] : [$0.tag] } ?? []) + tags.filter(\.canGuard)
    let names = choices.map(\.name)
    if let text = node.text, let tag = choices.first(where: { $0.name == text }) { return tag }
    guard trigger != nil else { return nil }
    let allowed = "a whole number of the block that the PLC changes with each cycle"
    node.refuse(
      allowed: names.isEmpty ? allowed : allowed + ": " + names.joined(separator: ", "),
      nearest: node.text.flatMap { nearestName(to: $0, among: names) })
    return nil
  }

  /// Values of one record come from one request per table, or they may be of two cycles.
  private func checkBlock(of group: ModbusGroup, _ node: SettingsNode) {
    let ways = "; or name the tag that guards a larger block: guard: TAG beside the trigger"
    for table in ModbusAddress.Table.allCases {
      guard let span = RequestPlan.span(of: group.tags.filter { $0.address.table == table }) else { continue }
      if span.count > limits.most(of: table) {
        node.refuse(
          found:
            "\(span.count) \(table.isBits ? "bits" : "registers") from the first to the last \(table.rawValue) tag",
          allowed: "at most \(limits.most(of: table)), so that one request reads the whole block of a cycle" + ways)
      } else if !limits.isReadable(span, of: table) {
        node.refuse(
          found: "\(table.rawValue) tags in more than one range of \"readable\"",
          allowed: "all in one, so that one request reads the whole block of a cycle" + ways)
      }
    }
  }

  func checkName(_ name: String, _ node: SettingsNode) {
    guard !isWord(name) else { return }
    node.refuse(
      found: "the name \"\(name.prefix(80))\"",
      allowed: "1 to 64 of a-z, 0-9 and -, beginning with a letter or a digit", nearest: word(meantBy: name))
  }
}

/// `Ram Force` and `RAM_FORCE` as a name of a tag: `ram-force`; nil where a letter would be lost.
func word(meantBy name: String) -> String? {
  guard name.allSatisfy({ $0.isASCII || !$0.isLetter }) else { return nil }
  let parts = name.lowercased().split { !($0.isASCII && ($0.isLetter || $0.isNumber)) }
  let word = parts.joined(separator: "-")
  return isWord(word) ? word : nil
}

/// The form of the names of tags and groups, which become names in events.
func isWord(_ name: String) -> Bool {
  guard (1...64).contains(name.count), name.first != "-" else { return false }
  return name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
}
