import Events

extension ModbusDevice {
  /// Asks the next question of a search for what the device has not, in a request that it refuses with exception 2; true
  /// where the poll is over with it.
  ///
  /// What is found holds until the device is away. Where it gives nothing of the request, that is refused as a whole.
  func search(_ place: Int, over link: inout ModbusLink) throws(LineFault) -> Bool {
    guard case (let index, var search)? = groups[place].search, let request = search.next else { return false }
    let name = groups[place].group.name
    let reply = try ask(request, over: &link, of: name, isSearch: true)
    groups[place].round?.answered(asked: reply.asked, moment: reply.moment)
    if let refusal = reply.refusal, refusal.code != 2 {
      // It says nothing of the addresses: looked at again with the next poll.
      groups[place].search = nil
      set(.bad(reason: refusal.description, raw: []), for: index, of: place)
      groups[place].skip()
    } else {
      if reply.refusal == nil { put(reply, of: place) }
      search.answered(isGiven: reply.refusal == nil)
      groups[place].search = (index, search)
      if search.next == nil { found(search, of: place, at: index, reply.moment) }
    }
    return groups[place].search == nil && groups[place].isAsked
  }

  /// Takes what a part of the refused request shows.
  private func put(_ reply: Reply, of place: Int) {
    let tags = groups[place].group.tags
    for tag in reply.request.tags {
      guard let index = tags.firstIndex(where: { $0.name == tag.name }) else { continue }
      groups[place].round?.values[index] = reply.value(of: tag)
    }
  }

  /// The search is over: asks around the holes from now on, and tells of them.
  private func found(_ search: HoleSearch, of place: Int, at index: Int, _ moment: Moment) {
    groups[place].search = nil
    let exception = DeviceException(code: 2)
    let name = groups[place].group.name
    let given = search.requests(limits: map.requests)
    guard !given.isEmpty else {
      set(.bad(reason: exception.description, raw: []), for: index, of: place)
      groups[place].skip()
      return tellRefusal(of: search.refused, of: name, exception, at: moment)
    }
    let alone = search.missing.map { RequestPlan.single($0) }
    groups[place].replace(index, with: given + alone)
    for (offset, request) in alone.enumerated() {
      set(.bad(reason: exception.description, raw: []), for: index + given.count + offset, of: place)
      tellRefusal(of: request, of: name, exception, at: moment)
    }
    for hole in search.holes where !alone.contains(where: { $0.table == hole.table && $0.range.overlaps(hole.range) }) {
      tell(hole, in: search.refused, of: name, at: moment)
    }
  }

  /// No tag lies in the hole, so that nothing is missing: told once.
  private func tell(_ hole: AddressRange, in request: PlannedRequest, of group: String, at moment: Moment) {
    guard toldHoles.insert(hole).inserted else { return }
    let reason =
      "the device has not \(hole), which no tag needs: \(request) is asked in parts; say so by `readable:` in the map"
    tell([
      .finding(
        Finding(
          device: name, group: group, moment: moment, kind: .rangeRefused, about: "\(hole)", from: moment.time,
          to: moment.time, reason: reason))
    ])
  }
}
