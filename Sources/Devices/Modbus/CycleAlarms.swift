import Events

/// What is to be said of a PLC that waits for our word, and of a word that cannot be written.
///
/// Each is told when it begins and when it is over. Pure: no clock, no connection.
struct CycleAlarms: Sendable, Hashable {
  /// A PLC may wait so long for its acknowledge.
  let within: Duration
  private var wait: Wait?
  private var failure: Alarm?
  /// Why the PLC has to wait; nil: nothing went wrong, it only takes long.
  private var why: String?

  /// What began, or, with `to`, what is over.
  struct Alarm: Sendable, Hashable {
    let kind: FindingData.Kind
    let from: Timestamp
    var to: Timestamp?
    var reason: String
  }

  private struct Wait: Sendable, Hashable {
    let since: Moment
    /// What the acknowledge is to show.
    let word: UInt64
    var told: Alarm?

    func lasted(until moment: Moment) -> Duration {
      .nanoseconds(Int64(clamping: moment.boottimeNanoseconds) - Int64(clamping: since.boottimeNanoseconds))
    }
  }

  init(within: Duration) { self.within = within }

  /// A poll at `moment` showed that the PLC waits for its acknowledge to become `word`; nil: that it waits for nothing.
  mutating func saw(waitingFor word: UInt64?, at moment: Moment) -> [Alarm] {
    guard let word else { return acknowledged(at: moment) }
    // Another word is another wait: the PLC went on without the one before, or has it by now.
    var alarms = wait.map { $0.word != word } == true ? endOfWait(at: moment) : []
    var current = wait ?? Wait(since: moment, word: word)
    let lasted = current.lasted(until: moment)
    if current.told == nil, lasted >= within {
      let alarm = Alarm(
        kind: .cycleWaiting, from: current.since.time,
        reason: "the PLC has waited \(lasted.short) for its acknowledge \(word): \(reason)")
      current.told = alarm
      alarms.append(alarm)
    }
    wait = current
    return alarms
  }

  /// Something keeps the PLC waiting, and it is not the acknowledge's write.
  mutating func held(_ why: String) { self.why = why }

  /// The acknowledge `word` could not be written.
  mutating func failed(_ word: UInt64, _ why: String, at moment: Moment) -> [Alarm] {
    self.why = "the acknowledge cannot be written: \(why)"
    guard failure == nil else { return [] }
    let alarm = Alarm(
      kind: .acknowledgeFailed, from: moment.time, reason: "the acknowledge \(word) cannot be written: \(why)")
    failure = alarm
    return [alarm]
  }

  /// The PLC has its word: it was written, or a poll shows that nothing is waited for.
  mutating func acknowledged(at moment: Moment) -> [Alarm] {
    guard wait != nil || failure != nil else { return [] }
    var alarms = endOfWait(at: moment)
    if var alarm = failure {
      alarm.to = moment.time
      alarms.append(alarm)
    }
    failure = nil
    why = nil
    return alarms
  }

  /// The device is not asked any more: what goes on is told as far as it was seen.
  func stopped(at moment: Moment, _ ending: Ending) -> [Alarm] {
    [wait?.told, failure].compactMap { alarm in
      alarm.map {
        Alarm(kind: $0.kind, from: $0.from, to: moment.time, reason: $0.reason + ending.suffix)
      }
    }
  }

  private var reason: String { why ?? "reading and keeping its record takes so long" }

  /// A wait that was too long and is over before a poll could tell of it is told in one.
  private mutating func endOfWait(at moment: Moment) -> [Alarm] {
    defer { wait = nil }
    guard let wait else { return [] }
    let lasted = wait.lasted(until: moment)
    guard wait.told != nil || lasted >= within else { return [] }
    return [
      Alarm(
        kind: .cycleWaiting, from: wait.since.time, to: moment.time,
        reason: "the PLC waited \(lasted.short) for its acknowledge \(wait.word): \(reason)")
    ]
  }
}
