internal import Devices
internal import Events

/// All that a station remembers from one report to the next; kept in the queue, changed in the commit of the report.
struct StationMemory: Sendable, Hashable {
  /// The life of the queue in which this was written last; nil before the first commit.
  var incarnation: Incarnation?
  var context = Context()
  /// Scanned for the next cycle.
  var components: [Component] = []
  /// What a command said of the next cycle.
  var mode: String?
  /// The last scan of each scanner that repeats what was not answered.
  var scans: [String: LastScan] = [:]
  /// The last cycle that was recorded of each group, or that its bit fell since.
  var cycles: [CycleKey: LastCycle] = [:]

  /// A piece that waits for the cycle in which it is built in.
  struct Component: Sendable, Hashable {
    let id: String
    let place: String?
    let by: EventID
  }

  /// A scan that is on disk, as far as its repetition has to be known by it.
  struct LastScan: Sendable, Hashable {
    /// FNV-1a of its bytes, 64 bits.
    let hash: UInt64
    let moment: Moment
    /// How often the scanner has sent it.
    let tries: Int
  }

  /// A cycle that is on disk.
  struct LastCycle: Sendable, Hashable {
    /// The counter; of a bit 1, and 0 once it was seen fallen.
    let trigger: UInt64
    /// When it was read, or when the bit was seen fallen: no later cycle began before.
    let time: Timestamp
  }
}

/// A report written down: what is to be committed, and what the station remembers once it is.
struct Outcome: Sendable, Hashable {
  let entry: Entry
  let memory: StationMemory
}
