internal import Events
private import NIOConcurrencyHelpers

/// One life of a device: from a start to an orderly stop, the end of the daemon, or the moment when it is given up.
///
/// Its work is a task that nobody has to wait for: a thread that hangs in a call of the system cannot be ended, and must
/// hold up neither the daemon's stop nor other settings.
final class DeviceLife: Sendable {
  let settings: DeviceSettings
  let device: RunningDevice
  /// The one that hung in its place; nil where none did.
  private let predecessor: Succession?
  private let gate: ReportGate
  private let stage = NIOLockedValueBox<Stage>(.waiting)
  /// The device has said its last word.
  private let over = Latch()
  /// Nobody waits for it any more: it is over, or was given up.
  private let released = Latch()

  private enum Stage {
    case waiting
    case running(Task<Void, Never>)
    case stopped(Moment)
  }

  /// How long a device may take for its end before it is given up.
  static let patience = Duration.seconds(4)

  /// That it runs in place of one that hung.
  struct Succession {
    /// How many hung before it.
    let count: UInt64
    let since: Timestamp
    let reason: String
  }

  /// - Parameter gate: what the device's reports go through.
  init(_ settings: DeviceSettings, _ device: RunningDevice, gate: ReportGate, after hung: Succession?) {
    (self.settings, self.device, self.gate, predecessor) = (settings, device, gate, hung)
  }

  /// Where the device stands; until it says so itself, that the one before it hung.
  var status: DeviceStatus {
    var status = device.status
    guard let predecessor else { return status }
    status.replacements = predecessor.count
    if status.state == nil {
      (status.state, status.since, status.reason) = (.offline, predecessor.since, predecessor.reason)
    }
    return status
  }

  /// When it was stopped; nil where it runs, or will.
  var stoppedAt: Moment? { stage.withLockedValue { if case .stopped(let moment) = $0 { moment } else { nil } } }
  var isOver: Bool { over.isGiven }

  /// Runs the device until it is stopped, given up, or the task is cancelled; one that was stopped before does not begin.
  func run() async {
    let work = stage.withLockedValue { stage -> Task<Void, Never>? in
      guard case .waiting = stage else { return nil }
      let work = Task {
        await self.device.run()
        self.over.give()
        self.released.give()
      }
      stage = .running(work)
      return work
    }
    guard let work else { return }
    await withTaskCancellationHandler {
      await released.wait()
    } onCancel: {
      work.cancel()
      self.giveUpLater()
    }
  }

  /// Has the device say what is to be said up to now, and close its connection; returns when that is done, or when it
  /// takes so long that the device hangs.
  func stop() async {
    let work = stage.withLockedValue { stage -> Task<Void, Never>? in
      defer { stage = .stopped(.now()) }
      if case .waiting = stage { over.give() }
      if case .running(let work) = stage { return work } else { return nil }
    }
    guard let work else { return }
    device.settingsChange()
    work.cancel()
    giveUpLater()
    await released.wait()
  }

  /// It hangs: nothing that it says is taken any more, and nobody waits for it.
  func giveUp() {
    let work = stage.withLockedValue { stage -> Task<Void, Never>? in
      defer { stage = .stopped(.now()) }
      if case .waiting = stage { over.give() }
      if case .running(let work) = stage { return work } else { return nil }
    }
    gate.shut()
    device.giveUp()
    work?.cancel()
    released.give()
  }

  private func giveUpLater() {
    Task {
      try? await Task.sleep(for: Self.patience)
      if !over.isGiven { giveUp() }
    }
  }
}

/// What a device's reports go through, so that one that was given up says nothing more once its thread comes back.
final class ReportGate: Sendable {
  private let isShut = NIOLockedValueBox(false)

  func shut() { isShut.withLockedValue { $0 = true } }

  private static let refusal = "its code hung, and it was given up"

  func guarding(_ sink: @escaping ReportSink) -> ReportSink {
    { report in
      let isShut = self.isShut.withLockedValue { $0 }
      return isShut ? .refused(Self.refusal) : await sink(report)
    }
  }

  func guarding(_ sink: ReadingSink?) -> ReadingSink? {
    guard let sink else { return nil }
    return { reading, outcome in
      let isShut = self.isShut.withLockedValue { $0 }
      return isShut ? false : sink(reading, outcome)
    }
  }
}

/// Something that happens once; any number of tasks may wait for it, before or after, and wait also while cancelled.
final class Latch: Sendable {
  private let box = NIOLockedValueBox<(isGiven: Bool, waiting: [CheckedContinuation<Void, Never>])>((false, []))

  var isGiven: Bool { box.withLockedValue { $0.isGiven } }

  func give() {
    let waiting = box.withLockedValue { box in
      defer { box = (true, []) }
      return box.waiting
    }
    for continuation in waiting { continuation.resume() }
  }

  func wait() async {
    await withCheckedContinuation { continuation in
      let isGiven = box.withLockedValue { box in
        if !box.isGiven { box.waiting.append(continuation) }
        return box.isGiven
      }
      if isGiven { continuation.resume() }
    }
  }
}

/// Tells, before the first word of a device that was restarted, since when nobody looked at it.
///
/// A scan that came meanwhile was heard by nobody, and no trigger was seen: what is missing is a record, however short
/// it was.
final class RestartHole: Sendable {
  private let device: String
  private let since: Moment
  private let until = Moment.now()
  private let reason: String
  private let next: ReportSink
  private let isTold = NIOLockedValueBox(false)

  init(of device: String, since: Moment, because reason: String, _ next: @escaping ReportSink) {
    (self.device, self.reason) = (device, reason)
    self.since = since
    self.next = next
  }

  /// Where the device's reports go.
  var sink: ReportSink { { report in await self.take(report) } }

  private func take(_ report: Report) async -> Acceptance {
    if case .state(let state) = report, !isTold.withLockedValue({ $0 }) {
      // Where it is away, the device tells of the time since its start itself.
      let end = state.state == .offline ? until : state.moment
      let hole = Hole(
        device: device, moment: state.moment, kind: .deviceOffline, from: since.time, to: end.time,
        reason: reason)
      // A device tells a state that was refused again, and this with it.
      if case .refused(let why) = await next(.hole(hole)) { return .refused(why) }
      isTold.withLockedValue { $0 = true }
    }
    return await next(report)
  }
}
