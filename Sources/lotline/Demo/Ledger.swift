import Events

/// What really happened on the simulated line, written down by those who did it.
///
/// It knows nothing of what Lotline read, stored or answered: that is compared with it at the end.
struct Ledger: Sendable, Hashable {
  enum Value: Sendable, Hashable {
    case number(Double)
    case text(String)
    case flag(Bool)
  }

  /// A cycle whose acknowledge the PLC has seen.
  struct Cycle: Sendable, Hashable {
    var station: String
    var device: String
    /// The counter's value.
    var trigger: UInt64
    /// The unit that was scanned for it; nil where none was.
    var unit: String?
    var `operator`: String
    var lot: String
    /// The coil in the machine; nil at a station without.
    var coil: String?
    var result: String?
    var values: [String: Value]
    /// When the PLC showed it, and when it saw the acknowledge: it was recorded in between.
    var shown: Timestamp
    var acknowledged: Timestamp
  }

  /// A code that was accepted: the scanner beeped.
  struct Scan: Sendable, Hashable {
    var device: String
    var text: String
  }

  /// A coil was scanned at its machine: a new one, or the same to confirm it.
  struct Loading: Sendable, Hashable {
    var station: String
    var coil: String
    var accepted: Timestamp
    /// How many cycles the station had recorded by then.
    var cyclesBefore: Int
  }

  /// A time in which a change at a station could have gone unseen.
  struct Blindness: Sendable, Hashable {
    /// Nil: all stations.
    var station: String?
    /// Nobody can know exactly since when: not before this, and not after `began`.
    var earliest: Timestamp
    var began: Timestamp
    var ended: Timestamp
  }

  /// Something that Lotline must say it does not know.
  struct Gap: Sendable, Hashable {
    var kind: String
    var station: String?
    var device: String?
    var unit: String?
    var count: UInt64?
    /// The gap that is found must touch this time.
    var from: Timestamp
    var to: Timestamp
  }

  var cycles: [Cycle] = []
  var scans: [Scan] = []
  var loadings: [Loading] = []
  var blindness: [Blindness] = []
  var gaps: [Gap] = []
  /// Units that went through the whole line, whatever of them was seen.
  var finished: Set<String> = []

  /// The units that were scanned for at least one cycle, in the order of their first.
  var units: [String] {
    var seen: Set<String> = []
    return cycles.compactMap(\.unit).filter { seen.insert($0).inserted }
  }

  func cycles(of unit: String) -> [Cycle] { cycles.filter { $0.unit == unit } }
}

/// What may be said of the coil in a cycle.
enum CoilExpectation: Sendable, Hashable {
  case certain(String)
  /// One of these, each possible: a change is near, or could have gone unseen.
  case possible(Set<String>)
  /// It happened at the edge of an outage: certain or possible, both are right.
  case either(String)
}

extension Ledger {
  /// What must be known of the coil in a cycle: from the changes around it, and from what could have gone unseen.
  ///
  /// - Parameter grey: how many cycles on either side of a change could have had either coil.
  func coil(in cycle: Cycle, grey: Int = 1) -> CoilExpectation? {
    guard let coil = cycle.coil else { return nil }
    let here = cycles.filter { $0.station == cycle.station }
    guard let index = here.firstIndex(where: { $0.trigger == cycle.trigger }) else { return nil }
    let loaded = loadings.filter { $0.station == cycle.station }
    var near: Set<String> = [coil]
    for (before, after) in zip(loaded, loaded.dropFirst()) where before.coil != after.coil {
      let place = after.cyclesBefore  // the first cycle after the change
      if index >= place, index - place < grey { near.insert(before.coil) }
      if index < place, place - index <= grey { near.insert(after.coil) }
    }
    if near.count > 1 { return .possible(near) }
    guard let last = loaded.last(where: { $0.cyclesBefore <= index }) else { return .possible([coil]) }
    var isAtEdge = false
    for blind in blindness where blind.station == nil || blind.station == cycle.station {
      guard blind.ended > last.accepted, cycle.acknowledged >= blind.earliest else { continue }
      if cycle.shown > blind.ended, last.accepted < blind.earliest { return .possible([coil]) }
      isAtEdge = true
    }
    return isAtEdge ? .either(coil) : .certain(coil)
  }
}
