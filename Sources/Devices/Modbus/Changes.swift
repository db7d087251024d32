import Events

/// Which tags of a poll are worth an event.
///
/// What it compares with is what was last taken down, so a slow drift does not slip below the deadband and
/// a reading that was refused is offered again.
struct Changes: Sendable {
  let reporting: ModbusGroup.Reporting
  private let deadbands: [Double]
  private var last: [TagValue?]
  private var whole: ContinuousClock.Instant?
  /// Whether anything of the group was taken down yet.
  private(set) var hasReported = false

  init(_ group: ModbusGroup) {
    reporting = group.reporting
    deadbands = group.tags.map(\.deadband)
    last = Array(repeating: nil, count: group.tags.count)
  }

  /// What was taken to be on disk is not, or not all of it: the next poll tells all.
  mutating func forget() {
    last = Array(repeating: nil, count: last.count)
    whole = nil
  }

  /// The places of the tags to report, in the order of the map; empty if there is nothing to say.
  func due(_ values: [TagValue], at now: ContinuousClock.Instant) -> [Int] {
    guard case .change(let heartbeat) = reporting, let whole else { return Array(values.indices) }
    if let heartbeat, now - whole >= heartbeat { return Array(values.indices) }
    return values.indices.filter { moved($0, to: values[$0]) }
  }

  /// These places of `values` are on disk.
  mutating func taken(_ places: [Int], of values: [TagValue], at now: ContinuousClock.Instant) {
    if reporting != .always { for place in places { last[place] = values[place] } }
    if places.count == values.count { whole = now }
    hasReported = hasReported || whole != nil
  }

  private func moved(_ place: Int, to value: TagValue) -> Bool {
    guard let before = last[place] else { return true }
    let deadband = deadbands[place]
    guard deadband > 0, let old = before.number, let new = value.number else { return before != value }
    var distance = abs(new - old)
    // Numbers of 64 bits may lie nearer together than Doubles do.
    if max(abs(old), abs(new)) > 0x1p53, let exact = before.exactNumber?.negated,
      let sum = value.exactNumber?.added(to: exact).sum
    {
      distance = abs(sum.double)
    }
    // 80.2 - 80.0 is a little more than 0.2 in binary; that little is no change.
    return distance > deadband * (1 + 1e-9)
  }
}
