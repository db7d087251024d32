import Events

/// All tags of a device once, request by request: what is asked, and what comes out of the answers.
///
/// Pure: who asks decides when; triggers and acknowledges are read too, since a technician compares them as well.
struct ReadoutRound: Sendable {
  /// One request with the group that its tags belong to.
  struct Step: Sendable {
    let group: String
    let request: PlannedRequest
  }

  private let steps: [Step]
  private var answered = 0
  private let order: [[ModbusTag]]
  private let names: [String]
  private var found: [[String: TagReadout]]

  /// - Parameter only: the one group to read; nil for all.
  init(of map: ModbusMap, only: String? = nil) {
    let groups = map.groups.filter { only == nil || $0.name == only }
    names = groups.map(\.name)
    order = groups.map { [$0.trigger?.tag, $0.trigger?.acknowledge].compactMap { $0 } + $0.tags }
    found = Array(repeating: [:], count: groups.count)
    steps = zip(names, order).flatMap { name, tags in
      RequestPlan.joined(tags, limits: map.requests).map { Step(group: name, request: $0) }
    }
  }

  /// What to ask now; nil when all is answered.
  var next: PlannedRequest? { answered < steps.count ? steps[answered].request : nil }

  /// Takes the answer to `next`, which arrived at `time`.
  mutating func take(_ answer: Answer, at time: Timestamp) {
    let step = steps[answered]
    answered += 1
    guard let place = names.firstIndex(of: step.group) else { return }
    for tag in step.request.tags {
      found[place][tag.name] = Self.readout(tag, step, answer, at: time)
    }
  }

  /// The tags in the order of the map.
  var readouts: [TagReadout] {
    zip(order, found).flatMap { tags, found in tags.compactMap { found[$0.name] } }
  }

  private static func readout(_ tag: ModbusTag, _ step: Step, _ answer: Answer, at time: Timestamp) -> TagReadout {
    var raw: [UInt8] = []
    let value: TagValue
    switch answer {
    case .data(let bytes):
      raw = tag.bytes(in: bytes, from: step.request.address)
      value = tag.value(in: bytes, from: step.request.address)
    case .refused(let exception): value = .bad(reason: exception.description, raw: [])
    }
    return TagReadout(
      group: step.group, tag: tag.name, address: tag.address.text, type: tag.type, time: time, raw: raw, value: value,
      unit: tag.unit)
  }
}
