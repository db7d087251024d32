import Events
import Queue

/// Notices that the queue began a new life under way, and which events a damaged file took with it.
///
/// A new life begins where the central has another history, or where the file was damaged; a long salvage of
/// the old file goes on while the line does, and only its end tells what is lost for good.
struct LifeWatch {
  private var incarnation: Incarnation
  private var told: Set<LostNumbers> = []

  init(_ incarnation: Incarnation) { self.incarnation = incarnation }

  /// Takes the next look; what there is to record.
  mutating func look(at status: QueueStatus, _ opening: Opening, now: Timestamp) -> [any EventData] {
    var news: [any EventData] = []
    if status.incarnation != incarnation {
      incarnation = status.incarnation
      let former = status.incarnations.dropLast().last
      let why = status.incarnations.last?.why ?? ""
      news.append(
        Start.started(
          after: former.map { .init(incarnation: $0.incarnation, through: $0.last, head: $0.head, why: why) },
          alive: now))
    }
    guard !opening.isSalvaging else { return news }
    for lost in opening.lost where told.insert(lost).inserted {
      news.append(
        GapData(
          kind: .lost, from: opening.alive, to: now,
          count: lost.numbers.upperBound - lost.numbers.lowerBound + 1,
          reason: "events \(lost) could not be recovered from the damaged file \(opening.setAside ?? "")"))
    }
    return news
  }
}
