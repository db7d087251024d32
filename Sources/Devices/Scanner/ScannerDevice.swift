internal import Events
internal import Logging
internal import Machine
private import NIOConcurrencyHelpers
private import Settings

/// A scanner on a serial port: reads frames, hands each over, and answers it once it is known to be on disk.
///
/// It has a thread of its own, so that waiting for the port blocks nobody else. An unplugged scanner is
/// opened again by the same path as soon as it is back.
actor ScannerDevice {
  private let name: String
  private let map: ScannerMap
  private let path: String
  private let logger: Logger
  private let sink: ReportSink
  private let thread: OwnThread
  private let wake = WakeUp()
  private let board: NIOLockedValueBox<DeviceStatus>
  private var outbox = PendingReports()
  /// Scans that were not kept and whose refusal nobody heard.
  private var lost: Hole?
  private var offlineSince: Moment?
  private var offlineReason = ""
  private var outageLog = Repetition(every: .seconds(600))
  private var outages = OutageLog()
  private var scanLog = Repetition(every: .seconds(60))
  private var answerLog = Repetition(every: .seconds(60))

  /// How long a scanner that is away may be back without being noticed.
  static let retryMilliseconds: Int32 = 500
  /// How long the loop may be without a beat.
  static let beatMilliseconds: Int32 = 2000

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Prepares the device; nothing is opened before `run()`.
  init(settings: DeviceSettings, map: ScannerMap, path: String, logger: Logger, sink: @escaping ReportSink) {
    name = settings.name
    self.map = map
    self.path = path
    self.logger = logger
    self.sink = sink
    thread = OwnThread(name: settings.name)
    board = NIOLockedValueBox(
      DeviceStatus(name: settings.name, station: settings.station, kind: "serial", address: path))
  }

  /// Where it stands, readable while the device waits.
  nonisolated var status: DeviceStatus { board.withLockedValue { $0 } }

  /// Runs until the task is cancelled; returns when the port is closed.
  func run() async {
    await withTaskCancellationHandler {
      while !Task.isCancelled {
        note { $0.beats += 1 }
        await attempt()
      }
      await endInOrder()
    } onCancel: {
      wake.signal()
    }
  }

  /// Opens the port and serves it until it is gone; or waits a little, where it cannot be opened.
  private func attempt() async {
    let port: SerialPort
    do { port = try SerialPort(path: path, line: map.line, marksErrors: true) } catch {
      // That an unplugged scanner's port is not there was said when it went.
      goOffline(error.isAbsent && status.state == .offline ? offlineReason : error.reason)
      await flush()
      wake.wait(milliseconds: Self.retryMilliseconds)
      return
    }
    goOnline()
    guard let reason = await serve(port) else { return }
    goOffline("\(path) is gone, unplugged? (\(reason))")
    await flush()
    // A port that opens and is gone at once must not be tried without a pause either.
    wake.wait(milliseconds: Self.retryMilliseconds)
  }

  /// Reads frames until the port is gone (the reason), or the task is cancelled (nil).
  private func serve(_ port: borrowing SerialPort) async -> String? {
    var frames = FrameReader(map.frame)
    var marks = ParityMarks(isMarked: true)
    while !Task.isCancelled {
      note { $0.beats += 1 }
      await flush()
      switch port.receive(within: patience(until: frames.deadline), wake: wake) {
      case .bytes(let bytes):
        let moment = Moment.now()
        for received in marks.decode(bytes) {
          for frame in frames.take(received.byte, isDamaged: received.isDamaged, at: moment) {
            answer(await hand(over: frame), to: port)
          }
        }
      case .nothing:
        guard let deadline = frames.deadline, Moment.now().boottimeNanoseconds >= deadline else { break }
        if let frame = frames.end(because: "nothing came for \(format(map.frame.idle))") {
          answer(await hand(over: frame), to: port)
        }
      case .gone(let reason):
        tally(&frames)
        if let frame = frames.end(because: "the scanner was unplugged") { _ = await hand(over: frame) }
        return reason
      }
      tally(&frames)
    }
    if let frame = frames.end(because: "the daemon stopped") { _ = await hand(over: frame) }
    return nil
  }

  /// Takes what the frame reader counted over into the status.
  private func tally(_ frames: inout FrameReader) {
    count("empty", frames.emptyFrames)
    count("dropped-bytes", frames.droppedBytes)
    frames.clearCounts()
  }

  /// Milliseconds until `deadline`, but never so many that the loop would miss its beat.
  private func patience(until deadline: UInt64?) -> Int32 {
    guard let deadline else { return Self.beatMilliseconds }
    let now = Moment.now().boottimeNanoseconds
    guard deadline > now else { return 0 }
    return Int32(min(UInt64(Self.beatMilliseconds), (deadline - now) / 1_000_000 + 1))
  }

  // MARK: Scans

  /// Hands a frame over; true if it is on disk and of use.
  private func hand(over frame: FrameReader.Frame) async -> Bool {
    let scan = map.scan(of: frame, device: name)
    let acceptance = await sink(.scan(scan))
    switch acceptance {
    case .accepted:
      note { status in
        if scan.problem == nil {
          status.good += 1
          status.lastGood = scan.moment.time
        }
      }
      if let problem = scan.problem {
        count(frame.damage == nil ? "unreadable" : "damaged", 1)
        if scanLog.isDue(problem) {
          logger.warning("scanner \(name): a scan was kept that cannot be used: \(problem): scan again")
        }
      }
    case .refused(let reason):
      count("refused", 1)
      if scanLog.isDue(reason) { logger.error("scanner \(name): a scan was not kept: \(reason): scan again") }
      if map.acknowledge.refused.isEmpty { rememberLost(scan, reason) }
    }
    return acceptance == .accepted && scan.problem == nil
  }

  /// Where the operator hears no refusal, nobody else will tell of the lost scan.
  private func rememberLost(_ scan: Scan, _ reason: String) {
    let time = scan.moment.time
    lost = Hole(
      device: name, moment: scan.moment, kind: .unreadableScan, from: lost?.from ?? time, to: time,
      count: (lost?.count ?? 0) + 1, reason: lost?.reason ?? "not kept: \(reason)")
  }

  private func answer(_ isAccepted: Bool, to port: borrowing SerialPort) {
    let bytes = isAccepted ? map.acknowledge.accepted : map.acknowledge.refused
    guard !bytes.isEmpty, let reason = port.send(bytes) else { return }
    count("unanswered", 1)
    if answerLog.isDue(reason) {
      logger.warning("scanner \(name): the answer to a scan could not be written to \(path): \(reason)")
    }
  }

  // MARK: Coming and going

  private func goOffline(_ reason: String) {
    let isNews = status.state != .offline
    if outageLog.isDue(reason), let also = outages.tellsOutage(isFirst: isNews) {
      logger.warning("scanner \(name) is offline: \(reason); it is tried again twice a second\(also)")
    }
    guard isNews else { return }
    let moment = Moment.now()
    offlineSince = moment
    offlineReason = reason
    note { status in
      status.state = .offline
      status.since = moment.time
      status.reason = reason
    }
    outbox.add(.state(StateReport(device: name, moment: moment, state: .offline, reason: reason)))
  }

  private func goOnline() {
    let moment = Moment.now()
    note { status in
      status.state = .online
      status.since = moment.time
      status.reason = nil
    }
    outageLog = Repetition(every: .seconds(600))
    if outages.tellsReturn { logger.info("scanner \(name) is online at \(path), \(map.line)") }
    outbox.add(.state(StateReport(device: name, moment: moment, state: .online)))
    endOutage(at: moment, reason: offlineReason)
  }

  private func endOutage(at moment: Moment, reason: String) {
    guard let began = offlineSince else { return }
    offlineSince = nil
    outbox.add(
      .hole(
        Hole(
          device: name, moment: moment, kind: .deviceOffline, from: began.time, to: moment.time, reason: reason)))
  }

  /// Says what is still to be said: an outage that lasts is recorded up to now.
  private func endInOrder() async {
    endOutage(at: .now(), reason: offlineReason + "; the daemon stopped meanwhile")
    await flush()
  }

  /// Reports what waits, in order, up to the first that is refused.
  private func flush() async {
    while let report = outbox.first {
      guard await sink(report) == .accepted else { return }
      outbox.removeFirst()
    }
    if let lost, await sink(.hole(lost)) == .accepted { self.lost = nil }
  }

  // MARK: Status

  private func note(_ change: (inout DeviceStatus) -> Void) { board.withLockedValue { change(&$0) } }

  private func count(_ kind: String, _ number: UInt64) {
    if number > 0 { note { $0.faults[kind, default: 0] += number } }
  }
}

extension ScannerMap {
  /// The scan that a frame is; a damaged one has no text and no roles.
  func scan(of frame: FrameReader.Frame, device: String) -> Scan {
    let meaning = frame.damage.map { Meaning(problem: $0) } ?? read(frame: frame.raw)
    return Scan(
      device: device, moment: frame.moment, raw: frame.raw, text: meaning.text, symbology: meaning.symbology,
      roles: meaning.roles, problem: meaning.problem)
  }
}
