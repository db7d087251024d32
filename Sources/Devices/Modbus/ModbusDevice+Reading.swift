import Events

extension ModbusDevice {
  /// Asks the next request of a group's poll, and reports what is worth it after the last one.
  ///
  /// Others of the bus may ask in between. Where the line breaks in the middle, the requests that were answered count
  /// and the other tags are bad (`breakOff`).
  func poll(_ place: Int, over link: inout ModbusLink) async throws(LineFault) {
    begin(place)
    if groups[place].search != nil { return try await search(place, over: &link) }
    let count = groups[place].polls.count
    var hasAsked = false
    while !hasAsked, let index = groups[place].round?.next(of: count) {
      let request = groups[place].polls[index]
      if let exception = refusals.standing(request, at: ContinuousClock.now) {
        set(.bad(reason: exception.description, raw: []), for: index, of: place)
        groups[place].round?.done(of: count)
        continue
      }
      hasAsked = true
      let mayHaveHole = request.tags.count > 1
      let reply = try await ask(request, over: &link, of: groups[place].group.name, isSearch: mayHaveHole)
      if mayHaveHole, reply.refusal?.code == 2 {
        groups[place].round?.answered(asked: reply.asked, moment: reply.moment)
        groups[place].search = (index, HoleSearch(request))
        return
      }
      if reply.refusal?.isBusy == true,
        groups[place].round?.postpone(at: ContinuousClock.now, of: count) == true
      {
        return
      }
      take(reply, to: index, of: place)
    }
    if groups[place].isAsked { await finish(place) }
  }

  private func begin(_ place: Int) {
    guard groups[place].round == nil else { return }
    let now = ContinuousClock.now
    let missed = groups[place].cadence.take(at: now)
    groups[place].round = PollRound(
      tags: groups[place].group.tags.count, begun: Moment.now().time, missed: missed, at: now,
      deadline: groups[place].cadence.due)
  }

  private func take(_ reply: Reply, to index: Int, of place: Int) {
    guard groups[place].round != nil else { return }
    reply.put(into: &groups[place].round!.values, at: groups[place].places[index])
    groups[place].round!.answered(asked: reply.asked, moment: reply.moment, of: groups[place].polls.count)
  }

  func set(_ value: TagValue, for index: Int, of place: Int) {
    for tag in groups[place].places[index] { groups[place].round?.values[tag] = value }
  }

  /// All of a poll was asked.
  func finish(_ place: Int) async {
    guard let round = groups[place].round else { return }
    groups[place].round = nil
    await report(round, of: place, missing: "not read")
    await polled(place, begun: round.begun, missed: round.missed)
  }

  /// The line broke: what was answered of polls that were under way counts.
  func breakOff(_ fault: LineFault) async {
    for place in groups.indices {
      guard let round = groups[place].round else { continue }
      groups[place].round = nil
      groups[place].search = nil
      if round.moment != nil { await report(round, of: place, missing: fault.description) }
    }
  }

  private func report(_ round: PollRound, of place: Int, missing: String) async {
    let missing = TagValue.bad(reason: missing, raw: [])
    // Where nothing was asked, since all of it is refused, it is known now.
    let moment = round.moment ?? .now()
    await report(round.values.map { $0 ?? missing }, of: place, at: moment, asked: round.asked)
  }

  /// The device is away: its values are unknown from now on, which is said once.
  func reportUnknown(_ reason: String, at moment: Moment) async {
    for place in groups.indices where groups[place].cycle == nil && groups[place].changes.hasReported {
      let unknown = TagValue.bad(reason: "the device is offline: \(reason)", raw: [])
      await report(groups[place].group.tags.map { _ in unknown }, of: place, at: moment, asked: nil)
    }
  }

  private func report(_ values: [TagValue], of place: Int, at moment: Moment, asked: Moment?) async {
    let now = ContinuousClock.now
    let handed = groups[place].handed
    if handed.takeRefusal() { groups[place].changes.forget() }
    let due = groups[place].changes.due(values, at: now)
    guard !due.isEmpty else { return }
    let group = groups[place].group
    let tags = due.map { Tag(group.tags[$0].name, values[$0]) }
    let reading = Reading(
      device: name, group: group.name, moment: moment, asked: asked.flatMap { moment.began(at: $0) }, tags: tags)
    if let readings, handed.hasRoom, handed.hand(reading, to: readings) {
      groups[place].changes.taken(due, of: values, at: now)
      return
    }
    let taken = await sink(.reading(reading))
    // What was refused is offered again with the next poll, since it still differs from what is on disk.
    if case .accepted = taken { groups[place].changes.taken(due, of: values, at: now) }
  }
}

extension Moment {
  /// How long asking may take before its begin is worth a word.
  private static let negligible: UInt64 = 50_000_000

  /// When it was asked what was answered at this moment, on this moment's clock; nil where that was just before.
  ///
  /// Reckoned by boot time, since the wall clock may have been set in between.
  func began(at asked: Moment) -> Timestamp? {
    let took = boottimeNanoseconds &- asked.boottimeNanoseconds
    guard took > Self.negligible, took < .max / 2 else { return nil }
    return Timestamp(microseconds: time.microseconds - Int64(took / 1000))
  }
}
