internal import Devices
internal import Events
internal import NIOConcurrencyHelpers

// What a station has to say that no device reports: what is in effect in a new life of the queue, what was left out.
extension Station {
  /// Writes what is in effect into a new life of the queue; nothing where that was done, or there is nothing.
  func carryOver(into incarnation: Incarnation, at moment: Moment) async -> Acceptance {
    await turn()
    defer { endTurn() }
    guard memory.incarnation != nil, memory.incarnation != incarnation else { return .accepted }
    let rules = rules
    let before = memory
    do throws(Refusal) {
      let committed = try await append { rules.carried(upon: before, at: $0, moment: moment).entry }
      memory = rules.carried(upon: before, at: committed.place, moment: moment).memory
      isSettled = true
      return .accepted
    } catch {
      return .refused(error.description)
    }
  }

  /// Tells of readings that were left out, where the queue has room again; otherwise has it remember their number.
  func tellShed(at moment: Moment, hasRoom: Bool) async {
    let shedding = shedding.withLockedValue { $0 }
    guard !shedding.isEmpty else { return }
    let name = rules.settings.name
    let due = hasRoom ? shedding.due(at: moment.time) : []
    var rest = shedding
    for loss in due { rest.told(loss) }
    guard !due.isEmpty || keptShedding != rest else { return }
    let events = due.map { loss in
      Event(
        GapData(
          kind: .shed, device: loss.device, station: name, from: loss.from, to: loss.to, count: loss.count,
          reason: "readings were left out: \(loss.reason)"),
        at: moment, subject: name)
    }
    let change = rest.change(of: name)
    // Refused: all of it stays, and the next second tries again.
    guard (try? await append { _ in Entry(events: events, state: [change]) }) != nil else { return }
    keptShedding = rest
    self.shedding.withLockedValue { shedding in for loss in due { shedding.told(loss) } }
  }
}

extension StationRules {
  /// A new life of the queue that nothing else happened in yet.
  func carried(upon memory: StationMemory, at place: Place, moment: Moment) -> Outcome {
    var draft = EntryDraft(at: place, station: settings.name, moment: moment)
    var after = memory
    carry(memory, into: &draft)
    after.incarnation = place.incarnation
    return Outcome(
      entry: Entry(events: draft.events, state: after.changes(since: memory, station: settings.name)), memory: after)
  }
}
