import Events
import Machine
import Queue
import Settings

/// What the daemon records when it starts: that it runs, what was missing before, and its settings.
struct Start {
  let source: SourceName
  let moment: Moment
  let opening: Opening
  let files: [(file: String, text: String)]
  /// The hashes of the settings in force before, as the queue kept them, by state key.
  let kept: [String: [UInt8]]

  static let configPrefix = "config/"

  /// All of it as one entry: started, gaps, then each settings file that changed.
  func entry() -> Entry {
    var entry = Entry(events: [event(Self.started(after: opening.previous, alive: opening.alive))])
    entry.events += gaps.map { event($0) }
    for (file, text) in files {
      let config = ConfigData(file: file, text: text)
      let key = Self.configPrefix + file
      guard kept[key] != Array(config.sha256.utf8) || opening.previous != nil else { continue }
      entry.events.append(event(config))
      entry.state.append(StateChange(key: key, value: Array(config.sha256.utf8)))
    }
    return entry
  }

  /// What the first event of a start, or of a new life of the queue, says.
  static func started(after previous: StartedData.Previous?, alive: Timestamp?) -> StartedData {
    let clock = ClockState.now()
    return StartedData(
      boot: Host.bootID, version: Lotline.version, host: Host.name, clockSynchronised: clock.synchronised,
      clockErrorSeconds: clock.errorSeconds, previous: previous, alive: alive)
  }

  /// The time in which nothing was read.
  var gaps: [GapData] {
    var gaps: [GapData] = []
    if let alive = opening.alive, alive < moment.time {
      gaps.append(
        GapData(
          kind: .daemonDown, from: alive, to: moment.time,
          reason: opening.stoppedCleanly ? "the daemon was stopped" : "the daemon ended without being stopped"))
    }
    return gaps
  }

  private func event(_ data: some EventData) -> Event { Event(data, at: moment, subject: source.description) }
}
