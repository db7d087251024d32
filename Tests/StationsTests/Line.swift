import Devices
import Events
import Logging
import Stations

/// A line with one press (`press-1`, group `cycle`) and one scanner (`gun-1`) at ST10, and what its devices report.
struct Line {
  let queue: MemoryQueue
  let stations: LineStations

  static let start = Moment(time: Timestamp("2026-11-23T08:00:00Z")!, boottimeNanoseconds: 10_000_000_000_000)

  init(
    queue: MemoryQueue = MemoryQueue(), state: [String: [UInt8]] = [:],
    _ change: (inout StationSettings) -> Void = { _ in }
  ) {
    self.queue = queue
    var press = StationSettings(name: "ST10")
    change(&press)
    stations = LineStations(
      [press, StationSettings(name: "ST20")],
      routing: Routing(
        devices: ["press-1": "ST10", "gun-1": "ST10", "gun-2": "ST20"],
        groups: [CycleKey(device: "press-1", group: "cycle-b"): "ST20"]),
      state: state, append: { make throws(Refusal) in try await queue.append(make) },
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }

  /// So many seconds after the line's first moment.
  static func at(_ seconds: Double) -> Moment {
    Moment(
      time: Timestamp(microseconds: start.time.microseconds + Int64(seconds * 1e6)),
      boottimeNanoseconds: UInt64(Double(start.boottimeNanoseconds) + seconds * 1e9))
  }

  @discardableResult
  func scan(_ roles: [(String, String)], at seconds: Double, device: String = "gun-1", problem: String? = nil) async
    -> Acceptance
  {
    let text = roles.map(\.1).joined()
    return await stations.take(
      .scan(
        Scan(
          device: device, moment: Self.at(seconds), raw: Array(text.utf8) + [13], text: text,
          roles: roles.map { .init($0.0, $0.1) }, problem: problem)))
  }

  @discardableResult
  func cycle(
    _ trigger: UInt64, at seconds: Double, after: Double?, roles: [(String, String)] = [],
    jump: CycleReading.Jump = .none, group: String = "cycle"
  ) async -> Acceptance {
    await stations.take(
      .cycle(
        CycleReading(
          device: "press-1", group: group, moment: Self.at(seconds), trigger: trigger,
          after: after.map { Self.at($0).time }, tags: [Tag("peak-force", .double(101.5))], result: "pass",
          outside: ["peak-force"], roles: roles.map { .init($0.0, $0.1) }, jump: jump)))
  }

  @discardableResult
  func reading(at seconds: Double, group: String = "process", value: Int64 = 1) async -> Acceptance {
    await stations.take(
      .reading(Reading(device: "press-1", group: group, moment: Self.at(seconds), tags: [Tag("n", .int(value))])))
  }

  /// The same line after a start of the daemon, with what the queue kept.
  func restarted(_ change: (inout StationSettings) -> Void = { _ in }) async -> Line {
    Line(queue: queue, state: await queue.state, change)
  }
}
