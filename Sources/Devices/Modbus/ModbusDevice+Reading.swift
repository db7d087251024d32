import Events

extension ModbusDevice {
  /// Reads a group and reports what is worth it.
  ///
  /// Where the line breaks in the middle, the requests that were answered count and the other tags are bad.
  func poll(_ place: Int, over link: inout ModbusLink) async throws(LineFault) {
    let group = groups[place].group
    var values: [TagValue?] = Array(repeating: nil, count: group.tags.count)
    var moment: Moment?
    var fault: LineFault?
    for (request, places) in zip(groups[place].polls, groups[place].places) {
      do throws(LineFault) {
        let reply = try await ask(request, over: &link)
        reply.put(into: &values, at: places)
        moment = reply.moment
      } catch {
        fault = error
        break
      }
    }
    if let moment, fault != .stopped {
      let missing = TagValue.bad(reason: fault?.description ?? "not read", raw: [])
      await report(values.map { $0 ?? missing }, of: place, at: moment)
    }
    if let fault { throw fault }
  }

  /// The device is away: its values are unknown from now on, which is said once.
  func reportUnknown(_ reason: String, at moment: Moment) async {
    for place in groups.indices where groups[place].cycle == nil && groups[place].changes.hasReported {
      let unknown = TagValue.bad(reason: "the device is offline: \(reason)", raw: [])
      await report(groups[place].group.tags.map { _ in unknown }, of: place, at: moment)
    }
  }

  private func report(_ values: [TagValue], of place: Int, at moment: Moment) async {
    let now = ContinuousClock.now
    let due = groups[place].changes.due(values, at: now)
    guard !due.isEmpty else { return }
    let group = groups[place].group
    let tags = due.map { Tag(group.tags[$0].name, values[$0]) }
    let taken = await sink(.reading(Reading(device: name, group: group.name, moment: moment, tags: tags)))
    // What was refused is offered again with the next poll, since it still differs from what is on disk.
    if case .accepted = taken { groups[place].changes.taken(due, of: values, at: now) }
  }
}
