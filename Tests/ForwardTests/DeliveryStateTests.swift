import Events
import Testing

@testable import Forward

/// What the delivery does next, without any network: each happening has one answer.
struct DeliveryStateTests {
  private let chain = Chain(count: 5)
  private var state = DeliveryState(limits: .init(lines: 2))
  private var life: QueueLife { QueueLife(incarnation: chain.incarnation) }

  private func reading(after: UInt64, lines: Int = 2, bytes: Int = 1 << 20, wait: Duration = .zero)
    -> DeliveryState.Action
  {
    .read(ReadRequest(incarnation: chain.incarnation, after: after, lines: lines, bytes: bytes, wait: wait))
  }

  private mutating func sending(after through: UInt64 = 0) {
    _ = state.next(.listed([life]))
    _ = state.next(.position(chain.receipt(through)))
    if through > 0 { _ = state.next(.recorded(.agreed)) }
    _ = state.next(.read(.batch(chain.batch(after: through, limit: 2))))
  }

  @Test mutating func `the central is asked before anything is sent, and sending goes on from its position`() {
    #expect(DeliveryState.first == .list)
    #expect(state.next(.listed([life])) == .ask(chain.incarnation))
    #expect(state.next(.position(chain.receipt(2))) == .record(chain.receipt(2)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 2))
    let batch = chain.batch(after: 2, limit: 2)
    #expect(state.next(.read(.batch(batch))) == .deliver(batch))
    #expect(state.standing == .sending)
    #expect(state.next(.answered(.receipt(chain.receipt(4)))) == .record(chain.receipt(4)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 4))
  }

  @Test mutating func `with nothing left it waits for more, and says that the central has all`() {
    sending()
    _ = state.next(.answered(.receipt(chain.receipt(5))))
    #expect(state.next(.recorded(.agreed)) == reading(after: 5))
    #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
    #expect(state.standing == .idle)
    #expect(state.next(.listed([life])) == reading(after: 5, wait: .seconds(30)))
  }

  @Test mutating func `with nothing left it still asks after each wait, so that the central hears it`() {
    sending()
    _ = state.next(.answered(.receipt(chain.receipt(5))))
    _ = state.next(.recorded(.agreed))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    for _ in 0..<3 {
      #expect(state.next(.listed([life])) == reading(after: 5, wait: .seconds(30)))
      #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
      #expect(state.next(.listed([life])) == .ask(chain.incarnation))
      #expect(state.next(.position(chain.receipt(5))) == reading(after: 5, wait: .seconds(30)))
      #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
      #expect(state.next(.listed([life])) == .ask(chain.incarnation))
      // A central that was put back in the meantime gets what it lost.
      #expect(state.next(.position(chain.receipt(2))) == .record(chain.receipt(2)))
      #expect(state.next(.recorded(.agreed)) == reading(after: 2))
      _ = state.next(.read(.batch(chain.batch(after: 2))))
      _ = state.next(.answered(.receipt(chain.receipt(5))))
      _ = state.next(.recorded(.agreed))
      _ = state.next(.read(.batch(chain.batch(after: 5))))
    }
  }

  @Test mutating func `what became safe while nothing was sent is noted`() {
    sending()
    _ = state.next(.answered(.receipt(chain.receipt(5, safe: 2))))
    _ = state.next(.recorded(.agreed))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    _ = state.next(.listed([life]))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    #expect(state.next(.listed([life])) == .ask(chain.incarnation))
    #expect(state.next(.position(chain.receipt(5, safe: 4))) == .record(chain.receipt(5, safe: 4)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 5))
    #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
    #expect(state.standing == .idle)
    #expect(state.next(.listed([life])) == reading(after: 5, wait: .seconds(30)))
  }

  @Test mutating func `a central that is empty under way is noted, although the list is older than its last receipt`() {
    sending()
    _ = state.next(.answered(.receipt(chain.receipt(2))))
    #expect(state.next(.recorded(.agreed)) == reading(after: 2))
    _ = state.next(.read(.batch(chain.batch(after: 2, limit: 2))))
    #expect(state.next(.answered(.hole(position: 1))) == .ask(chain.incarnation))
    #expect(state.next(.position(chain.receipt(0))) == .record(chain.receipt(0)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 0))
  }

  @Test mutating func `with nothing left the earlier incarnations are looked at in turn, each with its position`() {
    let old = [Chain(count: 3), Chain(count: 4)]
    let lives =
      old.map { QueueLife(incarnation: $0.incarnation, agreedThrough: UInt64($0.lines.count), isSent: true) }
      + [QueueLife(incarnation: chain.incarnation, agreedThrough: 5)]
    /// Goes through what is asked of an incarnation that the central has all of; which that was.
    func visit(_ action: DeliveryState.Action) -> Incarnation? {
      guard case .ask(let incarnation) = action,
        let chain = (old + [chain]).first(where: { $0.incarnation == incarnation })
      else { return nil }
      let all = chain.receipt(UInt64(chain.lines.count))
      #expect(state.next(.position(all)) == .record(all))
      _ = state.next(.recorded(.agreed))
      #expect(state.next(.read(.batch(chain.batch(after: all.receivedThrough)))) == .list)
      return incarnation
    }
    // What is sent does not keep the current one waiting; then each is looked at once, without a wait.
    #expect(visit(state.next(.listed(lives))) == chain.incarnation)
    for round in 0..<2 {
      var seen: Set<Incarnation?> = []
      for _ in old {
        if round > 0 {
          #expect(state.next(.listed(lives)) == reading(after: 5, wait: .seconds(30)))
          #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
        }
        seen.insert(visit(state.next(.listed(lives))))
        #expect(visit(state.next(.listed(lives))) == chain.incarnation)
        #expect(state.standing == .idle)
      }
      #expect(seen == Set(old.map(\.incarnation)))
    }
    // After an absence the central may be another one.
    #expect(state.next(.listed(lives)) == reading(after: 5, wait: .seconds(30)))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    _ = state.next(.failed(.away("gone", retryAfter: nil)))
    _ = state.next(.paused)
    _ = state.next(.position(chain.receipt(5)))
    _ = state.next(.recorded(.agreed))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    #expect(
      Set([visit(state.next(.listed(lives))), visit(state.next(.listed(lives))), visit(state.next(.listed(lives)))])
        == Set(old.map(\.incarnation) + [chain.incarnation]))
  }

  @Test mutating func `an earlier incarnation is finished before the current one`() {
    let current = Incarnation.random()
    let lives = [life, QueueLife(incarnation: current)]
    #expect(state.next(.listed(lives)) == .ask(chain.incarnation))
    _ = state.next(.position(chain.receipt(5)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 5))
    #expect(state.next(.read(.batch(chain.batch(after: 5)))) == .list)
    #expect(state.next(.listed(lives)) == .ask(current))
  }

  @Test mutating func `a central that went back gets what it lost again`() {
    sending(after: 4)
    #expect(state.next(.answered(.receipt(chain.receipt(1)))) == .record(chain.receipt(1)))
    #expect(state.next(.recorded(.agreed)) == reading(after: 1))
  }

  @Test mutating func `another hash at the central's position begins a new incarnation and still sends the branch`() {
    let lives = [QueueLife(incarnation: chain.incarnation)]
    _ = state.next(.listed(lives))
    _ = state.next(.position(chain.receipt(3, head: .zero)))
    #expect(state.next(.recorded(.disputed("differs"))) == .renew(chain.incarnation, why: "differs"))
    #expect(state.next(.renewed) == reading(after: 0))
    let branch = chain.batch(after: 0)
    #expect(state.next(.read(.batch(branch))) == .deliver(branch))
    #expect(state.next(.answered(.conflict(position: 2))) == reading(after: 5))
    // Where it ends is said with a batch without lines.
    let end = chain.batch(after: 5)
    #expect(end.lines.isEmpty && end.first == 6)
    #expect(state.next(.read(.batch(end))) == .deliver(end))
    #expect(state.next(.answered(.receipt(chain.receipt(3, head: .zero)))) == .list)
    let current = Incarnation.random()
    #expect(state.next(.listed(lives + [.init(incarnation: current)])) == .ask(current))
  }

  @Test mutating func `where a branch ends is told again after an outage, and a refusal of it holds nothing up`() {
    sending()
    _ = state.next(.answered(.conflict(position: 1)))
    _ = state.next(.renewed)
    let end = chain.batch(after: 5)
    #expect(state.next(.read(.batch(end))) == .deliver(end))
    #expect(state.next(.failed(.away("down"))) == .pause(.milliseconds(500), exact: false))
    #expect(state.next(.paused) == reading(after: 2))
    #expect(state.next(.read(.batch(end))) == .deliver(end))
    #expect(state.next(.failed(.unacceptable("no lines"))) == .list)
    #expect(state.news == nil)
  }

  @Test(arguments: [RouteFault.failing("500"), .foreign("a portal"), .tooLarge("413"), .refused("404")])
  mutating func `no answer to where a branch ends holds up what comes behind it`(_ fault: RouteFault) {
    sending()
    _ = state.next(.answered(.conflict(position: 1)))
    _ = state.next(.renewed)
    let end = chain.batch(after: 5)
    var next = state.next(.read(.batch(end)))
    for _ in 0..<20 where next != .list {
      switch next {
      case .pause: next = state.next(.paused)
      case .read: next = state.next(.read(.batch(end)))
      default: next = state.next(.failed(fault))
      }
    }
    #expect(next == .list)
    let current = Incarnation.random()
    #expect(state.next(.listed([life, .init(incarnation: current)])) == .ask(current))
  }

  @Test mutating func `a central that places no end of a branch is asked a second time, and no third`() {
    sending()
    _ = state.next(.answered(.conflict(position: 1)))
    _ = state.next(.renewed)
    let current = QueueLife(incarnation: .random())
    let end = chain.batch(after: 5)
    var asked = 0
    var next = state.next(.read(.batch(end)))
    for _ in 0..<60 {
      switch next {
      case .deliver: next = state.next(.answered(.hole(position: 3)))
      case .list: next = state.next(.listed([life, current]))
      case .ask(chain.incarnation):
        asked += 1
        next = state.next(.position(chain.receipt(2, head: .zero)))
      case .ask(let other):
        next = state.next(
          .position(Receipt(source: chain.source, incarnation: other, receivedThrough: 0, head: .zero, safeThrough: 0)))
      case .record: next = state.next(.recorded(.disputed("differs")))
      case .read(let request) where request.incarnation == chain.incarnation: next = state.next(.read(.batch(end)))
      case .read(let request):
        next = state.next(
          .read(.batch(Batch(incarnation: request.incarnation, first: 1, previous: .zero, head: .zero, lines: []))))
      default: next = state.next(.paused)
      }
    }
    #expect(asked == 1)
  }

  @Test mutating func `a queue that has another incarnation now is asked which`() {
    sending(after: 2)
    _ = state.next(.answered(.receipt(chain.receipt(4))))
    #expect(state.next(.failed(.unknownIncarnation(chain.incarnation))) == .pause(.milliseconds(500), exact: false))
    #expect(state.next(.paused) == .list)
    let fresh = Incarnation.random()
    #expect(state.next(.listed([QueueLife(incarnation: fresh)])) == .ask(fresh))
  }

  @Test mutating func `a central that was put back amid a branch is asked where it stands`() {
    sending()
    _ = state.next(.answered(.conflict(position: 1)))
    _ = state.next(.renewed)
    _ = state.next(.read(.batch(chain.batch(after: 2))))
    #expect(state.next(.answered(.hole(position: 1))) == .ask(chain.incarnation))
    #expect(state.next(.position(chain.receipt(0))) == reading(after: 0))
  }

  @Test mutating func `a central that has more than the queue begins a new incarnation`() {
    _ = state.next(.listed([life]))
    _ = state.next(.position(chain.receipt(5)))
    _ = state.next(.recorded(.agreed))
    guard case .renew(chain.incarnation, _) = state.next(.read(.beyondEnd)) else {
      Issue.record("the queue went back and nothing was done")
      return
    }
  }

  @Test mutating func `a conflict on a batch begins a new incarnation, once`() {
    sending()
    guard case .renew = state.next(.answered(.conflict(position: 1))) else {
      Issue.record("a conflict was passed over")
      return
    }
    #expect(state.next(.renewed) == reading(after: 2))
    let rest = chain.batch(after: 2)
    #expect(state.next(.read(.batch(rest))) == .deliver(rest))
    #expect(state.next(.answered(.conflict(position: 3))) == reading(after: 5))
  }

  @Test mutating func `a hole is answered by asking where the central stands, not for ever`() {
    sending()
    for _ in 0..<3 {
      #expect(state.next(.answered(.hole(position: 1))) == .ask(chain.incarnation))
      _ = state.next(.position(chain.receipt(0)))
      _ = state.next(.read(.batch(chain.batch(after: 0, limit: 2))))
    }
    #expect(state.next(.answered(.hole(position: 1))) == .pause(.milliseconds(500), exact: false))
  }

  @Test mutating func `a receipt without progress is a failure`() {
    sending(after: 2)
    #expect(state.next(.answered(.receipt(chain.receipt(2)))) == .pause(.milliseconds(500), exact: false))
    guard case .away = state.standing else {
      Issue.record("standing \(state.standing)")
      return
    }
  }

  @Test mutating func `pauses double to a minute and begin anew after an answer`() {
    sending()
    var pauses: [DeliveryState.Action] = []
    for _ in 0..<9 {
      pauses.append(state.next(.failed(.away("refused"))))
      #expect(state.next(.paused) == .ask(chain.incarnation))
    }
    let seconds = [0.5, 1, 2, 4, 8, 16, 32, 60, 60]
    #expect(pauses == seconds.map { .pause(.seconds($0), exact: false) })
    _ = state.next(.position(chain.receipt(0)))
    #expect(state.next(.failed(.away("refused"))) == .pause(.milliseconds(500), exact: false))
  }

  @Test mutating func `the central's Retry-After is kept where it is longer`() {
    sending()
    #expect(state.next(.failed(.away("503", retryAfter: .seconds(7)))) == .pause(.seconds(7), exact: true))
    _ = state.next(.paused)
    #expect(state.next(.failed(.away("503", retryAfter: .zero))) == .pause(.seconds(1), exact: true))
  }

  @Test mutating func `a refusal is tried again each minute and shown as such`() {
    _ = state.next(.listed([life]))
    #expect(state.next(.failed(.refused("401"))) == .pause(.seconds(60), exact: true))
    #expect(state.standing == .refused("401"))
    #expect(state.next(.paused) == .ask(chain.incarnation))
  }

  @Test mutating func `a batch that is too large is halved, and grows again with success`() {
    let bytes = chain.batch(after: 0, limit: 2).body.count / 2
    sending()
    #expect(state.next(.failed(.tooLarge("413"))) == reading(after: 0, lines: 1, bytes: max(4096, bytes)))
    _ = state.next(.read(.batch(chain.batch(after: 0, limit: 1))))
    _ = state.next(.answered(.receipt(chain.receipt(1))))
    #expect(state.next(.recorded(.agreed)) == reading(after: 1, lines: 2, bytes: max(8192, bytes * 2)))
  }

  @Test mutating func `the first batch is small, each that comes through doubles the next, each broken off halves it`()
  {
    state = DeliveryState()
    let long = Chain(count: 2000)
    func asked(_ action: DeliveryState.Action) -> Int? {
      if case .read(let request) = action { request.lines } else { nil }
    }
    _ = state.next(.listed([QueueLife(incarnation: long.incarnation)]))
    var next = state.next(.position(long.receipt(0)))
    var (through, sizes) = (UInt64(0), [Int]())
    for isBroken in [false, false, true, true, false, false] {
      let lines = asked(next) ?? 0
      sizes.append(lines)
      let batch = long.batch(after: through, limit: lines)
      _ = state.next(.read(.batch(batch)))
      if isBroken {
        _ = state.next(.failed(.away("broken off")))
        _ = state.next(.paused)
        _ = state.next(.position(long.receipt(through)))
        next = state.next(.recorded(.agreed))
      } else {
        through = batch.last
        _ = state.next(.answered(.receipt(long.receipt(through))))
        next = state.next(.recorded(.agreed))
      }
    }
    #expect(sizes == [128, 256, 512, 256, 128, 256])
    // Where the central pulls it is the reading that is broken off.
    _ = state.next(.failed(.away("broken off")))
    _ = state.next(.paused)
    _ = state.next(.position(long.receipt(through)))
    next = state.next(.recorded(.agreed))
    #expect(asked(next) == 256)
    _ = state.next(.read(.batch(long.batch(after: through, limit: 256))))
    through += 256
    _ = state.next(.answered(.receipt(long.receipt(through))))
    next = state.next(.recorded(.agreed))
    #expect(asked(next) == 512)
    _ = state.next(.read(.batch(long.batch(after: through, limit: 1))))
    through += 1
    _ = state.next(.answered(.receipt(long.receipt(through))))
    // An outage in which nothing was on its way makes none smaller.
    for _ in 0..<5 { _ = state.next(.failed(.away("down"))) }
    _ = state.next(.paused)
    _ = state.next(.position(long.receipt(through)))
    #expect(asked(state.next(.recorded(.agreed))) == 1024)
  }

  @Test mutating func `one event that is too large has another chance and is held then, it is no loop`() {
    sending()
    _ = state.next(.failed(.tooLarge("413")))
    for answer in [
      DeliveryState.Action.pause(.seconds(5), exact: true),
      .change(.hold(EventID(incarnation: chain.incarnation, sequence: 1), why: "413")),
    ] {
      _ = state.next(.read(.batch(chain.batch(after: 0, limit: 1))))
      #expect(state.next(.failed(.tooLarge("413"))) == answer)
      _ = state.next(.paused)
      _ = state.next(.position(chain.receipt(0)))
    }
  }

  @Test mutating func `lost numbers are declared even where no line follows them`() {
    _ = state.next(.listed([life]))
    _ = state.next(.position(chain.receipt(0)))
    let lost = Batch(
      incarnation: chain.incarnation, first: 6, previous: chain.hashes[5], head: chain.hashes[5], lost: 1...5, lines: []
    )
    #expect(state.next(.read(.batch(lost))) == .deliver(lost))
    #expect(state.next(.answered(.receipt(chain.receipt(5)))) == .record(chain.receipt(5)))
  }

  @Test mutating func `a queue that does not begin a new incarnation is told as a refusal and asked again`() {
    sending()
    _ = state.next(.answered(.conflict(position: 1)))
    _ = state.next(.renewed)
    _ = state.next(.read(.batch(chain.batch(after: 2))))
    _ = state.next(.answered(.conflict(position: 3)))
    _ = state.next(.read(.batch(chain.batch(after: 5))))
    #expect(state.next(.answered(.conflict(position: 5))) == .list)
    #expect(state.next(.listed([life])) == .pause(.seconds(60), exact: true))
    #expect(state.next(.paused) == .list)
    #expect(state.next(.listed([life])) == .ask(chain.incarnation))
  }
}
