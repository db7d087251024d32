import Events
import Foundation
import Logging
import Settings
import TestParts
import Testing

@testable import Devices

/// Takes reports in place of the stations and the queue, and answers as the test wants.
actor Desk {
  private(set) var reports: [Report] = []
  private var answer = Acceptance.accepted
  private var isHeld = false
  private var held: [CheckedContinuation<Void, Never>] = []

  func take(_ report: Report) async -> Acceptance {
    if isHeld, case .scan = report { await withCheckedContinuation { held.append($0) } }
    reports.append(report)
    return answer
  }

  /// Answers no scan from now on.
  func hold() { isHeld = true }

  func release() {
    isHeld = false
    for continuation in held { continuation.resume() }
    held.removeAll()
  }

  func answerWith(_ answer: Acceptance) { self.answer = answer }

  var heldCount: Int { held.count }
  var scans: [Scan] { reports.compactMap { if case .scan(let scan) = $0 { scan } else { nil } } }
  var holes: [Hole] { reports.compactMap { if case .hole(let hole) = $0 { hole } else { nil } } }
  var states: [StateReport] { reports.compactMap { if case .state(let state) = $0 { state } else { nil } } }
}

/// A scanner device that runs on a simulated scanner, with the desk that it reports to.
struct ScannerBench {
  let gun: SimulatedScanner
  let desk: Desk
  let device: ScannerDevice
  let folder: ScratchFolder
  let log: KeptLog

  static let acknowledging = """
    frame: { end: "\\r", idle: 100ms }
    acknowledge: { accepted: "\\x06", refused: "\\x15" }
    codes: [{ match: "^OP-(?<operator>[0-9]{4})$" }]
    """
  static let accepted: [UInt8] = [0x06]
  static let refused: [UInt8] = [0x15]

  /// Runs a device with a map while `body` does; `body` ends it.
  ///
  /// The port is online when `body` begins.
  static func run(
    _ yaml: String = acknowledging, isPlugged: Bool = true, _ body: (ScannerBench) async throws -> Void
  ) async throws {
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun"))
    if !isPlugged { await gun.unplug() }
    let desk = Desk()
    let log = KeptLog()
    let device = try scannerDevice(yaml, path: gun.link, desk: desk, log: log)
    let bench = ScannerBench(gun: gun, desk: desk, device: device, folder: folder, log: log)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { await device.run() }
      try await eventually("the device has a state") {
        await desk.states.last?.state == (isPlugged ? .online : .offline)
      }
      try await body(bench)
      group.cancelAll()
    }
  }

  /// Sends text and expects the answer.
  func scan(_ text: String, gives answer: [UInt8], at place: SourceLocation = #_sourceLocation) async throws {
    try await scan(Array(text.utf8), gives: answer, at: place)
  }

  /// Sends bytes and expects the answer.
  func scan(_ bytes: [UInt8], gives answer: [UInt8], at place: SourceLocation = #_sourceLocation) async throws {
    let found = try await gun.scan(bytes)
    #expect(found == answer, sourceLocation: place)
  }
}

/// A device that is not running yet.
func scannerDevice(_ yaml: String, path: String, desk: Desk, log: KeptLog = KeptLog()) throws -> ScannerDevice {
  scannerDevice(try scannerMap(yaml), at: .port(path: path), desk: desk, log: log)
}

/// A device at a place of any kind that is not running yet.
func scannerDevice(
  _ map: ScannerMap, at place: ScannerPlace, desk: Desk, log: KeptLog = KeptLog(), ports: USBPorts = USBPorts()
) -> ScannerDevice {
  let settings = DeviceSettings(
    name: "gun-1", station: "ST10", map: LoadedMap(name: "gun", file: "gun.yaml", text: "", map: .serial(map)),
    link: .scanner(place))
  return ScannerDevice(
    settings: settings, map: map, place: place, logger: Logger(label: "test", factory: { _ in log }), ports: ports,
    sink: { await desk.take($0) })
}

/// Keeps what is logged.
struct KeptLog: LogHandler {
  /// `@unchecked` because every access to `lines` is under `lock`.
  private final class Lines: @unchecked Sendable {
    private let lock = NSLock()
    private var lines: [String] = []

    var all: [String] { lock.withLock { lines } }
    func add(_ line: String) { lock.withLock { lines.append(line) } }
  }

  private let kept = Lines()
  var logLevel = Logger.Level.info
  var metadata = Logger.Metadata()

  var lines: [String] { kept.all }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) { kept.add("\(event.level) \(event.message)") }
}
