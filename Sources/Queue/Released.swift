internal import Events

/// Rows of one incarnation that were given up before they were safe at the central.
struct Released: Hashable {
  let incarnation: Incarnation
  let numbers: ClosedRange<UInt64>
  /// The times of the first and the last of these events.
  let from: Timestamp?
  let to: Timestamp?

  /// With those that went after these; nil where they do not follow.
  func joined(with next: Released) -> Released? {
    guard next.incarnation == incarnation, next.numbers.lowerBound == numbers.upperBound + 1 else { return nil }
    return Released(
      incarnation: incarnation, numbers: numbers.lowerBound...next.numbers.upperBound, from: from, to: next.to ?? to)
  }

  /// How it is kept in the queue's file.
  var text: String {
    [
      incarnation.description, "\(numbers.lowerBound)", "\(numbers.upperBound)", from?.description ?? "-",
      to?.description ?? "-",
    ].joined(separator: " ")
  }

  /// What the central and people are told.
  var gap: GapData {
    let lost = LostNumbers(incarnation: incarnation, numbers: numbers)
    return GapData(
      kind: .released, from: from, to: to, count: UInt64(numbers.count),
      reason: "events \(lost) were given up here because the queue was nearly full: the central has received them, and "
        + "had them in no backup yet")
  }
}

extension Released {
  /// Reads what `text` says; nil for anything else.
  init?(text: String) {
    let parts = text.split(separator: " ")
    guard parts.count == 5, let incarnation = Incarnation(String(parts[0])), let first = UInt64(parts[1]),
      let last = UInt64(parts[2]), first <= last
    else { return nil }
    self.init(
      incarnation: incarnation, numbers: first...last, from: Timestamp(String(parts[3])),
      to: Timestamp(String(parts[4])))
  }
}
