public import Events

/// What the central's settings say about the history: which sources there are, and what a unit must go through.
public struct TraceRules: Sendable {
  /// The steps of each product, in their order.
  public var routes: [String: [RouteStep]]
  /// Traceability begins here: what a unit lacks before it is no gap.
  public var since: Timestamp?
  /// The line PCs that are expected to be heard.
  public var sources: [SourceName]
  /// How long a source may be unheard before that is a gap.
  public var sourceSilentAfter: Duration
  /// Whether the central is to take backups of itself: then a source is told that events are safe once one has them.
  public var hasBackups: Bool
  /// The clock; tests have their own.
  public var now: @Sendable () -> Timestamp

  public init(
    routes: [String: [RouteStep]] = [:], since: Timestamp? = nil, sources: [SourceName] = [],
    sourceSilentAfter: Duration = .seconds(60), hasBackups: Bool = false,
    now: @escaping @Sendable () -> Timestamp = { Moment.now().time }
  ) {
    self.routes = routes
    self.since = since
    self.sources = sources
    self.sourceSilentAfter = sourceSilentAfter
    self.hasBackups = hasBackups
    self.now = now
  }

  /// The part that the projections depend on, in one text: when it changes, they are made again.
  var fingerprint: String {
    let steps = routes.sorted { $0.key < $1.key }.map { product, steps in
      "\(product)="
        + steps.map { "\($0.stations)\($0.isOptional)\($0.needs)\($0.within.map { "\($0)" } ?? "")" }.joined()
    }
    return steps.joined(separator: ";") + "|\(since.map(\.description) ?? "")"
  }
}

/// One step of a route: a station, or any one of several.
public struct RouteStep: Sendable, Hashable {
  /// One of these must have a cycle of the unit.
  public var stations: [String]
  public var isOptional: Bool
  /// Tags (or `result`) without which the step's cycle is not complete.
  public var needs: [String]
  /// How long after the step before it this one must have come.
  public var within: Duration?

  public init(stations: [String], isOptional: Bool = false, needs: [String] = [], within: Duration? = nil) {
    self.stations = stations
    self.isOptional = isOptional
    self.needs = needs
    self.within = within
  }
}
