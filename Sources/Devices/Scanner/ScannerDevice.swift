internal import Events
internal import Logging
internal import Machine
internal import NIOConcurrencyHelpers
private import Settings

/// A scanner on a serial port or a connection: reads frames, hands each over, and answers it once it is known to be on
/// disk.
///
/// It has a thread of its own, so that waiting for the scanner blocks nobody else. One that was unplugged is opened
/// again as soon as the system shows its port; a connection is tried again with growing pauses.
actor ScannerDevice {
  let name: String
  let map: ScannerMap
  let place: ScannerPlace
  nonisolated let tap = TapPoint()
  let logger: Logger
  let sink: ReportSink
  private let ports: USBPorts
  private let lookup: HostLookup?
  private let thread: OwnThread
  private let wake = WakeUp()
  private let board: NIOLockedValueBox<DeviceStatus>
  /// Why it ends, once it does.
  nonisolated let ending = NIOLockedValueBox(Ending.daemon)
  var outbox = PendingReports()
  /// Scans that were not kept and whose refusal nobody heard.
  var lost: Hole?
  private var offlineSince: Moment?
  private var offlineReason = ""
  private var reconnection = Reconnection()
  private var outageLog = Repetition(every: .seconds(600))
  private var outages = OutageLog()
  var scanLog = Repetition(every: .seconds(60))
  var answerLog = Repetition(every: .seconds(60))
  var evidence = Evidence()
  var presence: TagPresence?
  var watch: ScanWatch

  /// How long the loop may be without a beat.
  static let beatMilliseconds: Int32 = 2000
  /// How long one attempt to connect may take.
  static let connectMilliseconds: Int32 = 5000
  /// The shortest pause before a port is opened again, so that one that opens and is gone at once costs little.
  static let shortestRest: Duration = .milliseconds(500)
  /// A port that another program has is tried again after so long, since nothing tells when it lets go.
  static let busyRest: Duration = .seconds(2)
  /// A port that cannot be used as it is, or that the system's signs were missed of, is tried again after so long.
  static let longestRest: Duration = .seconds(30)

  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Prepares the device; nothing is opened before `run()`.
  ///
  /// - Parameter ports: where USB devices are looked up.
  init(
    settings: DeviceSettings, map: ScannerMap, place: ScannerPlace, logger: Logger, ports: USBPorts = USBPorts(),
    sink: @escaping ReportSink
  ) {
    name = settings.name
    self.map = map
    self.place = place
    self.logger = logger
    self.sink = sink
    self.ports = ports
    lookup = if case .tcp(let host, _) = place { HostLookup(host) } else { nil }
    thread = OwnThread(name: settings.name)
    presence = map.frame.goneAfter.map { TagPresence(goneAfter: $0) }
    watch = ScanWatch(line: place.isSerial ? map.line : nil, ends: map.frame.ends, silentAfter: map.silentAfter)
    board = NIOLockedValueBox(
      DeviceStatus(name: settings.name, station: settings.station, kind: "serial", address: place.description))
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

  // MARK: Opening

  /// Opens the way to the scanner and serves it until it is gone; or waits, where it cannot be opened.
  private func attempt() async {
    let began = ContinuousClock.now
    // Before the attempt: what appears while it is tried is not missed then.
    let folder = FolderWatch(folderOf: watchedPath)
    let link: ScannerLink
    do throws(PortFailure) { link = try open() } catch {
      if Task.isCancelled { return }
      // That an unplugged scanner's port is not there was said when it went.
      goOffline(error.isAbsent && status.state == .offline ? offlineReason : error.reason)
      await rest(after: error, began: began, folder)
      return
    }
    goOnline()
    guard let reason = await serve(link) else { return }
    goOffline(place.isSerial ? "\(place) is gone, unplugged? (\(reason))" : "\(place) is gone: \(reason)")
    if ContinuousClock.now - began > Self.longestRest { reconnection.answered() }
    await rest(after: nil, began: began, folder)
  }

  private func open() throws(PortFailure) -> ScannerLink {
    switch place {
    case .port(let path): return .port(try SerialPort(path: path, line: map.line, marksErrors: true))
    case .usb(let identity):
      return .port(try SerialPort(path: try ports.path(of: identity), line: map.line, marksErrors: true))
    case .tcp(_, let port):
      let addresses: [String]
      do throws(LineFault) {
        addresses = try lookup?.addresses(within: .milliseconds(Int64(Self.connectMilliseconds))) ?? []
      } catch { throw PortFailure(reason: "\(error)") }
      var failure = PortFailure(reason: "no address")
      for address in addresses {
        note { $0.beats += 1 }
        do throws(PortFailure) {
          return .socket(
            try ScannerSocket(address: address, port: port, within: Self.connectMilliseconds, wake: wake))
        } catch { failure = error }
      }
      throw failure
    }
  }

  /// The path whose folder shows that a port is back.
  private var watchedPath: String {
    switch place {
    case .port(let path): path
    case .usb: "\(ports.nodes)/tty"
    case .tcp: ""
    }
  }

  /// Waits until another attempt makes sense: something appeared where the port should be, or the pause is over.
  private func rest(after failure: PortFailure?, began: ContinuousClock.Instant, _ folder: borrowing FolderWatch) async
  {
    let least = began + Self.shortestRest
    let end: ContinuousClock.Instant
    if place.isSerial {
      // Gone at once after it was opened: no sign is waited for, since none may come.
      let pause = failure == nil ? Self.shortestRest : failure?.isBusy == true ? Self.busyRest : Self.longestRest
      end = failure == nil ? least : .now + pause
    } else {
      end = .now + reconnection.failed(random: Double.random(in: 0..<1), tried: .now - began)
    }
    while !Task.isCancelled, ContinuousClock.now < end {
      note { $0.beats += 1 }
      await flush()
      let left = Int32(min(Double(Self.beatMilliseconds), max(1, (end - .now).inMilliseconds.rounded(.up))))
      if place.isSerial, failure != nil {
        guard folder.wait(milliseconds: left, wake: wake) else { continue }
        // A port appears in several steps (node, permissions, link): they are waited for, and a busy folder costs little.
        wake.wait(milliseconds: 20)
        return
      }
      wake.wait(milliseconds: left)
    }
  }

  // MARK: Reading

  /// Reads frames until the scanner is gone (the reason), or the task is cancelled (nil).
  private func serve(_ link: borrowing ScannerLink) async -> String? {
    var frames = FrameReader(map.frame)
    var marks = ParityMarks(isMarked: place.isSerial)
    watch.began(at: .now())
    while !Task.isCancelled {
      note { $0.beats += 1 }
      await flush()
      switch link.receive(within: patience(until: [frames.deadline, presence?.deadline]), wake: wake) {
      case .bytes(let bytes):
        reconnection.answered()
        let received = marks.decode(bytes)
        tap.take(.received(received.map(\.byte), damaged: received.indices.filter { received[$0].isDamaged }))
        for frame in frames.take(received, at: .now()) { await take(frame, from: link) }
      case .nothing:
        for frame in frames.expire(at: Moment.now().boottimeNanoseconds) {
          await take(frame, from: link)
        }
      case .gone(let reason):
        tally(&frames)
        let cause = place.isSerial ? "the scanner was unplugged" : "the connection ended"
        if let frame = frames.end(because: cause) { _ = await hand(over: frame) }
        await tellLeft(at: .now(), all: true)
        return reason
      }
      tally(&frames)
      await tellLeft(at: .now(), all: false)
      lookAround(at: .now())
    }
    if let frame = frames.end(because: "the daemon stopped") { _ = await hand(over: frame) }
    return nil
  }

  /// Hands a frame over and answers it, in this order alone.
  private func take(_ frame: FrameReader.Frame, from link: borrowing ScannerLink) async {
    #if WEAKENED_ACKNOWLEDGE
      answer(.accepted, to: link)
      _ = await hand(over: frame)
    #else
      answer(await hand(over: frame), to: link)
    #endif
  }

  /// Takes what the frame reader counted over into the status.
  private func tally(_ frames: inout FrameReader) {
    count("empty", frames.emptyFrames)
    count("dropped-bytes", frames.droppedBytes)
    count("noise", frames.noiseBytes)
    tell(watch.stray(frames.noiseBytes, at: .now()))
    frames.clearCounts()
  }

  /// Milliseconds until the first of the deadlines, but never so many that the loop would miss its beat.
  private func patience(until deadlines: [UInt64?]) -> Int32 {
    guard let deadline = deadlines.compactMap({ $0 }).min() else { return Self.beatMilliseconds }
    let now = Moment.now().boottimeNanoseconds
    guard deadline > now else { return 0 }
    return Int32(min(UInt64(Self.beatMilliseconds), (deadline - now) / 1_000_000 + 1))
  }

  // MARK: Coming and going

  private func goOffline(_ reason: String) {
    tap.take(.note(reason))
    let isNews = status.state != .offline
    if outageLog.isDue(reason), let also = outages.tellsOutage(isFirst: isNews) {
      let next = place.isSerial ? "it is opened as soon as it is back" : "it is tried again, for ever"
      logger.warning("scanner \(name) is offline: \(reason); \(next)\(also)")
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
    tap.take(.note("\(place) is open"))
    note { status in
      status.state = .online
      status.since = moment.time
      status.reason = nil
    }
    outageLog = Repetition(every: .seconds(600))
    if outages.tellsReturn {
      logger.info("scanner \(name) is online at \(place)\(place.isSerial ? ", \(map.line)" : "")")
    }
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

  /// Says what is still to be said: an outage or a finding that lasts is recorded up to now.
  private func endInOrder() async {
    let moment = Moment.now()
    let why = ending.withLockedValue { $0 }
    await tellLeft(at: moment, all: true)
    tellFolded(at: moment, isOver: true)
    tell(watch.end(at: moment, because: why.rawValue))
    endOutage(at: moment, reason: offlineReason + why.suffix)
    await flush()
  }

  // MARK: Status

  func note(_ change: (inout DeviceStatus) -> Void) { board.withLockedValue { change(&$0) } }

  func count(_ kind: String, _ number: UInt64 = 1) {
    if number > 0 { note { $0.faults[kind, default: 0] += number } }
  }
}
