import Events
import Foundation
import Queue
import TestParts

@testable import Forward

/// A line PC: its disk, its queue while the daemon runs, and how far its events are on their way.
final class SimulatedEdge {
  let number: Int
  let source: SourceName
  /// The central comes for its events.
  let isPulled: Bool
  let disk: SimulatedDisk
  let settings: QueueSettings
  var queue: EventQueue?
  var delivery: DeliveryState
  var action = DeliveryState.first
  /// Images of its folder, with the step at which each was taken.
  var images: [Image] = []
  /// From an image's step to that at which it was put back: what was accepted between is on no disk here.
  var erased: [ClosedRange<Int>] = []
  let limits: DeliveryState.Limits

  struct Image {
    let path: String
    let step: Int
  }

  init(_ number: Int, source: SourceName, isPulled: Bool, folder: String, keep: Duration, limits: DeliveryState.Limits)
  {
    self.number = number
    self.source = source
    self.isPulled = isPulled
    self.limits = limits
    delivery = DeliveryState(limits: limits)
    disk = SimulatedDisk(folder)
    var settings = QueueSettings(path: folder + "/queue.db")
    settings.limitBytes = 4_000_000
    settings.reserveBytes = 64 << 10
    settings.checkpointPages = 20
    settings.keep = keep
    self.settings = settings
  }

  /// The process that delivers begins anew.
  func resetDelivery() {
    delivery = DeliveryState(limits: limits)
    action = DeliveryState.first
  }
}

/// Puts the files of `folder` in another one, in place of what is there.
func copyFiles(from folder: String, to target: String) throws {
  let files = FileManager.default
  try files.createDirectory(atPath: target, withIntermediateDirectories: true)
  for name in try files.contentsOfDirectory(atPath: target) { try files.removeItem(atPath: target + "/" + name) }
  for name in try files.contentsOfDirectory(atPath: folder) where !name.hasSuffix("-shm") && !name.hasSuffix(".lock") {
    try files.copyItem(atPath: folder + "/" + name, toPath: target + "/" + name)
  }
}
