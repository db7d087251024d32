import Events
import Foundation
import Logging
import NIOConcurrencyHelpers
import Store
import Web

/// The loop around `BackupPlan`: takes the copies that are due, removes those that are too many, tells what fails.
struct BackupKeeper: Sendable {
  private let plan: BackupPlan
  private let store: TraceStore
  private let logger: Logger
  private let box: NIOLockedValueBox<BackupStatus>

  init(_ settings: CentralSettings.BackupSettings, store: TraceStore, logger: Logger) {
    plan = BackupPlan(settings: settings)
    self.store = store
    self.logger = logger
    box = NIOLockedValueBox(BackupStatus(folder: settings.folder, every: settings.every, began: store.now))
  }

  var status: BackupStatus { box.withLockedValue { $0 } }

  /// Takes backups until the task is cancelled.
  func run() async {
    let folder = plan.settings.folder
    let last = try? await store.backups(limit: 1000).first { record in
      (record.file as NSString).deletingLastPathComponent == folder
    }
    box.withLockedValue { $0.last = last }
    var failures = 0
    while !Task.isCancelled {
      let pause = plan.pause(after: status.last?.taken, failures: failures, now: store.now)
      // In parts, so that a step of the clock or a suspended machine delays none for long.
      guard pause <= .zero else {
        do { try await Task.sleep(for: failures > 0 ? pause : min(pause, .seconds(60))) } catch { return }
        if failures > 0 { failures = await take() ? 0 : failures + 1 }
        continue
      }
      failures = await take() ? 0 : 1
    }
  }

  /// Takes one; false where it failed.
  private func take() async -> Bool {
    do {
      let record = try await store.backUp(to: plan.file(at: store.now))
      let wasFailing = box.withLockedValue { status in
        defer { (status.last, status.failure) = (record, nil) }
        return status.failure != nil
      }
      logger.info("\(wasFailing ? "backups work again: " : "")\(record.words)")
      prune()
      return true
    } catch {
      if Task.isCancelled { return false }
      let isNews = box.withLockedValue { status in
        defer { status.failure = "\(error)" }
        status.failures += 1
        return status.failure != "\(error)"
      }
      if isNews {
        logger.error(
          "\(error). What is not in a backup yet stays at the line PCs as long as they can; it is tried again")
      }
      return false
    }
  }

  private func prune() {
    let folder = plan.settings.folder
    do {
      for name in plan.superfluous(among: try FileManager.default.contentsOfDirectory(atPath: folder)) {
        try FileManager.default.removeItem(atPath: "\(folder)/\(name)")
      }
    } catch {
      logger.warning("old backups in \(folder) cannot be removed: \(error.localizedDescription)")
    }
  }
}

extension BackupRecord {
  /// What was done, in one line.
  var words: String { "\(file) has \(events) events, verified; \(bytes) bytes, sha256 \(sha256)" }
}
