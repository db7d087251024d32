import Events

extension ModbusDevice {
  /// Asks the next request of a group's poll; true after the last one.
  ///
  /// Others of the bus may ask in between. Where the line breaks in the middle, the requests that were answered count
  /// and the other tags are bad (`breakOff`).
  func poll(_ place: Int, over link: inout ModbusLink) throws(LineFault) -> Bool {
    begin(place)
    if groups[place].search != nil { return try search(place, over: &link) }
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
      let reply = try ask(request, over: &link, of: groups[place].group.name, isSearch: mayHaveHole)
      if mayHaveHole, reply.refusal?.code == 2 {
        groups[place].round?.answered(asked: reply.asked, moment: reply.moment)
        groups[place].search = (index, HoleSearch(request))
        return false
      }
      if reply.refusal?.isBusy == true,
        groups[place].round?.postpone(at: ContinuousClock.now, of: count) == true
      {
        return false
      }
      take(reply, to: index, of: place)
    }
    return groups[place].isAsked
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

  /// All of a poll was asked: hands over what is worth it, or gives what has to be waited for.
  func finish(_ place: Int) -> Unkept? {
    guard let round = groups[place].round else { return nil }
    groups[place].round = nil
    defer { polled(place, begun: round.begun, missed: round.missed) }
    return report(round, of: place, missing: "not read")
  }

  /// The line broke: what was answered of polls that were under way counts.
  func breakOff(_ fault: LineFault) async {
    for place in groups.indices {
      guard let round = groups[place].round else { continue }
      groups[place].round = nil
      groups[place].search = nil
      guard round.moment != nil else { continue }
      if let unkept = report(round, of: place, missing: fault.description) { await keep(unkept) }
    }
  }

  private func report(_ round: PollRound, of place: Int, missing: String) -> Unkept? {
    let missing = TagValue.bad(reason: missing, raw: [])
    // Where nothing was asked, since all of it is refused, it is known now.
    let moment = round.moment ?? .now()
    return report(round.values.map { $0 ?? missing }, of: place, at: moment, asked: round.asked)
  }

  /// The device is away: its values are unknown from now on, which is said once.
  func reportUnknown(_ reason: String, at moment: Moment) async {
    for place in groups.indices where groups[place].cycle == nil && groups[place].changes.hasReported {
      let unknown = TagValue.bad(reason: "the device is offline: \(reason)", raw: [])
      let values = groups[place].group.tags.map { _ in unknown }
      if let unkept = report(values, of: place, at: moment, asked: nil) { await keep(unkept) }
    }
  }

  /// A reading that nobody could be handed: its device waits for the commit.
  struct Unkept {
    let reading: Reading
    fileprivate let place: Int
    fileprivate let due: [Int]
    fileprivate let values: [TagValue]
  }

  /// Hands over what is worth a reading, so that the bus need not wait for its commit; gives it back where it has to.
  ///
  /// A plain function, since the frames of suspending ones would stay with each device for ever.
  private func report(_ values: [TagValue], of place: Int, at moment: Moment, asked: Moment?) -> Unkept? {
    let now = ContinuousClock.now
    if groups[place].handed.takeRefusal() { groups[place].changes.forget() }
    let due = groups[place].changes.due(values, at: now)
    guard !due.isEmpty else { return nil }
    let group = groups[place].group
    let reading = Reading(
      device: name, group: group.name, moment: moment, asked: asked.flatMap { moment.began(at: $0) },
      tags: due.map { Tag(group.tags[$0].name, values[$0]) })
    let handed = groups[place].handed
    guard let readings, !isBehind, handed.hasRoom, handed.hand(reading, to: readings) else {
      return Unkept(reading: reading, place: place, due: due, values: values)
    }
    groups[place].changes.taken(due, of: values, at: now)
    return nil
  }

  /// Waits for a reading's commit, behind all that was told before it.
  ///
  /// What is refused is offered again with the next poll, since it still differs from what is on disk.
  func keep(_ unkept: Unkept) async {
    await flush()
    guard case .accepted = await sink(.reading(unkept.reading)) else { return }
    groups[unkept.place].changes.taken(unkept.due, of: unkept.values, at: ContinuousClock.now)
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
