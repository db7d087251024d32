import Events

/// One of the two ways from a queue to the central: the edge pushes, or the central pulls.
///
/// The way differs, what is asked and when does not: `DeliveryState` decides for both.
protocol DeliveryRoute: Sendable {
  /// The lives of the queue that the central lacks events of, or may lack again, oldest first; the last is the current one.
  func lives() async throws(RouteFault) -> [QueueLife]
  /// How far the central has an incarnation; through 0 with a zero head where it does not know it.
  func position(of incarnation: Incarnation) async throws(RouteFault) -> Receipt
  /// Lines after `request.after`; empty where there are none within `request.wait`.
  func read(_ request: ReadRequest) async throws(RouteFault) -> ReadAnswer
  /// Hands a batch to the central.
  func deliver(_ batch: Batch) async throws(RouteFault) -> DeliveryAnswer
  /// Tells the queue what the central has; the queue says whether that agrees with its own chain.
  func record(_ receipt: Receipt) async throws(RouteFault) -> Agreement
  /// The events that are held back because the central refuses what they say.
  func held() async -> [EventID]
  /// Changes what is held, durably.
  func change(_ change: HoldChange) async throws(RouteFault)
  /// Ends the current incarnation and begins a new one, because the central has another history of it.
  func renew(_ incarnation: Incarnation, why: String) async throws(RouteFault)
}

/// An incarnation of the queue, with how far the queue knows it to be at the central.
struct QueueLife: Sendable, Hashable {
  let incarnation: Incarnation
  var agreedThrough: UInt64 = 0
  /// Whether that is all of it: then it is looked at only when there is nothing else to do.
  var isSent = false
}

/// Which lines to read next.
struct ReadRequest: Sendable, Hashable {
  let incarnation: Incarnation
  let after: UInt64
  let lines: Int
  /// Of the lines with their newlines.
  let bytes: Int
  /// How long to wait for a line if there is none.
  var wait: Duration
  /// Whether a line that is held is given itself, not its digest.
  var isResend = false
}

/// What becomes of an event that the central refuses.
enum HoldChange: Sendable, Hashable {
  /// It is held from now on, or was refused once more.
  case hold(EventID, why: String)
  /// It is held no longer: the central took it, or refuses its digest as well.
  case end(EventID, isTaken: Bool)
}

enum ReadAnswer: Sendable, Hashable {
  case batch(Batch)
  /// The queue ends before the number that was asked for.
  case beyondEnd
}

enum DeliveryAnswer: Sendable, Hashable {
  case receipt(Receipt)
  /// The batch begins after `position`, the next that is missing there.
  case hole(position: UInt64)
  /// Other bytes are stored there under the number `position`.
  case conflict(position: UInt64)
}

enum Agreement: Sendable, Hashable {
  case agreed
  case disputed(String)
}
