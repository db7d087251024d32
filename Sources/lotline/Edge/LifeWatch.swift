import Events
import Machine
import Queue

/// Notices that the queue began a new life under way, and which events a damaged file took with it.
///
/// A new life begins where the central has another history, or where the file was damaged; a long salvage of
/// the old file goes on while the line does, and only its end tells what is lost for good.
struct LifeWatch {
  private var incarnation: Incarnation
  private var told: Set<LostNumbers> = []

  init(_ incarnation: Incarnation) { self.incarnation = incarnation }

  /// What a look found.
  struct News {
    /// The first event of a new life.
    var started: StartedData?
    /// Events that nobody has any more, and that were not told of before.
    var lost: [LostNumbers] = []
  }

  /// Takes the next look; what there is to record.
  mutating func look(at status: QueueStatus, _ opening: Opening, now: Timestamp, clock: ClockState) -> News {
    var news = News()
    if status.incarnation != incarnation {
      incarnation = status.incarnation
      let former = status.incarnations.dropLast().last
      let why = status.incarnations.last?.why ?? ""
      news.started = Start.started(
        after: former.map { .init(incarnation: $0.incarnation, through: $0.last, head: $0.head, why: why) },
        alive: now, clock: clock)
    }
    guard !opening.isSalvaging else { return news }
    news.lost = opening.lost.filter { told.insert($0).inserted }
    return news
  }
}

extension EventQueue {
  /// The gap that lost events leave: between the events that stand on either side of them, as far as those are there.
  nonisolated func gap(of lost: LostNumbers, now: Timestamp) async -> GapData {
    let (first, last) = (lost.numbers.lowerBound, lost.numbers.upperBound)
    let before = first > 1 ? await time(of: EventID(incarnation: lost.incarnation, sequence: first - 1)) : nil
    let after = await time(of: EventID(incarnation: lost.incarnation, sequence: last + 1))
    return GapData(
      kind: .lost, from: before ?? opening.alive.map { min($0, now) }, to: after ?? opening.alive ?? now,
      count: last - first + 1,
      reason: "events \(lost) could not be recovered from the damaged file \(opening.setAside ?? "")")
  }

  nonisolated private func time(of id: EventID) async -> Timestamp? {
    guard
      let batch = try? await batch(incarnation: id.incarnation, after: id.sequence - 1, limit: 1, maxBytes: 1),
      batch.first == id.sequence, let line = batch.lines.first
    else { return nil }
    return (try? Envelope(line: line))?.time
  }
}
