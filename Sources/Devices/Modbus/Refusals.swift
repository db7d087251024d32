import Events

/// What a device refuses now, and what is to be said and done about it.
///
/// Illegal function, address or value (1 to 3) will not change by asking: the range is left alone, asked again when the
/// device comes back and every ten minutes, and is a finding until it is given. What a device says of its own trouble,
/// and any code that the specification does not know, is a finding too, one a code, and is asked again with each poll.
struct Refusals: Sendable {
  /// How often a range is asked for again that the device does not have.
  static let interval: Duration = .seconds(600)

  private struct Lasting: Sendable {
    let group: String?
    let from: Timestamp
    let reason: String
    let exception: DeviceException
    /// Nil: at once.
    var notBefore: ContinuousClock.Instant?
  }

  private struct Trouble: Sendable {
    let from: Timestamp
    let reason: String
    var count: UInt64
    /// Empty where a gateway said it of the device as a whole.
    var requests: Set<PlannedRequest>
  }

  let device: String
  private var lasting: [PlannedRequest: Lasting] = [:]
  private var troubles: [UInt8: Trouble] = [:]

  init(device: String) { self.device = device }

  var isEmpty: Bool { lasting.isEmpty && troubles.isEmpty }

  /// The exception for which a request is not asked now.
  func standing(_ request: PlannedRequest, at now: ContinuousClock.Instant) -> DeviceException? {
    guard !lasting.isEmpty, let found = lasting[request], let notBefore = found.notBefore, now < notBefore else {
      return nil
    }
    return found.exception
  }

  /// The device refuses a request.
  mutating func refused(
    _ request: PlannedRequest, of group: String?, _ exception: DeviceException, at moment: Moment,
    now: ContinuousClock.Instant
  ) -> [Report] {
    if exception.isLasting {
      if lasting[request] != nil {
        lasting[request]?.notBefore = now + Self.interval
        return []
      }
      let reason = "\(exception): \(request)"
      lasting[request] = Lasting(
        group: group, from: moment.time, reason: reason, exception: exception, notBefore: now + Self.interval)
      return [
        finding(
          .rangeRefused, group: group, about: "\(request)", from: moment.time, at: moment,
          reason: "\(reason); it is asked for again when the device comes back, and every ten minutes")
      ]
    }
    guard !exception.isBusy else { return [] }
    return troubled(exception, by: request, at: moment)
  }

  /// The device, or a gateway in front of it, says that it fails.
  mutating func troubled(_ exception: DeviceException, by request: PlannedRequest?, at moment: Moment) -> [Report] {
    if troubles[exception.code] != nil {
      troubles[exception.code]?.count += 1
      if let request { troubles[exception.code]?.requests.insert(request) }
      return []
    }
    let reason = request.map { "\(exception): \($0)" } ?? "\(exception)"
    troubles[exception.code] = Trouble(
      from: moment.time, reason: reason, count: 1, requests: request.map { [$0] } ?? [])
    return [
      finding(
        .deviceTrouble, group: nil, about: "exception \(exception.code)", from: moment.time, at: moment,
        reason: reason)
    ]
  }

  /// The device gives what a request asks for.
  mutating func given(_ request: PlannedRequest, at moment: Moment) -> [Report] {
    guard !isEmpty else { return [] }
    var reports: [Report] = []
    if let found = lasting.removeValue(forKey: request) { reports.append(over(found, request, at: moment)) }
    for code in troubles.keys.sorted() {
      guard troubles[code]?.requests.remove(request) != nil || troubles[code]?.requests.isEmpty == true else {
        continue
      }
      if let trouble = troubles[code], trouble.requests.isEmpty {
        troubles[code] = nil
        reports.append(over(trouble, code, at: moment))
      }
    }
    return reports
  }

  /// The device is there again, perhaps with another program.
  mutating func returned() { for request in lasting.keys { lasting[request]?.notBefore = nil } }

  /// The device is not asked any more: what is open is known up to now.
  mutating func stopped(at moment: Moment, _ ending: Ending) -> [Report] {
    defer { (lasting, troubles) = ([:], [:]) }
    return lasting.map { over($0.value, $0.key, at: moment, ending.suffix) }
      + troubles.map { over($0.value, $0.key, at: moment, ending.suffix) }
  }

  private func over(_ found: Lasting, _ request: PlannedRequest, at moment: Moment, _ also: String = "") -> Report {
    finding(
      .rangeRefused, group: found.group, about: "\(request)", from: found.from, to: moment.time, at: moment,
      reason: found.reason + also)
  }

  private func over(_ trouble: Trouble, _ code: UInt8, at moment: Moment, _ also: String = "") -> Report {
    finding(
      .deviceTrouble, group: nil, about: "exception \(code)", from: trouble.from, to: moment.time,
      count: trouble.count, at: moment, reason: trouble.reason + also)
  }

  private func finding(
    _ kind: FindingData.Kind, group: String?, about: String, from: Timestamp, to: Timestamp? = nil,
    count: UInt64? = nil, at moment: Moment, reason: String
  ) -> Report {
    .finding(
      Finding(
        device: device, group: group, moment: moment, kind: kind, about: about, from: from, to: to, count: count,
        reason: reason))
  }
}
