extension RequestPlan {
  /// Two smaller requests for the tags of one that the device refuses with exception 2; none where nothing is smaller.
  ///
  /// It is cut where addresses lie between two tags that only the joining asked for, for they are the likeliest to be
  /// missing, and there nearest to the middle; without such a gap between two tags. Each tag stays whole.
  static func split(_ request: PlannedRequest) -> [PlannedRequest] {
    let tags = request.tags.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var best: (place: Int, rank: (Int, Int))?
    var end = tags.first?.range.upperBound ?? 0
    for place in tags.indices.dropFirst() {
      defer { end = max(end, tags[place].range.upperBound) }
      let rest = tags[place...]
      // Bits of one register have nothing between them.
      guard let left = span(of: Array(tags[..<place])), let right = span(of: Array(rest)), left != right else {
        continue
      }
      let gap = tags[place].range.lowerBound - end
      let rank = (gap > 0 ? 0 : gap == 0 ? 1 : 2, abs(place * 2 - tags.count))
      if best.map({ rank < $0.rank }) ?? true { best = (place, rank) }
    }
    guard let best else { return [] }
    return [Array(tags[..<best.place]), Array(tags[best.place...])].compactMap { part in
      span(of: part).map { PlannedRequest(table: request.table, range: $0, tags: part) }
    }
  }
}

/// The search for what a device has not, in a request that it refuses with exception 2: asks for less and less.
///
/// Pure: whoever holds the line asks `next`, says whether it was given, and at the end has the requests that take
/// the refused one's place. They may be refused again, since what lies between tags was not asked for by itself; each
/// search finds at least one hole more.
public struct HoleSearch: Sendable, Hashable {
  public let refused: PlannedRequest
  /// What the device has not, as far as it was found.
  public private(set) var holes: [AddressRange]
  /// The tags that the device does not give, even alone.
  public private(set) var missing: [ModbusTag] = []
  private var given: [PlannedRequest] = []
  private var pending: [PlannedRequest] = []
  private var cuts: [[PlannedRequest]] = []

  /// - Parameter holes: those that are known already.
  public init(_ refused: PlannedRequest, holes: [AddressRange] = []) {
    self.refused = refused
    self.holes = holes
    part(refused)
  }

  /// What to ask now; nil when the search is over.
  public var next: PlannedRequest? { pending.last }

  /// The device gave what `next` asks for, or refused that too.
  public mutating func answered(isGiven: Bool) {
    guard let asked = pending.popLast() else { return }
    if isGiven { given.append(asked) } else { part(asked) }
    guard pending.isEmpty else { return }
    for cut in cuts where cut.allSatisfy(given.contains) {
      guard cut[0].range.upperBound <= cut[1].range.lowerBound else { continue }
      holes.append(AddressRange(table: refused.table, range: cut[0].range.upperBound..<cut[1].range.lowerBound))
    }
  }

  /// What takes the refused request's place: the fewest requests around the holes, without the tags that are missing.
  public func requests(limits: RequestLimits) -> [PlannedRequest] {
    let tags = given.flatMap(\.tags)
    let joined = RequestPlan.joined(tags, limits: limits, around: holes)
    // Tags that overlap can be given apart and refused together, which no hole can say: then as they were given.
    let isWhole =
      joined.reduce(0) { $0 + $1.tags.count } == tags.count && !joined.contains { $0.range == refused.range }
    return isWhole ? joined : given
  }

  private mutating func part(_ request: PlannedRequest) {
    let parts = RequestPlan.split(request)
    if parts.isEmpty {
      missing += request.tags
      holes.append(AddressRange(table: request.table, range: request.range))
    } else {
      cuts.append(parts)
      pending += parts.reversed()
    }
  }
}
