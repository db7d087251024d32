import Events
import Testing

@testable import Forward

/// How much a delivery writes to the log, with the real decisions on a clock of our own.
struct DeliveryLogTests {
  /// A delivery whose central answers as `answer` says at a moment since the beginning; its pauses take no time here.
  private func lines(
    _ length: Duration, _ answer: (_ passed: Duration, _ step: Int) -> DeliveryState.Happening?
  ) -> (lines: [String], steps: Int) {
    let chain = Chain(count: 5)
    let start = ContinuousClock.now
    let began = Moment.now().time
    var (state, log) = (DeliveryState(), DeliveryLog())
    var status = ForwardStatus(other: "the central", url: "https://trace.plant1:8480", since: began)
    var (action, passed, steps) = (DeliveryState.first, Duration.zero, 0)
    var lines: [String] = []
    while passed < length {
      let happening: DeliveryState.Happening
      switch action {
      case .list: happening = .listed([QueueLife(incarnation: chain.incarnation, agreedThrough: 5)])
      case .pause(let pause, _):
        passed += pause * 0.5
        happening = .paused
      case .record: happening = .recorded(.agreed)
      case .read(let request):
        passed += max(.milliseconds(10), request.wait)
        happening = .read(.batch(chain.batch(after: 5)))
      default:
        passed += .milliseconds(10)
        steps += 1
        happening = answer(passed, steps) ?? .position(chain.receipt(5))
      }
      action = state.next(happening)
      let before = status
      status.show(state.standing, at: began.adding(passed))
      if let line = log.line(from: before, to: status, at: start + passed, began.adding(passed)) {
        lines.append(line.text)
      }
    }
    return (lines, steps)
  }

  private static let week = Duration.seconds(7 * 86400)

  @Test func `a central that is dead for a week is told a few times, whatever the reasons that come in turns`() {
    let reasons = (0..<10).map { "no answer of kind \($0)" }
    let dead = lines(Self.week) { _, step in .failed(.away(reasons[step % 10], retryAfter: nil)) }
    #expect(dead.steps > 10_000 && (1...10).contains(dead.lines.count), "\(dead.lines)")
    let refusing = lines(Self.week) { _, step in .failed(.refused(reasons[step % 10])) }
    #expect(refusing.steps > 10_000 && (1...10).contains(refusing.lines.count), "\(refusing.lines)")
    let both = lines(Self.week) { _, step in
      .failed(step % 2 == 0 ? .refused(reasons[step % 10]) : .away(reasons[step % 10], retryAfter: nil))
    }
    #expect((1...10).contains(both.lines.count), "\(both.lines)")
  }

  @Test func `a central that comes and goes every few seconds for a day is told less than 2,000 times`() {
    let day = lines(.seconds(86400)) { passed, _ in
      Int(passed.inSeconds) % 7 < 4 ? .failed(.away("no answer", retryAfter: nil)) : nil
    }
    #expect(day.lines.count > 100 && day.lines.count < 2000, "\(day.lines.count)")
    #expect(day.lines.contains { $0.contains("it was away ") && $0.contains(" times more") })
    #expect(day.lines.contains { $0.contains("is back after") })
  }

  @Test func `one that is back after a night is told with how long it was away`() {
    let night = lines(.seconds(50_000)) { passed, _ in
      passed < .seconds(30_000) ? .failed(.away("no answer", retryAfter: nil)) : nil
    }
    #expect(night.lines.count == 2 && night.lines[1].contains("is back after 300"), "\(night.lines)")
  }
}
