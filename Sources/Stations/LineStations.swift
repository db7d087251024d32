public import Devices
public import Events
public import Logging

/// All stations of a line PC: stamps what the devices report and hands it to the queue.
///
/// Each station takes its reports strictly in the order of their arrival; one does not wait for another.
public struct LineStations: Sendable {
  private let stations: [Station]
  private let byName: [String: Station]
  private let routing: Routing

  /// - Parameters:
  ///   - routing: for which station each device and group speaks.
  ///   - state: what the queue kept beside the events: contexts and last cycles.
  ///   - append: appends to the queue, durably.
  ///   - offer: the same for readings at a rate, whose commit nobody waits for; nil: they are appended as all else.
  public init(
    _ stations: [StationSettings], routing: Routing, state: [String: [UInt8]], append: @escaping Append,
    offer: Offer? = nil, logger: Logger
  ) {
    self.routing = routing
    var byName: [String: Station] = [:]
    self.stations = stations.map { settings in
      let kept = StationMemory(station: settings.name, state: state) {
        routing.station(of: $0.device, group: $0.group) == settings.name
      }
      if kept == nil {
        logger.error(
          """
          the context of station \(settings.name) that the queue kept cannot be read: it begins empty; \
          scan operator, lot and materials again
          """)
      }
      let station = Station(
        StationRules(settings: settings, routing: routing), kept ?? StationMemory(),
        shedding: Shedding(station: settings.name, state: state), append: append, offer: offer)
      byName[settings.name] = station
      return station
    }
    self.byName = byName
  }

  /// Stamps a report and commits it: the devices' `ReportSink`.
  public func take(_ report: Report) async -> Acceptance {
    guard let name = routing.station(for: report), let station = byName[name] else {
      return .refused("the device \"\(report.device)\" belongs to no station of the settings")
    }
    return await station.take(report)
  }

  /// Stamps a reading and hands it to the queue without waiting: the devices' `ReadingSink`.
  public func offer(_ reading: Reading, _ outcome: @escaping @Sendable (Acceptance) -> Void) -> Bool {
    guard let name = routing.station(of: reading.device, group: reading.group), let station = byName[name] else {
      return false
    }
    return station.offer(reading, outcome)
  }

  /// What is in effect at each station, in the order of the settings.
  public var contexts: [StationContext] {
    get async {
      var contexts: [StationContext] = []
      for station in stations { contexts.append(await station.context) }
      return contexts
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
