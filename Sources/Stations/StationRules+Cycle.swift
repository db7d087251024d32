internal import Devices
internal import Events

// A cycle: what was missed before it, what the PLC says of the context, the record itself, and what it lacks.
extension StationRules {
  func write(_ cycle: CycleReading, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    let key = CycleKey(device: cycle.device, group: cycle.group)
    let last = memory.cycles[key]
    addMissed(cycle, last, &draft)

    let said = cycle.roles.filter { !$0.value.isEmpty }
    let changes = Self.changes(said, memory.context)
    let id = draft.next(ahead: changes.count)
    for change in changes { set(change.name, to: change.value, how: .read, by: id, &draft, &memory) }
    for role in said {
      guard let place = Self.componentPlace(role.name) else { continue }
      memory.components.append(.init(id: role.value, place: place.isEmpty ? nil : place, by: id))
    }

    let data = CycleData(
      device: cycle.device, trigger: cycle.trigger, after: cycle.after, asked: cycle.asked, tags: cycle.tags,
      result: cycle.result, outside: cycle.outside,
      unsure: cycle.unsure + unsure(cycle, since: cycle.after ?? last?.time, memory.context, said: said))
    memory.cycles[key] = .init(trigger: cycle.trigger, time: cycle.moment.time)
    record(data, id, &draft, &memory)
  }

  /// A station without a PLC: the scan of a unit says that its work is done.
  func writeCycle(endedBy scan: Scan, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    record(CycleData(device: scan.device, trigger: nil, after: nil, tags: []), draft.next(), &draft, &memory)
  }

  /// Stamps a cycle, adds what waited for it, and says what is missing.
  private func record(
    _ cycle: CycleData, _ id: EventID, _ draft: inout EntryDraft, _ memory: inout StationMemory
  ) {
    var cycle = cycle
    let stamp = stamp(memory.context, at: draft.moment, draft)
    let missing = settings.cycleNeeds.filter { stamp[$0] == nil }
    cycle.stamp = stamp
    cycle.mode = memory.mode
    cycle.components = memory.components.map {
      .init(kind: "lot", id: $0.id, place: $0.place, by: draft.origin($0.by))
    }
    cycle.broken = missing.isEmpty ? [] : ["cycle-needs"]
    draft.add(cycle)
    memory.mode = nil
    memory.components = []
    if !missing.isEmpty {
      draft.add(
        GapData(
          kind: .missingStamp, device: cycle.device, station: settings.name,
          from: cycle.after ?? draft.moment.time, to: draft.moment.time, count: 1,
          reason: "the cycle has no \(missing.joined(separator: ", no "))"))
    }
    // A unit scanned after the cycle's moment is the next one's: it stays.
    if settings.unitEnds == .cycle, let unit = memory.context["unit"],
      memory.context.value(of: "unit", at: draft.moment) == unit
    {
      memory.context.finish("unit")
      draft.addChange(of: "unit", from: unit.text, to: nil, how: .read, by: id)
    }
  }

  /// The fields that the PLC's word changes, each once.
  private static func changes(_ roles: [ScanData.Role], _ context: Context) -> [ScanData.Role] {
    var changes: [ScanData.Role] = []
    for role in roles {
      guard let field = ContextField.set(by: role.name), context[field]?.text != role.value,
        !changes.contains(where: { $0.name == field })
      else { continue }
      changes.append(.init(field, role.value))
    }
    return changes
  }

  /// The fields that could have had their former value in this cycle; what the PLC itself says of it is sure.
  private func unsure(
    _ cycle: CycleReading, since start: Timestamp?, _ context: Context, said: [ScanData.Role]
  ) -> [ScanData.Role] {
    let window = Window(start: start, end: cycle.moment)
    let sure = said.compactMap { ContextField.set(by: $0.name) }
    return ContextField.ordered(context.slots.keys).filter { !sure.contains($0) }.compactMap { field in
      let former =
        context.former(of: field, within: window)
        ?? (cycle.jump == .none ? nil : context.predecessor(of: field, at: cycle.moment))
      return former.map { .init(field, $0.text) }
    }
  }

  private func addMissed(_ cycle: CycleReading, _ last: StationMemory.LastCycle?, _ draft: inout EntryDraft) {
    var gap = GapData(
      kind: .missedCycles, device: cycle.device, station: settings.name, from: cycle.after ?? last?.time,
      to: cycle.moment.time)
    let before = last.map { " after \($0.trigger)" } ?? ""
    switch cycle.jump {
    case .none: return
    case .missed(let count):
      gap.count = count
      gap.reason = "the counter of group \(cycle.group) shows \(cycle.trigger)\(before)"
    case .restarted:
      gap.reason = "the counter of group \(cycle.group) began again: it shows \(cycle.trigger)\(before)"
    }
    draft.add(gap)
  }
}
