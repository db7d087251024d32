internal import Events

/// Who works at a station, on what, with which materials: each field with the event that set it.
///
/// Reports of several devices reach a station in an order that can differ a little from that of their
/// moments. So a context remembers what was in effect before, and answers for a moment, not for "now".
struct Context: Sendable, Hashable {
  /// What a field says, and why.
  struct Value: Sendable, Hashable {
    let text: String
    let how: ContextData.How
    /// The scan or the cycle that set it.
    let by: EventID
    /// Boot time 0 marks a value from before this start of the daemon.
    let since: Moment
  }

  /// A value that was in effect until a moment.
  struct Former: Sendable, Hashable {
    let value: Value
    let until: Moment
  }

  struct Slot: Sendable, Hashable {
    var now: Value?
    /// The newest last.
    var formers: [Former] = []
  }

  var slots: [String: Slot] = [:]

  /// How many earlier values a field keeps; more than one only matters where reports are minutes late.
  static let memory = 4

  subscript(_ field: String) -> Value? { slots[field]?.now }

  /// The fields that have a value now, in the order in which they are named.
  var fields: [String] { ContextField.ordered(slots.filter { $0.value.now != nil }.keys) }

  /// Puts a value in place of the one before.
  ///
  /// The same text again confirms: the value is in effect since the first time, by the event that said so last.
  mutating func set(_ field: String, _ text: String, how: ContextData.How, by: EventID, at moment: Moment) {
    var slot = slots[field] ?? Slot()
    if let now = slot.now, now.text == text {
      slot.now = Value(text: text, how: how, by: by, since: now.since)
    } else {
      slot.retire(at: moment)
      slot.now = Value(text: text, how: how, by: by, since: moment)
    }
    slots[field] = slot
  }

  /// Empties a field.
  mutating func clear(_ field: String, at moment: Moment) { slots[field]?.retire(at: moment) }

  /// Empties a field whose value has done its work, so that no later cycle can have had it.
  mutating func finish(_ field: String) { slots[field] = nil }

  /// What was in effect at a moment.
  func value(of field: String, at moment: Moment) -> Value? {
    guard let slot = slots[field] else { return nil }
    if let now = slot.now, now.since.boottimeNanoseconds <= moment.boottimeNanoseconds { return now }
    return slot.formers.last {
      $0.value.since.boottimeNanoseconds <= moment.boottimeNanoseconds
        && moment.boottimeNanoseconds < $0.until.boottimeNanoseconds
    }?.value
  }

  /// The value that a cycle could have had instead of the one in effect at its moment.
  ///
  /// - Parameter window: since when the cycle can have happened; nil where nothing says so.
  func former(of field: String, within window: Window) -> Value? {
    guard let stamped = value(of: field, at: window.end) else { return nil }
    let candidates = slots[field]?.formers.filter { $0.value.text != stamped.text } ?? []
    return candidates.last { window.contains($0.until) }?.value
  }

  /// The value directly before the one in effect: what a cycle can have had when cycles were missed.
  func predecessor(of field: String, at moment: Moment) -> Value? {
    guard let stamped = value(of: field, at: moment) else { return nil }
    return slots[field]?.formers.last { $0.until == stamped.since && $0.value.text != stamped.text }?.value
  }
}

extension Context.Slot {
  fileprivate mutating func retire(at moment: Moment) {
    guard let value = now else { return }
    formers.append(Context.Former(value: value, until: moment))
    if formers.count > Context.memory { formers.removeFirst() }
    now = nil
  }
}

/// The time within which a cycle happened.
struct Window: Sendable, Hashable {
  /// Nil: nothing says since when.
  let start: Timestamp?
  let end: Moment

  /// A start that lies after the end (the wall clock was put back in between) says nothing.
  init(start: Timestamp?, end: Moment) {
    self.start = start.flatMap { $0 <= end.time ? $0 : nil }
    self.end = end
  }

  /// Whether the moment is after the start and not after the end.
  ///
  /// Boot times are compared where they mean something, so that a wall clock that jumps moves nothing.
  func contains(_ moment: Moment) -> Bool {
    guard moment.boottimeNanoseconds > 0 else { return start.map { moment.time > $0 } ?? true }
    guard moment.boottimeNanoseconds <= end.boottimeNanoseconds else { return false }
    guard let start else { return true }
    let back = end.time.since(start).wholeMicroseconds * 1000
    return Int64(end.boottimeNanoseconds) - Int64(moment.boottimeNanoseconds) < back
  }
}
