internal import Events
private import NIOConcurrencyHelpers

/// One life of a device: from a start to an orderly stop, or the end of the daemon.
final class DeviceLife: Sendable {
  let settings: DeviceSettings
  let device: RunningDevice
  private let stage = NIOLockedValueBox<Stage>(.waiting)
  private let stopping = Signal()
  private let over = Signal()

  private enum Stage {
    case waiting, running
    case stopped(Moment)
  }

  init(_ settings: DeviceSettings, _ device: RunningDevice) {
    self.settings = settings
    self.device = device
  }

  /// When it was stopped; nil where it runs, or will.
  var stoppedAt: Moment? { stage.withLockedValue { if case .stopped(let moment) = $0 { moment } else { nil } } }

  /// Runs the device until it is stopped or the task is cancelled; a life that was stopped before does not begin.
  func run() async {
    let begins = stage.withLockedValue { stage in
      guard case .waiting = stage else { return false }
      stage = .running
      return true
    }
    guard begins else { return }
    await withTaskGroup { group in
      group.addTask { await self.device.run() }
      group.addTask { await self.stopping.wait() }
      await group.next()
      group.cancelAll()
    }
    over.give()
  }

  /// Has the device say what is to be said up to now, and close its connection; returns when that is done.
  func stop() async {
    let hasBegun = stage.withLockedValue { stage in
      defer { stage = .stopped(.now()) }
      if case .waiting = stage { return false } else { return true }
    }
    guard hasBegun else { return }
    device.settingsChange()
    stopping.give()
    await over.wait()
  }
}

/// Something that happens once; one task may wait for it, before or after.
private struct Signal: Sendable {
  private let stream: AsyncStream<Never>
  private let continuation: AsyncStream<Never>.Continuation

  init() { (stream, continuation) = AsyncStream.makeStream() }

  func give() { continuation.finish() }

  /// Returns once it was given, or the task is cancelled.
  func wait() async { for await _ in stream {} }
}

/// Tells, before the first word of a device that was restarted, since when nobody looked at it.
///
/// A scan that came meanwhile was heard by nobody, and no trigger was seen: what is missing is a record, however short
/// it was.
final class RestartHole: Sendable {
  private let device: String
  private let since: Moment
  private let until = Moment.now()
  private let next: ReportSink
  private let isTold = NIOLockedValueBox(false)

  init(of device: String, since: Moment, _ next: @escaping ReportSink) {
    self.device = device
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
        reason: "it was restarted to take other settings")
      // A device tells a state that was refused again, and this with it.
      if case .refused(let why) = await next(.hole(hole)) { return .refused(why) }
      isTold.withLockedValue { $0 = true }
    }
    return await next(report)
  }
}
