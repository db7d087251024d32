internal import Devices
internal import Events

// A scan: kept with the context before it; then what it changes, each change by the scan's own number.
extension StationRules {
  func write(_ scan: Scan, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    let id = draft.next()
    draft.add(
      ScanData(
        device: scan.device, raw: scan.raw, text: scan.text, symbology: scan.symbology, roles: scan.roles,
        problem: scan.problem, stamp: stamp(memory.context, at: scan.moment, draft)))
    if let problem = scan.problem {
      addGap(.unreadableScan, of: scan, reason: problem, &draft)
      return
    }
    for role in scan.roles {
      if let field = ContextField.set(by: role.name) {
        set(field, to: role.value, how: .scanned, by: id, &draft, &memory)
      } else if let place = Self.componentPlace(role.name) {
        memory.components.append(.init(id: role.value, place: place.isEmpty ? nil : place, by: id))
      } else if role.name == ContextField.command {
        obey(role.value, by: id, &draft, &memory)
      } else if role.name == ContextField.noRead {
        addGap(.noRead, of: scan, reason: "the scanner could not read a code", &draft)
      }
    }
    if settings.cycle == .unitScan, scan.roles.contains(where: { $0.name == "unit" }) {
      writeCycle(endedBy: scan, &draft, &memory)
    }
  }

  /// What a command does to the context; one that means nothing here is kept with the scan, and has no effect.
  private func obey(_ command: String, by id: EventID, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    switch command {
    case "END-LOT":
      clear("lot", how: .scanned, by: id, &draft, &memory)
      clear("unit", how: .scanned, by: id, &draft, &memory)
    case "LOGOUT": clear("operator", how: .scanned, by: id, &draft, &memory)
    case "SCRAP": memory.mode = "scrap"
    case "REWORK": memory.mode = "rework"
    default: break
    }
  }

  /// The place of a component (empty where the rule names none), nil for another role.
  static func componentPlace(_ role: String) -> String? {
    if role == ContextField.component { return "" }
    let parts = role.split(separator: ".", maxSplits: 1)
    guard parts.count == 2, parts[0] == "component" || parts[0] == "components" else { return nil }
    return String(parts[1])
  }

  func set(
    _ field: String, to text: String, how: ContextData.How, by id: EventID, _ draft: inout EntryDraft,
    _ memory: inout StationMemory
  ) {
    let before = memory.context[field]?.text
    memory.context.set(field, text, how: how, by: id, at: draft.moment)
    draft.addChange(of: field, from: before, to: text, how: how, by: id)
  }

  private func clear(
    _ field: String, how: ContextData.How, by id: EventID, _ draft: inout EntryDraft, _ memory: inout StationMemory
  ) {
    let before = memory.context[field]?.text
    memory.context.clear(field, at: draft.moment)
    draft.addChange(of: field, from: before, to: nil, how: how, by: id)
  }

  private func addGap(_ kind: GapData.Kind, of scan: Scan, reason: String, _ draft: inout EntryDraft) {
    draft.add(
      GapData(
        kind: kind, device: scan.device, station: settings.name, from: scan.moment.time, to: scan.moment.time,
        count: 1, reason: reason))
  }
}
