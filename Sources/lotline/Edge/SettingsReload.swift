import Devices
import Events
import Logging
import Machine
import NIOConcurrencyHelpers
import Queue
import Settings
import Stations
import UnixSignals
import Web

/// Takes other settings while the daemon runs, all of them or none: on SIGHUP, or asked over the control socket.
///
/// Only devices whose settings or map changed are restarted; all others keep their connection, and what a station
/// remembers stays. Files that cannot be used, or a queue that does not take them, leave everything as it was.
struct SettingsReload: Sendable {
  /// The settings file.
  let path: String
  /// What the daemon was started with, of which some holds until its end.
  let initial: EdgeSettings
  let queue: EventQueue
  let devices: LineDevices
  let stations: LineStations
  let supervisor: Supervisor
  let logger: Logger
  private let board: NIOLockedValueBox<(settings: EdgeSettings, status: SettingsStatus)>
  private let asked: AsyncStream<Reply?>
  private let asking: AsyncStream<Reply?>.Continuation

  private typealias Reply = CheckedContinuation<ReloadAnswer, Never>

  init(
    path: String, plan: StartPlan, queue: EventQueue, devices: LineDevices, stations: LineStations,
    supervisor: Supervisor, logger: Logger
  ) {
    (self.path, initial, self.queue, self.devices) = (path, plan.settings, queue, devices)
    (self.stations, self.supervisor, self.logger) = (stations, supervisor, logger)
    var status = SettingsStatus(path: path, since: Moment.now().time, files: initial.hashes)
    status.safeMode = plan.safeMode.map { SettingsStatus.SafeMode(since: $0.since, why: $0.why) }
    status.problems = plan.safeMode?.problems ?? []
    board = NIOLockedValueBox((initial, status))
    (asked, asking) = AsyncStream.makeStream()
  }

  /// The settings in force.
  var current: EdgeSettings { board.withLockedValue { $0.settings } }

  /// Which settings are in force.
  var status: SettingsStatus { board.withLockedValue { $0.status } }

  /// Reads the files and takes what they say, as soon as whoever asked before has got an answer.
  func ask() async -> ReloadAnswer {
    await withCheckedContinuation { reply in
      if case .terminated = asking.yield(reply) { reply.resume(returning: Self.stopping) }
    }
  }

  /// Serves who asks, one after the other, until the task is cancelled.
  ///
  /// - Parameter hangups: each is taken for a question.
  func run(hangups: UnixSignalsSequence) async {
    await withDiscardingTaskGroup { group in
      group.addTask { for await _ in hangups { asking.yield(nil) } }
      for await reply in asked {
        let answer = Task.isCancelled ? Self.stopping : await reload()
        reply?.resume(returning: answer)
      }
    }
  }

  /// Records that the daemon runs in safe mode, as soon as the queue takes it.
  func tellSafeMode() async {
    while let safeMode = status.safeMode, !Task.isCancelled {
      if (try? await record(finding(safeMode))) != nil { return }
      try? await Task.sleep(for: .seconds(1))
    }
  }

  private func finding(_ safeMode: SettingsStatus.SafeMode, to end: Timestamp? = nil) -> FindingData {
    FindingData(kind: .safeMode, from: safeMode.since, to: end, reason: safeMode.why)
  }

  private func record(_ finding: FindingData) async throws {
    let event = Event(finding, at: .now(), subject: initial.source.description)
    _ = try await queue.append { _ in Entry(events: [event]) }
  }

  private static let stopping = ReloadAnswer(isTaken: false, words: "the daemon is being stopped")

  private func reload() async -> ReloadAnswer {
    supervisor.reloading()
    let answer: ReloadAnswer
    do {
      answer = try await take(try await SettingsReading().read(path))
      logger.notice("\(answer.words)")
    } catch {
      var refused = ReloadAnswer(isTaken: false, words: "the settings in force stay as they were")
      refused.problems = "\(error)".split(separator: "\n").map(String.init)
      for problem in refused.problems.prefix(20) { logger.error("\(refused.words): \(problem)") }
      answer = refused
    }
    let safeMode = status.safeMode
    note(answer)
    if answer.isTaken, let safeMode {
      logger.notice("safe mode is over: the settings of the files are in force")
      // The next start ends it where this cannot be written.
      try? await record(finding(safeMode, to: Moment.now().time))
    }
    let source = initial.source
    supervisor.ready(
      status: answer.isTaken
        ? "capturing for \(source)" : "capturing for \(source), with older settings than the files: the log says why")
    return answer
  }

  /// Stops what the new settings change, records them, and goes on with them.
  private func take(_ new: EdgeSettings) async throws -> ReloadAnswer {
    let old = board.withLockedValue { $0.settings }
    let difference = devices.difference(to: new.devices)
    await devices.stop(difference.stopped)
    do {
      try Task.checkCancellation()
      // What the stopped ones said last is in it.
      let kept = try await queue.state(prefix: "")
      try await record(Start.configs(new.files, kept: kept))
      await stations.change(to: new.stations, routing: Routing(new.devices), state: kept)
      devices.start(new.devices, lastCycles: LineStations.lastCycles(from: kept))
    } catch is CancellationError {
      throw ReloadFault("the daemon is being stopped")
    } catch {
      devices.start(old.devices, lastCycles: await stations.lastCycles)
      throw ReloadFault("the new settings cannot be recorded: \(error)")
    }
    var answer = ReloadAnswer(isTaken: true, words: "")
    answer.files = new.files.filter { file in !old.files.contains { $0 == file } }.map(\.file)
    (answer.restarted, answer.added, answer.removed) = (difference.restarted, difference.added, difference.removed)
    answer.stations = EdgeSettings.changed(old.stations, new.stations)
    answer.nextStart = initial.waiting(in: new)
    answer.words = answer.sentence
    board.withLockedValue { $0.settings = new }
    return answer
  }

  private func record(_ configs: [ConfigData]) async throws {
    guard !configs.isEmpty else { return }
    let moment = Moment.now()
    let events = configs.map { Event($0, at: moment, subject: initial.source.description) }
    let state = configs.map(Start.state)
    _ = try await queue.append { _ in Entry(events: events, state: state) }
  }

  private func note(_ answer: ReloadAnswer) {
    let now = Moment.now().time
    board.withLockedValue { board in
      board.status.lastReload = now
      board.status.reloads += 1
      board.status.problems = answer.problems
      guard answer.isTaken else {
        board.status.refusals += 1
        return
      }
      board.status.nextStart = answer.nextStart
      board.status.safeMode = nil
      if board.status.files != board.settings.hashes {
        (board.status.files, board.status.since) = (board.settings.hashes, now)
      }
    }
  }
}

/// Why the settings could not be taken although the files are good.
private struct ReloadFault: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// Reads settings files on a thread of its own: a disk may be slow.
private actor SettingsReading {
  nonisolated private let thread = OwnThread(name: "settings")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func read(_ path: String) throws -> EdgeSettings { try EdgeSettings.read(path) }
}
