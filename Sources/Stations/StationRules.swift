internal import Devices
internal import Events

/// What a station makes of a report: the same report upon the same memory at the same place is always the same entry.
struct StationRules: Sendable {
  let settings: StationSettings
  /// The stations for which each device of this station speaks.
  let routing: Routing

  /// Whether a group's cycles are this station's.
  func isOwn(_ key: CycleKey) -> Bool { routing.station(of: key.device, group: key.group) == settings.name }

  /// Writes a report down.
  ///
  /// - Parameter memory: what the station remembered when the report's turn came.
  func outcome(of report: Report, upon memory: StationMemory, at place: Place) -> Outcome {
    var draft = EntryDraft(at: place, station: settings.name, moment: report.moment)
    var after = memory
    carry(memory, into: &draft)
    after.incarnation = place.incarnation
    write(report, &draft, &after)
    return Outcome(
      entry: Entry(
        events: draft.events, state: after.changes(since: memory, station: settings.name),
        isPeriodic: report.isPeriodic),
      memory: after)
  }

  /// Writes down a report that changes nothing of what the station remembers, and touches none of its state.
  func passingEntry(of report: Report, upon memory: StationMemory, at place: Place) -> Entry {
    var draft = EntryDraft(at: place, station: settings.name, moment: report.moment)
    var untouched = memory
    write(report, &draft, &untouched)
    return Entry(events: draft.events, isPeriodic: report.isPeriodic)
  }

  /// Whether a cycle is on disk already.
  ///
  /// Devices ask that themselves (`LineStations.lastCycles`); here it is asked again, since a cycle recorded twice is
  /// a unit made twice. A bit as trigger always says 1, so that alone proves nothing.
  func isKnown(_ cycle: CycleReading, _ memory: StationMemory) -> Bool {
    guard let last = memory.cycles[CycleKey(device: cycle.device, group: cycle.group)], last.trigger == cycle.trigger,
      cycle.jump == .none
    else { return false }
    if cycle.moment.time == last.time { return true }
    guard let after = cycle.after else { return cycle.trigger != 1 }
    return after < last.time
  }

  private func write(_ report: Report, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    switch report {
    case .reading(let reading):
      let stamp = stamp(memory.context, at: reading.moment, draft)
      draft.add(
        ReadingData(
          device: reading.device, group: reading.group, asked: reading.asked, tags: reading.tags, stamp: stamp))
    case .cycle(let cycle): write(cycle, &draft, &memory)
    case .rest(let key, let moment): memory.cycles[key] = .init(trigger: 0, time: moment.time)
    case .scan(let scan): write(scan, &draft, &memory)
    case .state(let state):
      draft.add(DeviceData(device: state.device, state: state.state, reason: state.reason), subject: state.device)
    case .hole(let hole): write(hole, &draft, &memory)
    case .finding(let finding):
      draft.add(
        FindingData(
          kind: finding.kind, device: finding.device, about: finding.about ?? finding.group, station: settings.name,
          from: finding.from, to: finding.to, count: finding.count, reason: finding.reason))
    }
  }

  /// A hole of a whole device is a hole at each station that the device speaks for.
  private func write(_ hole: Hole, _ draft: inout EntryDraft, _ memory: inout StationMemory) {
    let key = hole.group.map { CycleKey(device: hole.device, group: $0) }
    let last = key.flatMap { memory.cycles[$0] }
    if let key, let counter = hole.counter { memory.cycles[key] = .init(trigger: counter, time: hole.moment.time) }
    let from = hole.from ?? (hole.kind == .missedCycles ? last?.time : nil)
    let stations = hole.group == nil ? routing.stations(of: hole.device) : [settings.name]
    for station in stations.isEmpty ? [settings.name] : stations {
      draft.add(
        GapData(
          kind: hole.kind, device: hole.device, station: station, from: from, to: hole.to, count: hole.count,
          reason: hole.reason),
        subject: station)
    }
  }

  /// A new life of the queue begins, for this station, with what was in effect in the old one.
  func carry(_ memory: StationMemory, into draft: inout EntryDraft) {
    guard memory.incarnation != draft.place.incarnation else { return }
    for field in memory.context.fields {
      guard let value = memory.context[field] else { continue }
      draft.addChange(of: field, from: nil, to: value.text, how: value.how, by: value.by)
    }
  }

  /// The context as it was at a moment, with the settings' product where nothing else says one.
  func stamp(_ context: Context, at moment: Moment, _ draft: EntryDraft) -> Stamp {
    var stamp = Stamp(station: settings.name)
    for field in ContextField.ordered(Set(context.slots.keys).union(["product"])) {
      if let value = context.value(of: field, at: moment) {
        stamp.fields.append(.init(name: field, value: value.text, by: draft.origin(value.by)))
      } else if field == "product", let product = settings.product {
        stamp.fields.append(.init(name: field, value: product, by: nil))
      }
    }
    return stamp
  }
}

extension Report {
  /// The moment at which the device says that it was so.
  var moment: Moment {
    switch self {
    case .reading(let reading): reading.moment
    case .cycle(let cycle): cycle.moment
    case .rest(_, let moment): moment
    case .scan(let scan): scan.moment
    case .state(let state): state.moment
    case .hole(let hole): hole.moment
    case .finding(let finding): finding.moment
    }
  }

  /// May be thinned out when the queue fills up.
  var isPeriodic: Bool { if case .reading = self { true } else { false } }

  /// Whether it leaves the station's memory as it is, so that nobody has to wait for its commit.
  var isPassing: Bool {
    switch self {
    case .reading, .state, .finding: true
    case .hole(let hole): hole.counter == nil
    case .cycle, .rest, .scan: false
    }
  }
}
