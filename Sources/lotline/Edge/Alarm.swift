import Devices
import Events
import Foundation
import Logging
import Machine
import Web

/// Shows on the line whether readings are kept: on the lamp whose coil the settings name, and by their command.
///
/// Nothing of it holds the capture up: the coil is written by its device in its turn, the command has a thread and a time
/// limit of its own.
struct Alarm: Sendable {
  /// Those in force, which a reload may change.
  let settings: @Sendable () -> AlarmSettings?
  let capture: @Sendable () -> Capture
  let devices: LineDevices
  let logger: Logger
  private let runner = AlarmCommand()
  /// How often it looks.
  private static let pace = Duration.milliseconds(500)
  /// How long the last word may take: the daemon is being stopped.
  private static let lastWord = Duration.seconds(2)

  init(
    settings: @escaping @Sendable () -> AlarmSettings?, capture: @escaping @Sendable () -> Capture,
    devices: LineDevices,
    logger: Logger
  ) {
    (self.settings, self.capture, self.devices, self.logger) = (settings, capture, devices, logger)
  }

  /// Runs until the task is cancelled, and then shows that nothing is captured any more.
  func run() async {
    async let lamp: Void = light()
    await tell()
    await lamp
    let end = Capture(notCapturing: "the daemon was stopped")
    // Its own task: what is told last is told although this one is cancelled.
    await Task { await show(last: end) }.value
  }

  private func light() async {
    while !Task.isCancelled {
      let capture = capture()
      devices.light(settings()?.coil.map { $0.when.isLit(by: capture.word) })
      try? await Task.sleep(for: Self.pace)
    }
  }

  /// Runs the command with each new word, one run after the other; what came and went during one is not told.
  private func tell() async {
    var shown: Capture.Word?
    var told: String?
    while !Task.isCancelled {
      let capture = capture()
      if let command = settings()?.command, !command.isEmpty, capture.word != shown {
        told = note(await runner.run(command, capture, within: .seconds(10)), of: command, before: told)
        shown = capture.word
      }
      try? await Task.sleep(for: Self.pace)
    }
  }

  private func show(last capture: Capture) async {
    let settings = settings()
    let end = ContinuousClock.now + Self.lastWord
    let isLit = settings?.coil.map { $0.when.isLit(by: capture.word) }
    devices.light(isLit)
    async let outcome = runner.run(settings?.command ?? [], capture, within: Self.lastWord)
    while let isLit, devices.isLit != isLit, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(20)) }
    _ = note(await outcome, of: settings?.command ?? [], before: nil)
  }

  /// Logs what went wrong, or what the command said, where that is news; gives what the log has.
  private func note(_ outcome: AlarmCommand.Outcome?, of command: [String], before: String?) -> String? {
    guard let outcome else { return before }
    let program = command.first ?? ""
    let said = String(decoding: outcome.output, as: UTF8.self).split(separator: "\n").prefix(3)
      .map { visible(String($0.prefix(200))) }.joined(separator: "; ")
    let end: String? =
      switch outcome.ending {
      case .exited(0): nil
      case .exited(let status): "ended with status \(status)"
      case .signalled(let signal): "was ended by signal \(signal)"
      case .overtime: "took longer than its time limit and was killed"
      case .notStarted(let failure): "cannot be started: \(failure.reason)"
      }
    let words = [end, said.isEmpty ? nil : "it said: \(said)"].compactMap { $0 }.joined(separator: ", and ")
    guard words != before else { return before }
    if end != nil {
      logger.error("the alarm's command \(program) \(words)")
    } else if !words.isEmpty {
      logger.info("the alarm's command \(program): \(words)")
    }
    return words
  }
}

/// Runs the alarm's command on a thread of its own.
private actor AlarmCommand {
  struct Outcome: Sendable {
    let ending: BoundedCommand.Ending
    let output: [UInt8]
  }

  nonisolated private let thread = OwnThread(name: "alarm")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  /// Nil where there is nothing to run.
  func run(_ command: [String], _ capture: Capture, within limit: Duration) -> Outcome? {
    guard !command.isEmpty else { return nil }
    var environment = ProcessInfo.processInfo.environment
    // The service manager would take the command's word for the daemon's.
    for name in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"] { environment[name] = nil }
    environment["LOTLINE_CAPTURE"] = capture.word.rawValue
    environment["LOTLINE_SENTENCE"] = capture.sentence()
    environment["LOTLINE_REASON"] = capture.reason ?? ""
    let run = BoundedCommand(command + [capture.word.rawValue], environment: environment, timeLimit: limit).run()
    return Outcome(ending: run.ending, output: run.output)
  }
}
