import Events

/// Whether a device is there, and what is to be said when that changes.
///
/// Each change is told once; coming back is told with the hole that it leaves, from the last answer to the
/// first new one.
struct Presence: Sendable {
  let device: String
  /// A device that never answered since then was away from then on.
  let started: Timestamp
  private(set) var state: DeviceData.State?
  private(set) var reason: String?
  private(set) var lastAnswer: Timestamp?
  /// Requests that the device refuses now, with its reason.
  private var refused: [PlannedRequest: String] = [:]

  init(device: String, started: Timestamp) {
    self.device = device
    self.started = started
  }

  /// Whether anything is refused that was asked last.
  var isRefusing: Bool { !refused.isEmpty }

  /// A frame came that answers what was asked.
  mutating func answered(at moment: Moment) -> [Report] {
    let wasAway = state == .offline
    let from = lastAnswer ?? started
    lastAnswer = moment.time
    guard state == nil || wasAway else { return [] }
    let why = reason
    refused = [:]
    let report = change(to: .online, nil, at: moment)
    guard wasAway else { return [report] }
    return [
      report,
      .hole(Hole(device: device, moment: moment, kind: .deviceOffline, from: from, to: moment.time, reason: why)),
    ]
  }

  /// The line broke, or could not be made.
  mutating func failed(_ why: String, at moment: Moment) -> [Report] {
    guard state != .offline else {
      reason = why
      return []
    }
    return [change(to: .offline, why, at: moment)]
  }

  /// Nobody looks for the device any more while it is away: what it leaves up to now.
  func stopped(at moment: Moment, _ ending: Ending) -> [Report] {
    guard state == .offline else { return [] }
    let why = (reason ?? "it is away") + ending.suffix
    return [
      .hole(
        Hole(
          device: device, moment: moment, kind: .deviceOffline, from: lastAnswer ?? started, to: moment.time,
          reason: why))
    ]
  }

  /// The device refuses a request.
  mutating func refuses(_ request: PlannedRequest, _ why: String, at moment: Moment) -> [Report] {
    refused[request] = why
    return state == .refusing ? [] : [change(to: .refusing, why, at: moment)]
  }

  /// The device gives what a request asks for.
  mutating func gives(_ request: PlannedRequest, at moment: Moment) -> [Report] {
    guard !refused.isEmpty, refused.removeValue(forKey: request) != nil, refused.isEmpty, state == .refusing else {
      return []
    }
    return [change(to: .online, nil, at: moment)]
  }

  private mutating func change(to new: DeviceData.State, _ why: String?, at moment: Moment) -> Report {
    state = new
    reason = why
    return .state(StateReport(device: device, moment: moment, state: new, reason: why))
  }
}
