import Events
import Machine
import Queue
import Settings

/// What the daemon records when it starts: that it runs, what was missing before, and its settings.
struct Start {
  let source: SourceName
  let moment: Moment
  /// What the kernel knew of the clock at that moment.
  let clock: ClockState
  let opening: Opening
  let files: [(file: String, text: String)]
  /// The hashes of the settings in force before, as the queue kept them, by state key.
  let kept: [String: [UInt8]]

  static let configPrefix = "config/"

  /// All of it as one entry: started, gaps, then each settings file that changed.
  func entry() -> Entry {
    var entry = Entry(events: [event(Self.started(after: opening.previous, alive: opening.alive, clock: clock))])
    entry.events += gaps.map { event($0) }
    for config in Self.configs(files, kept: opening.previous == nil ? kept : [:]) {
      entry.events.append(event(config))
      entry.state.append(Self.state(of: config))
    }
    return entry
  }

  /// The settings files whose text is not the one that history has last.
  ///
  /// - Parameter kept: the state that `state(of:)` made, by its key.
  static func configs(_ files: [(file: String, text: String)], kept: [String: [UInt8]]) -> [ConfigData] {
    files.map { ConfigData(file: $0.file, text: $0.text) }
      .filter { kept[configPrefix + $0.file] != Array($0.sha256.utf8) }
  }

  /// What the queue keeps beside a config event.
  static func state(of config: ConfigData) -> StateChange {
    StateChange(key: configPrefix + config.file, value: Array(config.sha256.utf8))
  }

  /// What the first event of a start, or of a new life of the queue, says.
  static func started(after previous: StartedData.Previous?, alive: Timestamp?, clock: ClockState) -> StartedData {
    StartedData(
      boot: Host.bootID, version: Lotline.version, host: Host.name, clockSynchronised: clock.synchronised,
      clockErrorSeconds: clock.errorSeconds, previous: previous, alive: alive)
  }

  /// The time in which nothing was read.
  var gaps: [GapData] {
    guard let alive = opening.alive else { return [] }
    let why = opening.stoppedCleanly ? "the daemon was stopped" : "the daemon ended without being stopped"
    guard alive >= moment.time else {
      return [GapData(kind: .daemonDown, from: alive, to: moment.time, reason: why)]
    }
    // Its end is when this is told, by whatever is known of the clock later.
    return [
      GapData(
        kind: .daemonDown, from: alive,
        reason: "\(why); since then this PC's clock was put back, or lost its time while the PC was off")
    ]
  }

  private func event(_ data: some EventData) -> Event { Event(data, at: moment, subject: source.description) }
}
