import Events
import Foundation
import Logging
import NIOConcurrencyHelpers
import Store
import TestParts

/// The central: its disk, and its store while the daemon runs.
final class SimulatedCentral {
  let disk: SimulatedDisk
  var store: TraceStore?
  var images: [SimulatedEdge.Image] = []
  /// From an image's step to that at which it was put back.
  var erased: [ClosedRange<Int>] = []
  let clock = NIOLockedValueBox(Timestamp("2020-01-01T00:00:00Z")!)

  init(folder: String) { disk = SimulatedDisk(folder) }

  func open() async throws {
    let rules = TraceRules(now: { [clock] in clock.withLockedValue { $0 } })
    store = try await TraceStore.open(path: disk.path + "/central.db", rules: rules, logger: silent)
  }
}

let silent = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
