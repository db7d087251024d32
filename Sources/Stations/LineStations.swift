public import Devices
public import Events
public import Logging
private import NIOConcurrencyHelpers

/// All stations of a line PC: stamps what the devices report and hands it to the queue.
///
/// Each station takes its reports strictly in the order of their arrival; one does not wait for another.
public struct LineStations: Sendable {
  private let line: NIOLockedValueBox<Line>
  private let append: Append
  private let offerToQueue: Offer?
  private let logger: Logger

  /// The stations as one set of settings has them.
  private struct Line {
    /// In the order of the settings.
    var stations: [Station] = []
    var byName: [String: Station] = [:]
    var routing: Routing

    mutating func add(_ station: Station, named name: String) {
      stations.append(station)
      byName[name] = station
    }
  }

  /// - Parameters:
  ///   - routing: for which station each device and group speaks.
  ///   - state: what the queue kept beside the events: contexts and last cycles.
  ///   - append: appends to the queue, durably.
  ///   - offer: the same for readings at a rate, whose commit nobody waits for; nil: they are appended as all else.
  public init(
    _ stations: [StationSettings], routing: Routing, state: [String: [UInt8]], append: @escaping Append,
    offer: Offer? = nil, logger: Logger
  ) {
    self.append = append
    offerToQueue = offer
    self.logger = logger
    var line = Line(routing: routing)
    self.line = NIOLockedValueBox(line)
    for settings in stations {
      line.add(station(StationRules(settings: settings, routing: routing), state), named: settings.name)
    }
    self.line.withLockedValue { [line] in $0 = line }
  }

  /// A station that begins with what the queue kept of it.
  private func station(_ rules: StationRules, _ state: [String: [UInt8]]) -> Station {
    let name = rules.settings.name
    let kept = StationMemory(station: name, state: state, isMine: rules.isOwn)
    if kept == nil {
      logger.error(
        """
        the context of station \(name) that the queue kept cannot be read: it begins empty; scan operator, lot and \
        materials again
        """)
    }
    return Station(
      rules, kept ?? StationMemory(), shedding: Shedding(station: name, state: state), append: append,
      offer: offerToQueue)
  }

  /// Takes other settings: what a station remembers stays, a new one begins with what the queue kept of it.
  ///
  /// Devices whose routing changes must be at rest: what they said is on disk, and they say nothing meanwhile.
  ///
  /// - Parameter state: what the queue keeps beside the events now.
  public func change(to stations: [StationSettings], routing: Routing, state: [String: [UInt8]]) async {
    let before = line.withLockedValue { $0 }
    let kept = StationMemory.lastCycles(in: state)
    var after = Line(routing: routing)
    for settings in stations {
      let rules = StationRules(settings: settings, routing: routing)
      if let known = before.byName[settings.name] {
        await known.change(to: rules, kept: kept)
        after.add(known, named: settings.name)
      } else {
        after.add(station(rules, state), named: settings.name)
      }
    }
    line.withLockedValue { [after] in $0 = after }
    for (name, station) in before.byName where after.byName[name] == nil {
      await station.tellShed(at: .now(), hasRoom: true)
    }
  }

  /// Stamps a report and commits it: the devices' `ReportSink`.
  public func take(_ report: Report) async -> Acceptance {
    let line = line.withLockedValue { $0 }
    guard let name = line.routing.station(for: report), let station = line.byName[name] else {
      return .refused("the device \"\(report.device)\" belongs to no station of the settings")
    }
    return await station.take(report)
  }

  /// Stamps a reading and hands it to the queue without waiting: the devices' `ReadingSink`.
  public func offer(_ reading: Reading, _ outcome: @escaping @Sendable (Acceptance) -> Void) -> Bool {
    let line = line.withLockedValue { $0 }
    guard let name = line.routing.station(of: reading.device, group: reading.group), let station = line.byName[name]
    else { return false }
    return station.offer(reading, outcome)
  }

  /// In the order of the settings.
  private var stations: [Station] { line.withLockedValue { $0.stations } }

  /// What is in effect at each station, in the order of the settings.
  public var contexts: [StationContext] {
    get async {
      var contexts: [StationContext] = []
      for station in stations { contexts.append(await station.context) }
      return contexts
    }
  }

  /// The trigger of the last committed cycle of each group that speaks for a station now.
  public var lastCycles: [CycleKey: UInt64] {
    get async {
      var cycles: [CycleKey: UInt64] = [:]
      for station in stations {
        cycles.merge(await station.memory.cycles.mapValues(\.trigger)) { first, _ in first }
      }
      return cycles
    }
  }

  /// Writes what is in effect at all stations into a new life of the queue, each with the event that set it by its
  /// full id; what is written already is not written again.
  ///
  /// Where the queue does not take it, a station's next report carries it.
  public func carryOver(into incarnation: Incarnation) async {
    let moment = Moment.now()
    for station in stations { _ = await station.carryOver(into: incarnation, at: moment) }
  }

  /// Tells of readings that the queue did not take, by a gap for each device; to be called once a second.
  ///
  /// - Parameter hasRoom: whether readings at a rate are taken again; until then their number is only remembered.
  public func tellShed(at moment: Moment, hasRoom: Bool) async {
    for station in stations { await station.tellShed(at: moment, hasRoom: hasRoom) }
  }

  /// The trigger of the last committed cycle of each group, which the devices need to know at their start.
  ///
  /// - Parameter state: what the queue kept beside the events.
  public static func lastCycles(from state: [String: [UInt8]]) -> [CycleKey: UInt64] {
    StationMemory.lastCycles(in: state).mapValues(\.trigger)
  }
}
