public import Events

/// Why a step towards the other end did not succeed, by what helps.
public enum RouteFault: Error, Sendable, Hashable, CustomStringConvertible {
  /// Not reached, or not able to serve now: time helps. The other end may say how long.
  case away(String, retryAfter: Duration? = nil)
  /// Reached, and the answer is not the other end's, or makes no sense: a portal, a proxy, a cut answer.
  case foreign(String)
  /// Reached, and it refuses: a person must set something right.
  case refused(String)
  /// Reached, and it refuses what the batch says: another batch may well be taken.
  case unacceptable(String)
  /// Reached, and it failed over the request (5xx): time helps, unless the batch is the cause.
  case failing(String, retryAfter: Duration? = nil)
  /// The batch is larger than the other end takes.
  case tooLarge(String)
  /// The queue does not have this incarnation, or not any more.
  case unknownIncarnation(Incarnation)
  /// Our own queue or store could not do its part.
  case local(String)

  public var description: String {
    switch self {
    case .away(let why, _), .failing(let why, _), .foreign(let why), .refused(let why), .unacceptable(let why),
      .tooLarge(let why), .local(let why):
      why
    case .unknownIncarnation(let incarnation): "the queue has no incarnation \(incarnation)"
    }
  }

  /// One word for counting.
  var kind: String {
    switch self {
    case .away: "away"
    case .foreign: "foreign"
    case .refused: "refused"
    case .unacceptable: "unacceptable"
    case .failing: "failing"
    case .tooLarge: "too-large"
    case .unknownIncarnation: "unknown-incarnation"
    case .local: "local"
    }
  }
}
