import Events
import Foundation
import Logging
import Machine
import Queue

/// Keeps settings that have run well for a minute, as what a later start can fall back to.
struct GoodWatch: Sendable {
  let folder: String
  let path: String
  let queue: EventQueue
  /// Those in force.
  let settings: @Sendable () -> EdgeSettings
  let logger: Logger
  static let probation = Duration.seconds(60)

  /// Runs until the task is cancelled.
  func run() async {
    let thread = FileThread()
    var kept = await thread.kept(in: folder, for: path)?.files
    var trial = Trial()
    while !Task.isCancelled {
      try? await Task.sleep(for: .seconds(1))
      let found = GoodSettings(path: path, since: Moment.now().time, files: settings().files)
      guard trial.isOver(found.files, isWell: queue.status.accepts, at: .now), found.files != kept else { continue }
      kept = found.files
      if let failure = await thread.keep(found, in: folder) {
        logger.warning("the settings ran well and are not kept for a safe mode: \(failure)")
      }
    }
  }

  /// How long the same settings have run well.
  struct Trial {
    private var files: [String: String] = [:]
    private var begun = ContinuousClock.now

    /// Takes the next look; true once they have run well for long enough.
    mutating func isOver(_ now: [String: String], isWell: Bool, at instant: ContinuousClock.Instant) -> Bool {
      if now != files || !isWell { (files, begun) = (now, instant) }
      return instant - begun >= GoodWatch.probation
    }
  }
}

/// A disk may be slow.
private actor FileThread {
  nonisolated private let thread = OwnThread(name: "good settings")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func kept(in folder: String, for path: String) -> GoodSettings? { GoodSettings(folder: folder, path: path) }

  func keep(_ settings: GoodSettings, in folder: String) -> SystemFailure? {
    do throws(SystemFailure) { try settings.write(to: folder) } catch { return error }
    return nil
  }
}
