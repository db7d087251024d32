internal import CFaultDisk
internal import Glibc

/// A folder whose files can fail, and lose at a power cut what was not flushed; see `CFaultDisk`.
///
/// Real files behind the product's own system calls, and SQLite's: nothing in the product knows of it.
public final class SimulatedDisk: @unchecked Sendable {
  // `@unchecked` because every call takes the lock of all disks.
  private let disk: OpaquePointer
  public let path: String

  /// A kind of system call.
  public enum Call: UInt32, CaseIterable, Sendable {
    case open, read, write, sync, size, remove, name

    fileprivate var kind: fault_call { fault_call(rawValue) }
  }

  /// What is planned for one kind of call.
  public enum Fault: Hashable, Sendable {
    /// No such call has an effect.
    case error(Int32)
    /// Half of what was asked is done.
    case half

    public static let io = error(5)
    public static let full = error(ENOSPC)
  }

  /// Watches the folder at `path`; what is in it counts as flushed.
  public init(_ path: String) {
    self.path = path
    disk = fault_disk_watch(path)
  }

  deinit { fault_disk_leave(disk) }

  /// Makes the `nth` call from now fail, and with `forever` all after it.
  public func fail(_ call: Call, nth: Int, forever: Bool = false, _ fault: Fault = .io) {
    switch fault {
    case .error(let number): fault_disk_fail(disk, call.kind, UInt64(nth), forever, number)
    case .half: fault_disk_shorten(disk, call.kind, UInt64(nth), forever)
    }
  }

  /// Takes back all that was planned.
  public func heal() { fault_disk_heal(disk) }
  /// Nothing has an effect any more, from the `nth` change on.
  public func stop(before nth: Int) { fault_disk_stop_before(disk, UInt64(nth)) }
  /// Nothing has an effect any more.
  public func stop() { fault_disk_stop(disk) }
  public var isStopped: Bool { fault_disk_is_stopped(disk) }
  /// Goes on after a stop that was the process's own death: what was written is there.
  public func goOnAfterKill() { fault_disk_go_on(disk, false, 0) }
  /// Goes on after a stop that was a power cut: what was not flushed is lost, torn or reordered as `seed` says.
  public func goOnAfterCut(seed: UInt64) { fault_disk_go_on(disk, true, seed) }
  /// What is in the folder now counts as flushed.
  public func settle() { fault_disk_settle(disk) }
  /// Overwrites sectors of a file; how many.
  @discardableResult
  public func garble(_ name: String, sectors: Int, seed: UInt64) -> Int {
    Int(fault_disk_garble(disk, name, UInt64(sectors), seed))
  }

  /// What happened so far.
  public var counts: Counts { Counts(fault_disk_counts(disk)) }

  /// What really happened on a disk.
  public struct Counts: Sendable {
    /// Calls that were let through or failed, and those that failed, by their kind.
    public private(set) var calls: [Call: Int] = [:]
    public private(set) var failed: [Call: Int] = [:]
    /// Calls that change what is on the disk.
    public private(set) var changes = 0
    /// All else, by its name.
    public private(set) var happened: [String: Int] = [:]

    fileprivate init(_ raw: fault_counts) {
      withUnsafeBytes(of: raw.calls) { bytes in
        for call in Call.allCases { calls[call] = Int(bytes.bindMemory(to: UInt64.self)[Int(call.rawValue)]) }
      }
      withUnsafeBytes(of: raw.failed) { bytes in
        for call in Call.allCases { failed[call] = Int(bytes.bindMemory(to: UInt64.self)[Int(call.rawValue)]) }
      }
      changes = Int(raw.changes)
      happened = [
        "short reads": Int(raw.short_reads), "short writes": Int(raw.short_writes), "cuts": Int(raw.cuts),
        "kills": Int(raw.kills), "lost writes": Int(raw.lost_writes), "torn writes": Int(raw.torn_writes),
        "reordered writes": Int(raw.reordered_writes), "lost sizes": Int(raw.lost_sizes),
        "lost names": Int(raw.lost_names), "garbled sectors": Int(raw.garbled_sectors),
      ]
    }
  }
}
