import Events
import TestParts
import Testing

@testable import Queue

/// When a batch leaves: decided from its oldest line's moment, without a clock of its own.
struct DepartureTests {
  private let boot: UInt64 = 500_000_000_000

  private func batch(_ ages: [Duration]) -> Batch {
    var edge = FakeEdge()
    for age in ages {
      let moment = Moment(
        time: edge.now, boottimeNanoseconds: UInt64(Int64(boot) - Int64(age / .nanoseconds(1))))
      let line = event("aged", at: moment.time)
      edge.add(
        line: Event(GapData(kind: .noRead, reason: "\(line)"), at: moment, subject: "ST10").line(
          source: edge.source, incarnation: edge.incarnation, sequence: edge.last + 1))
    }
    return edge.batch()
  }

  private func wait(_ ages: [Duration], isFull: Bool = false) -> Duration {
    Departure(batch(ages), isFull: isFull).wait(at: Moment(time: Moment.now().time, boottimeNanoseconds: boot))
  }

  @Test func `a batch waits until its oldest line is 45 ms old`() {
    #expect(wait([.zero]) == .milliseconds(45))
    #expect(wait([.milliseconds(30), .milliseconds(2)]) == .milliseconds(15))
    #expect(wait([.milliseconds(44)]) == .milliseconds(1))
    #expect(wait([.milliseconds(45), .zero]) == .zero)
    #expect(wait([.seconds(100)]) == .zero)
  }

  @Test func `a full batch leaves at once, as does one without lines`() {
    #expect(wait([.zero], isFull: true) == .zero)
    #expect(wait([]) == .zero)
  }

  @Test func `a line of another boot, whose moment means nothing on this clock, leaves at once`() {
    #expect(wait([.seconds(-1)]) == .zero)
  }

  @Test(.timeLimit(minutes: 5))
  func `a backlog comes in full batches without waiting, and its rest with the last`() async throws {
    let queue = try await openQueue(try ScratchFolder())
    let moment = Moment.now()
    let events = (0..<2500).map { Event(GapData(kind: .noRead, reason: "\($0)"), at: moment, subject: "ST10") }
    _ = try await queue.append { _ in Entry(events: events) }
    var counts: [Int] = []
    var after: UInt64 = 0
    while after < 2500 {
      let batch = try await queue.gathered(
        incarnation: queue.status.incarnation, after: after, limit: 1000, maxBytes: 1 << 20, wait: .zero)
      counts.append(batch.lines.count)
      after = batch.last
    }
    #expect(counts == [1000, 1000, 500])
  }
}
