import Events

/// Reports that must not be lost and were not taken yet, in their order.
///
/// Bounded: where the queue takes nothing for long, holes of a kind grow together and only the newest state stays.
struct PendingReports: Sendable {
  static let limit = 64
  private(set) var reports: [Report] = []

  var isEmpty: Bool { reports.isEmpty }
  var first: Report? { reports.first }

  mutating func add(_ report: Report) {
    if reports.count >= Self.limit, merge(report) { return }
    reports.append(report)
  }

  mutating func removeFirst() { reports.removeFirst() }

  private mutating func merge(_ report: Report) -> Bool {
    switch report {
    case .hole(let new):
      for (place, old) in reports.enumerated().reversed() {
        guard case .hole(var hole) = old, hole.kind == new.kind, hole.group == new.group else { continue }
        hole.to = new.to
        hole.moment = new.moment
        hole.counter = new.counter ?? hole.counter
        if let count = hole.count, let more = new.count { hole.count = count + more } else { hole.count = nil }
        reports[place] = .hole(hole)
        return true
      }
    case .state:
      reports.removeAll { if case .state = $0 { true } else { false } }
    default: break
    }
    return false
  }
}
