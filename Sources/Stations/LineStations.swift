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
  public init(
    _ stations: [StationSettings], routing: Routing, state: [String: [UInt8]], append: @escaping Append,
    logger: Logger
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
        StationRules(settings: settings, routing: routing), kept ?? StationMemory(), append: append)
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

  /// What is in effect at each station, in the order of the settings.
  public var contexts: [StationContext] {
    get async {
      var contexts: [StationContext] = []
      for station in stations { contexts.append(await station.context) }
      return contexts
    }
  }

  /// The trigger of the last committed cycle of each group, which the devices need to know at their start.
  ///
  /// - Parameter state: what the queue kept beside the events.
  public static func lastCycles(from state: [String: [UInt8]]) -> [CycleKey: UInt64] {
    StationMemory.lastCycles(in: state).mapValues(\.trigger)
  }
}
