import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// The real daemons where the line PC's clock is wrong, is set, or stood still: everything accepted is at the central once,
/// in the order of its numbers and at its time in truth, and nothing that has a time limit notices.
@Suite(.serialized, .timeLimit(minutes: 5), .enabled(if: FalseClock.isPossible, "\(FalseClock.reason)"))
struct ClockFaultTests {
  private static let year = Duration.seconds(365 * 86_400)

  @Test func `a clock of 1970 that is set, ten years off either way, and reads a second twice`() async throws {
    let line = try await WorkingLine()
    let began = Moment.now().time
    line.clock.set(to: Timestamp(microseconds: 30_000_000))
    try await line.start()
    try await line.movesOn()
    try await line.noticing { $0.set(.zero) }
    try await line.noticing { $0.isSynchronised = true }
    for ahead in [Self.year * 10, Self.year * -10] {
      try await line.noticing { $0.set(ahead) }
    }
    try await line.noticing { $0.set(.zero) }
    try await line.noticing { $0.isSynchronised = true }
    try await line.noticing { $0.step(.seconds(-1)) }
    let steps = try await line.compareAndStop()
    // To now, ahead, back, to now, and the second that came twice.
    #expect(steps.filter { abs($0.to.since($0.from).inSeconds) > 0.5 }.count >= 5, "\(steps)")
    let times = try await line.times()
    let strays = times.filter {
      $0.time < began.adding(.seconds(-3)) || $0.time > Moment.now().time.adding(.seconds(3))
    }
    #expect(
      strays.isEmpty, "\(strays.count) of \(times.count) events are at another time than they were: \(strays.prefix(5))"
    )
    #expect(times.contains { $0.original?.description.hasPrefix("1970-01-01") ?? false })
    for (former, latter) in zip(times, times.dropFirst()) {
      // The second that came twice, and half a second that is no step.
      #expect(latter.time.since(former.time) > .seconds(-2), "\(former) before \(latter)")
    }
    try await line.stopCentral()
  }

  @Test func `the hour that comes twice in autumn is two hours of UTC`() async throws {
    let line = try await WorkingLine()
    line.clock.set(to: try #require(Timestamp("2026-10-25T00:59:57Z")))
    line.clock.isSynchronised = true
    try await line.start(environment: ["TZ": "Europe/Berlin"])
    let twice = try #require(Timestamp("2026-10-25T01:00:02Z"))
    try await eventually("the clocks were put back", within: .seconds(60)) {
      try await line.movesOn()
      return try await line.times().contains { $0.time > twice }
    }
    #expect(try await line.compareAndStop().isEmpty)
    let times = try await line.times()
    for (former, latter) in zip(times, times.dropFirst()) { #expect(latter.time.since(former.time) > .seconds(-1)) }
    try await line.stopCentral()
  }

  @Test func `a PC that slept eight hours goes on as if nothing was, and tells what it did not read`() async throws {
    let line = try await WorkingLine()
    line.clock.isSynchronised = true
    try await line.start()
    try await line.movesOn()
    let before = line.tap.questions.count
    line.clock.sleep(.seconds(8 * 3600))
    let woke = ContinuousClock.now
    try await line.movesOn()
    let polls = line.tap.questions.count - before
    // A poll each 20 ms, with the block and the acknowledge of each piece: nothing is made up for.
    #expect(Double(polls) < (ContinuousClock.now - woke).inSeconds * 50 * 4 + 100, "\(polls) questions after it woke")
    #expect(try await line.compareAndStop(standingStill: true).isEmpty, "nobody set the clock")
    #expect(!line.edge.said.contains("hang"), "\(line.edge.said)")
    let gap = try await line.answers.all("/v1/gaps?limit=500").first { gap in
      guard gap["kind"]?.text == "daemon-down", let from = gap["from"]?.time, let to = gap["to"]?.time else {
        return false
      }
      return to.since(from) > .seconds(7 * 3600)
    }
    #expect(gap != nil, "no gap of eight hours")
    try await line.stopCentral()
  }

  @Test(.enabled(if: OwnTime.isPossible, "\(OwnTime.reason)"))
  func `a PC that has been up for ten years does what one does that was just started`() async throws {
    let line = try await WorkingLine()
    try await line.start(through: OwnTime.command(upSince: Self.year * 10))
    try await line.movesOn()
    _ = try await line.compareAndStop()
    let first = try #require(try await line.answers.all("/v1/events?limit=1").first)
    #expect(UInt64(first["boottime"]?.text ?? "") ?? 0 > 315_000_000_000_000_000)
    try await line.stopCentral()
  }

  @Test(.timeLimit(minutes: 60), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: a daemon that is stopped for minutes tells the gap, and makes up for no poll`() async throws {
    let line = try await WorkingLine()
    line.clock.isSynchronised = true
    let notify = try NotifySocket(line.folder.scratch)
    try await line.start(environment: ["NOTIFY_SOCKET": notify.path, "WATCHDOG_USEC": "30000000"])
    try await line.movesOn()
    let seconds = Proof.number("LOTLINE_STOPPED") ?? 60
    line.edge.signal(SIGSTOP)
    try await Task.sleep(for: .seconds(seconds))  // how long it is stopped, not a wait for anything
    let before = line.tap.questions.count
    line.edge.signal(SIGCONT)
    let woke = ContinuousClock.now
    try await line.movesOn()
    let polls = line.tap.questions.count - before
    #expect(Double(polls) < (ContinuousClock.now - woke).inSeconds * 50 * 4 + 100, "\(polls) questions afterwards")
    _ = notify.heard()
    try await eventually("the watchdog is fed again") { notify.heard().contains { $0.contains("WATCHDOG=1") } }
    _ = try await line.compareAndStop(standingStill: true)
    #expect(!line.edge.said.contains("hang"), "\(line.edge.said)")
    let gap = try await line.answers.all("/v1/gaps?limit=500").first { gap in
      guard gap["kind"]?.text == "daemon-down", let from = gap["from"]?.time, let to = gap["to"]?.time else {
        return false
      }
      return to.since(from) > .seconds(seconds - 5)
    }
    #expect(gap != nil, "no gap of \(seconds) s")
    try await line.stopCentral()
  }
}

/// A time namespace for one program.
enum OwnTime {
  static let reason = "needs the right to a time namespace"
  static let isPossible: Bool = {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/unshare")
    process.arguments = ["-T", "--boottime", "100", "true"]
    process.standardError = FileHandle.nullDevice
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationReason == .exit && process.terminationStatus == 0
  }()

  static func command(upSince duration: Duration) -> [String] {
    let seconds = "\(Int(duration.inSeconds))"
    return ["/usr/bin/unshare", "-T", "--boottime", seconds, "--monotonic", seconds]
  }
}

/// A line of a PLC that counts, one with a bit, and a scanner, whose edge sees another clock than its central.
private final class WorkingLine {
  let plcs: [SerialPLC]
  let gun: InsistentScanner
  let tap: WireTap
  let folder: LineFolder
  let clock: FalseClock
  private let links: ScratchFolder
  private var central: Program!
  private(set) var edge: Program!
  private var load: Task<Void, Never>?

  init() async throws {
    plcs = try await SerialPLC.some(1) + SerialPLC.some(1, .bit)
    links = try ScratchFolder()
    gun = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    tap = try WireTap(before: plcs[0].port)
    var seen = plcs.map { LineFolder.PLC($0) }
    seen[0] = LineFolder.PLC(name: plcs[0].name, port: tap.port)
    folder = try LineFolder(plcs: seen, scanners: [.init(name: gun.name, link: gun.link)])
    clock = try await FalseClock(in: links)
  }

  deinit { load?.cancel() }

  var answers: CentralAnswers { CentralAnswers(url: folder.centralURL) }

  func start(environment: [String: String] = [:], through command: [String] = []) async throws {
    central = try folder.startCentral()
    let all = command + [Program.lotline, "edge", "run", "--config", folder.edge]
    edge = try Program(
      all[0], Array(all.dropFirst()), in: folder.scratch, name: "edge",
      environment: clock.environment.merging(environment) { _, new in new })
    let (plcs, gun) = (plcs, gun)
    load = Task {
      await withDiscardingTaskGroup { group in
        for plc in plcs { group.addTask { await plc.run() } }
        group.addTask { await gun.run() }
      }
    }
    try await answers.ready()
  }

  /// Waits until each machine and the scanner were told of more.
  func movesOn() async throws {
    var before: [Int] = []
    for plc in plcs { before.append(await plc.acknowledged.count) }
    let scans = await gun.acknowledged.count
    try await eventually("the line moves on; edge: \(edge.said.suffix(900))", within: .seconds(60)) {
      for (plc, count) in zip(plcs, before) {
        guard await plc.acknowledged.count > count + 2 else { return false }
      }
      return await gun.acknowledged.count > scans + 1
    }
  }

  /// Does something to the clock, lets the line go on, and waits until the edge has told of it: two steps between
  /// two of its looks are one to it.
  func noticing(_ change: (FalseClock) -> Void) async throws {
    let before = try await clocks().count
    change(clock)
    try await movesOn()
    try await eventually("the central is told of the clock", within: .seconds(60)) { try await clocks().count > before }
    try await movesOn()
  }

  private func clocks() async throws -> [ClockData] {
    try await answers.all("/v1/events?type=lotline.clock&limit=1000").compactMap {
      $0["data"].flatMap { ClockData($0) }
    }
  }

  /// Holds what was acknowledged against the central's answers, ends the edge, and gives what it said of its clock.
  func compareAndStop(standingStill: Bool = false) async throws -> [ClockData] {
    load?.cancel()
    await load?.value
    try await LineLedger(plcs: plcs, scanners: [gun]).compare(with: folder, expecting: nil)
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(30)) == 0, "\(edge.said)")
    let gaps = try await answers.all("/v1/gaps?limit=500")
    #expect(gaps.contains { $0["kind"]?.text == "daemon-down" } == standingStill)
    return try await clocks()
  }

  func stopCentral() async throws {
    central.signal(SIGTERM)
    #expect(try await central.ended(within: .seconds(30)) == 0, "\(central.said)")
  }

  struct EventTime {
    let sequence: UInt64
    let time: Timestamp
    /// What the line PC's clock said, where that was another time.
    let original: Timestamp?
  }

  /// The time of each cycle and scan as the central has it, in the order of their numbers.
  func times() async throws -> [EventTime] {
    var found: [EventTime] = []
    for type in ["cycle", "scan"] {
      var cursor = ""
      repeat {
        let page = try await answers.json("/v1/events?type=lotline.\(type)&limit=1000\(cursor)")
        let corrected = Dictionary(
          (page["times"]?.items ?? []).map { ($0["id"]?.text ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        for event in page["items"]?.items ?? [] {
          let id = try #require(event["id"]?.text)
          let stamped = try #require(event["time"]?.time)
          found.append(
            EventTime(
              sequence: try #require(EventID(id)).sequence, time: corrected[id]?["time"]?.time ?? stamped,
              original: corrected[id]?["original"]?.time))
        }
        cursor = page["next"]?.text.map { "&cursor=\($0)" } ?? ""
      } while !cursor.isEmpty
    }
    return found.sorted { $0.sequence < $1.sequence }
  }
}
