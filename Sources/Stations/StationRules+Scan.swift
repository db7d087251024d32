internal import Devices
internal import Events

// A scan: kept with the context before it; then what it changes, each change by the scan's own number.
extension StationRules {
  func write(_ scan: Scan, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    let id = draft.next()
    let isRepeated = memory.takesForRepetition(scan)
    var data = ScanData(
      device: scan.device, raw: scan.raw, text: scan.text, symbology: scan.symbology, elements: scan.elements,
      roles: scan.roles, problem: scan.problem, stamp: stamp(memory.context, at: scan.moment, draft))
    data.refused = scan.refusal
    data.repeated = isRepeated
    data.leaving = scan.leaving
    draft.add(data)
    guard !isRepeated, scan.leaving == nil else { return }
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
        addGap(.noRead, of: scan, reason: Self.noRead, &draft)
      }
    }
    if settings.cycle == .unitScan, scan.roles.contains(where: { $0.name == "unit" }) {
      writeCycle(endedBy: scan, &draft, &memory)
    }
  }

  /// Why a scan that is kept is of no use here; nil where it is.
  func whyUnusable(_ scan: Scan) -> String? {
    if let problem = scan.problem ?? scan.refusal { return problem }
    return scan.isNoRead ? Self.noRead : nil
  }

  private static let noRead = "the scanner could not read a code"

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

extension StationMemory {
  /// A scanner sends what it saw no answer to three times altogether, then gives up.
  private static let mostTries = 3

  /// Notes a scan, and says whether it is the scanner's own repetition of the one before.
  ///
  /// The scanner sends the same bytes again where it saw no answer in its time: ours was lost or late, or we were
  /// killed between the commit and the answer. A code that it could not read is never the same one twice.
  fileprivate mutating func takesForRepetition(_ scan: Scan) -> Bool {
    guard let within = scan.repeatWithin, scan.leaving == nil, !scan.isNoRead else { return false }
    let hash = scan.raw.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    let former = scans[scan.device]
    let isRepeated = former.map { former in
      former.hash == hash && former.tries < Self.mostTries
        && former.moment.boottimeNanoseconds <= scan.moment.boottimeNanoseconds
        && scan.moment.boottimeNanoseconds - former.moment.boottimeNanoseconds
          <= UInt64(within.wholeMicroseconds) * 1000
        // The boot clock begins anew with the PC.
        && abs(scan.moment.time.since(former.moment.time).wholeMicroseconds) < 60_000_000
    }
    scans[scan.device] = LastScan(
      hash: hash, moment: scan.moment, tries: isRepeated == true ? (former?.tries ?? 0) + 1 : 1)
    return isRepeated == true
  }
}
