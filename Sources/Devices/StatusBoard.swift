import Foundation

/// Where a device stands, written by its actor and read by anybody without waiting for it.
///
/// `@unchecked` because every access to `status` is under `lock`.
final class StatusBoard: @unchecked Sendable {
  private let lock = NSLock()
  private var status: DeviceStatus

  init(_ status: DeviceStatus) { self.status = status }

  var current: DeviceStatus { lock.withLock { status } }

  func update(_ change: (inout DeviceStatus) -> Void) { lock.withLock { change(&status) } }
}
