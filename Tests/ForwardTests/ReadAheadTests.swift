import Events
import Testing

@testable import Forward

/// What is read while a batch is on its way.
struct ReadAheadTests {
  private let chain = Chain(count: 10)

  private func request(after: UInt64, lines: Int = 2, isResend: Bool = false) -> ReadRequest {
    ReadRequest(
      incarnation: chain.incarnation, after: after, lines: lines, bytes: 1000, wait: .zero, isResend: isResend)
  }

  private func batch(_ numbers: ClosedRange<UInt64>, waiting: UInt64?) -> Batch {
    var batch = chain.batch(after: numbers.lowerBound - 1, limit: numbers.count)
    batch.waiting = waiting
    return batch
  }

  @Test func `it is given to the next question alone, and only where that asks for it`() {
    var ahead = ReadAhead()
    #expect(ahead.answer(to: request(after: 0)) == nil)
    let next = ahead.request(behind: batch(1...2, waiting: 8))
    #expect(next == request(after: 2))
    let found = ReadAnswer.batch(batch(3...4, waiting: 6))
    ahead.keep(found, for: next!)
    #expect(ahead.answer(to: request(after: 2)) == found)
    #expect(ahead.answer(to: request(after: 2)) == nil, "once")
    ahead.keep(found, for: next!)
    #expect(ahead.answer(to: request(after: 0)) == nil, "the central went back")
    #expect(ahead.answer(to: request(after: 2)) == nil, "and what was read before that is forgotten")
    // Batches that grow take what was read at the size before; those that shrink do not.
    for (lines, answers) in [(4, true), (1, false)] {
      ahead.keep(found, for: next!)
      #expect((ahead.answer(to: request(after: 2, lines: lines)) == found) == answers, "\(lines)")
    }
    ahead.keep(found, for: next!)
    ahead.forget()
    #expect(ahead.answer(to: request(after: 2)) == nil)
  }

  @Test func `nothing is read ahead of a held line, or where less than a batch waits`() {
    var ahead = ReadAhead()
    _ = ahead.answer(to: request(after: 0, isResend: true))
    #expect(ahead.request(behind: batch(1...1, waiting: 9)) == nil)
    _ = ahead.answer(to: request(after: 0))
    #expect(ahead.request(behind: batch(1...2, waiting: 1)) == nil)
    #expect(ahead.request(behind: batch(1...2, waiting: nil)) == nil)
  }
}
