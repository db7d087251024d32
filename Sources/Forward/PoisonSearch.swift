import Events

/// Narrows a batch that the central refuses for its content down to the one event that it does not take.
///
/// A refusal says that one of the events up to a number is not taken; of those half are sent next. So one event among
/// n is found with about log2 n requests, and all before it are at the central by then. It has another chance after a
/// pause. Then its digest is put on trial in its place: only where the central takes that was it the event.
struct PoisonSearch: Sendable {
  enum Verdict: Sendable, Hashable {
    /// Not to be taken for a refusal of the content yet: an outage may look the same.
    case tooEarly
    /// A smaller part is sent.
    case smaller
    /// It is one event: it is sent once more after a pause.
    case another
    /// It is one event, and its digest is put on trial.
    case trial
  }

  /// How often the same events may meet an error of the central (5xx) before one of them is taken for its cause.
  static let patience = 5
  /// How often an event alone is refused before its digest is tried; doubles with each trial that fails.
  private static let leastRefusals = 2
  private static let mostRefusals = 64

  /// One of the events up to here is refused; nil while none is known to be.
  private var suspectThrough: UInt64?
  /// Whether only errors of the central speak for it.
  private var isOfErrors = false
  /// How often the one event that is left was refused.
  private var refusals = 0
  private var neededRefusals = leastRefusals
  /// Errors of the central over events that begin with the same number.
  private var errors: (first: UInt64, count: Int) = (0, 0)

  var isActive: Bool { suspectThrough != nil }
  /// A digest was refused in the place of its event: the central refuses whatever is sent.
  var isOfEverything: Bool { neededRefusals > Self.leastRefusals }

  /// How many lines to send after `through`; nil where nothing is searched.
  func lines(after through: UInt64) -> Int? {
    guard let suspectThrough, suspectThrough > through else { return nil }
    return Int(max(1, (suspectThrough - through) / 2))
  }

  /// Takes the refusal of a batch; `isError`: by an error of the central (5xx), which may have another cause.
  mutating func refused(_ batch: Batch, isError: Bool) -> Verdict {
    if isError, !isActive {
      errors = (batch.first, errors.first == batch.first ? errors.count + 1 : 1)
      guard errors.count >= Self.patience else { return .tooEarly }
      isOfErrors = true
    }
    guard batch.lines.count == 1 else {
      suspectThrough = batch.last
      refusals = 0
      return .smaller
    }
    suspectThrough = batch.first
    refusals += 1
    return refusals < neededRefusals ? .another : .trial
  }

  /// The central took everything up to here.
  mutating func taken(through: UInt64) {
    guard let suspectThrough, suspectThrough > through else {
      self = PoisonSearch()
      return
    }
    refusals = 0
    neededRefusals = Self.leastRefusals
  }

  /// The digest was refused as well, so it is not what the event says; the next trial is later.
  mutating func trialFailed() {
    refusals = 0
    neededRefusals = min(neededRefusals * 2, Self.mostRefusals)
  }

  /// The central could not even say how far it is: its errors tell nothing of the events.
  mutating func outage() {
    errors = (0, 0)
    if isOfErrors { self = PoisonSearch() }
  }
}
