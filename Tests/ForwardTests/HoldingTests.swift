import Events
import Testing

@testable import Forward

/// A queue and a central as the delivery sees them, without any network: the central refuses some numbers.
private final class World {
  let chain: Chain
  var state: DeliveryState
  /// Refused for what they say.
  var poison: Set<UInt64> = []
  /// Given for a refused batch.
  var fault = RouteFault.unacceptable("422")
  /// Refuses whatever is sent.
  var refusesAll = false
  /// Even the question how far it is fails.
  var isOut = false
  var now = ContinuousClock.now

  /// What the central has: a line or a digest for each number.
  private(set) var stored: [[UInt8]] = []
  private(set) var held: Set<UInt64> = []
  private(set) var everHeld: Set<UInt64> = []
  private(set) var requests = 0
  private(set) var pauses: [Duration] = []
  /// What people were told while it paused last.
  private(set) var pausedAt: DeliveryState.Standing?
  private(set) var news: [DeliveryState.News] = []
  private var action = DeliveryState.first

  init(_ count: Int, lines: Int = 2000, poison: Set<UInt64> = [], held: Set<UInt64> = []) {
    chain = Chain(count: count)
    state = DeliveryState(limits: .init(lines: lines))
    self.poison = poison
    self.held = held
  }

  /// As a daemon that starts again: what was in memory is gone.
  func restart() {
    state = DeliveryState(limits: state.limits)
    action = DeliveryState.first
  }

  private var life: QueueLife { QueueLife(incarnation: chain.incarnation) }

  func id(_ number: UInt64) -> EventID { EventID(incarnation: chain.incarnation, sequence: number) }

  /// Goes on until it waits for more with everything sent, or `steps` are made; a pause lets its time pass.
  @discardableResult
  func run(steps: Int = 100_000) -> Bool {
    for _ in 0..<steps {
      let happening = take(action)
      action = state.next(happening, at: now)
      if let told = state.news { news.append(told) }
      if case .read(let request) = action, request.wait > .zero {
        now += request.wait
        return true
      }
    }
    return false
  }

  private func take(_ action: DeliveryState.Action) -> DeliveryState.Happening {
    switch action {
    case .list: return .listed([life], held: held.sorted().map(id))
    case .ask: return isOut ? .failed(.failing("500")) : .position(chain.receipt(UInt64(stored.count)))
    case .record: return .recorded(.agreed)
    case .read(let request): return .read(.batch(batch(request)))
    case .deliver(let batch): return deliver(batch)
    case .renew: return .renewed
    case .change(.hold(let id, _)):
      held.insert(id.sequence)
      everHeld.insert(id.sequence)
      return .changed
    case .change(.end(let id, _)):
      held.remove(id.sequence)
      return .changed
    case .pause(let duration, _):
      pauses.append(duration)
      pausedAt = state.standing
      now += duration
      return .paused
    }
  }

  private func batch(_ request: ReadRequest) -> Batch {
    let batch = chain.batch(after: request.after, limit: request.lines)
    let lines = batch.lines.enumerated().map { index, line in
      let isHeld = held.contains(batch.first + UInt64(index)) && !request.isResend
      return isHeld ? ChainHash.heldLine(for: line) : line
    }
    return Batch(
      incarnation: batch.incarnation, first: batch.first, previous: batch.previous, head: batch.head, lines: lines)
  }

  private func deliver(_ batch: Batch) -> DeliveryState.Happening {
    requests += 1
    let refused = batch.lines.enumerated().contains { index, line in
      poison.contains(batch.first + UInt64(index)) && ChainHash.heldDigest(line) == nil
    }
    if refusesAll || refused || isOut { return .failed(isOut ? .failing("500") : fault) }
    for (index, line) in batch.lines.enumerated() {
      let place = Int(batch.first) + index - 1
      if place < stored.count { stored[place] = line } else { stored.append(line) }
    }
    return .answered(.receipt(chain.receipt(UInt64(stored.count))))
  }

  /// The numbers of which the central has the digest alone.
  var veiled: Set<UInt64> {
    Set(stored.indices.filter { ChainHash.heldDigest(stored[$0]) != nil }.map { UInt64($0 + 1) })
  }

  var isDelivered: Bool {
    stored.count == chain.lines.count
      && stored.indices.allSatisfy { ChainHash.heldDigest(stored[$0]) != nil || stored[$0] == chain.lines[$0] }
  }
}

/// An event that the central refuses for what it says is found and held, and nothing waits for it.
struct HoldingTests {
  @Test func `bisection finds each refused event, and holds no other, with about log2 n requests`() {
    var generator = SystemRandomNumberGenerator()
    for round in 0..<60 {
      let count = Int.random(in: 1...1000, using: &generator)
      let lines = [1, 7, 100, 2000].randomElement(using: &generator) ?? 2000
      let poison = Set((0..<(round % 5)).map { _ in UInt64.random(in: 1...UInt64(count), using: &generator) })
      let world = World(count, lines: lines, poison: poison)
      #expect(world.run(), "n=\(count) k=\(poison) lines=\(lines) comes to no end")
      #expect(world.isDelivered && world.veiled == poison, "n=\(count) k=\(poison) lines=\(lines)")
      #expect(world.held == poison && world.everHeld == poison, "n=\(count) k=\(poison) lines=\(lines)")
      // A search: halves until one is left, its other chance, its digest, and the sizes that come after it.
      let search = 2 * lines.halvings + 4
      let most = (count + lines - 1) / lines + max(0, lines.halvings - 128.halvings) + poison.count * search
      #expect(world.requests <= most, "n=\(count) k=\(poison) lines=\(lines): \(world.requests) requests, not \(most)")
      #expect(world.news == poison.sorted().map { .held(world.id($0), why: "422") })
    }
  }

  @Test func `the one event has another chance after a pause, and its digest goes only once the hold is on disk`() {
    let chain = Chain(count: 1)
    let id = EventID(incarnation: chain.incarnation, sequence: 1)
    var state = DeliveryState()
    _ = state.next(.listed([QueueLife(incarnation: chain.incarnation)]))
    func send() {
      _ = state.next(.position(chain.receipt(0)))
      _ = state.next(.read(.batch(chain.batch(after: 0))))
    }
    send()
    #expect(state.next(.failed(.unacceptable("422"))) == .pause(.seconds(5), exact: true))
    #expect(state.next(.paused) == .ask(chain.incarnation))
    send()
    #expect(state.next(.failed(.unacceptable("422"))) == .change(.hold(id, why: "422")))
    #expect(state.news == nil)
    guard case .read(let request) = state.next(.changed) else {
      Issue.record("nothing is read after the hold")
      return
    }
    #expect(request.lines == 1 && request.after == 0 && !request.isResend)
  }

  @Test func `what is larger than the central takes by itself is held like any other event`() {
    let world = World(40, poison: [17])
    world.fault = .tooLarge("413")
    #expect(world.run())
    #expect(world.isDelivered && world.veiled == [17] && world.held == [17])
  }

  @Test(arguments: [
    RouteFault.refused("401"), .away("429", retryAfter: .seconds(1)), .away("no cable"), .foreign("a portal"),
    .local("the disk"),
  ])
  func `what is no word about the content parks nothing`(_ fault: RouteFault) {
    let world = World(30, poison: [11])
    world.fault = fault
    #expect(!world.run(steps: 2000), "it does not go on")
    #expect(world.everHeld.isEmpty && world.requests > 100 && world.veiled.isEmpty)
    switch (fault, world.pausedAt) {
    case (.refused, .refused), (.away, .away), (.foreign, .away), (.local, .away): break
    default: Issue.record("after \(fault) it pauses as \(String(describing: world.pausedAt))")
    }
  }

  @Test func `an outage of the whole central with errors parks nothing, however long it is`() {
    let world = World(3000)
    world.isOut = true
    #expect(!world.run(steps: 5000))
    #expect(world.everHeld.isEmpty && world.requests == 0)
    world.isOut = false
    #expect(world.run() && world.isDelivered && world.everHeld.isEmpty)
  }

  @Test func `an outage that begins in the middle of a search for an error's cause ends the search`() {
    let world = World(100, lines: 10, poison: [7])
    world.fault = .failing("500")
    world.run(steps: 45)
    world.poison = []
    world.isOut = true
    world.run(steps: 100)
    world.isOut = false
    #expect(world.run() && world.isDelivered && world.veiled.isEmpty && world.held.isEmpty)
  }

  @Test func `an error over one event alone is its own only after five, with a question answered in between`() {
    let world = World(500, poison: [123, 300])
    world.fault = .failing("500")
    #expect(world.run())
    #expect(world.isDelivered && world.veiled == [123, 300] && world.held == [123, 300])
    #expect(world.pauses.count >= 10)
    let brief = World(500, poison: [123])
    brief.fault = .failing("500")
    // Four failures, each with its pause and its question.
    while brief.requests < 4 { brief.run(steps: 1) }
    brief.poison = []
    #expect(brief.run() && brief.isDelivered && brief.everHeld.isEmpty)
  }

  @Test(arguments: [RouteFault.unacceptable("400"), .failing("500")])
  func `who refuses the digest as well refuses everything: nothing stays held, and it alarms`(_ fault: RouteFault) {
    let world = World(64)
    (world.fault, world.refusesAll) = (fault, true)
    #expect(!world.run(steps: 4000))
    #expect(world.held.isEmpty && world.stored.isEmpty)
    // Trials get rare: each needs twice as many refusals as the one before.
    #expect(world.everHeld == [1])
    switch world.state.standing {
    case .refused, .away: break
    default: Issue.record("it stands at \(world.state.standing)")
    }
    world.refusesAll = false
    #expect(world.run() && world.isDelivered && world.held.isEmpty)
  }

  @Test func `held events are sent again at a bounded rate, and end once the central takes them`() {
    let world = World(20, poison: [3, 8])
    world.run()
    let (start, first) = (world.now, world.requests)
    while world.now < start + .seconds(86400) { world.run() }
    // From a minute to an hour, and then one an hour for both together.
    #expect((24...40).contains(world.requests - first), "\(world.requests - first) in a day")
    #expect(world.held == [3, 8] && world.veiled == [3, 8])
    world.poison = []
    while world.now < start + .seconds(86400 + 3700) { world.run() }
    #expect(world.held.isEmpty && world.veiled.isEmpty && world.isDelivered)
    #expect(Set(world.news.suffix(2)) == [.taken(world.id(3)), .taken(world.id(8))])
  }

  @Test func `after a start each held event is sent again at once`() {
    let world = World(50, poison: [5, 6, 7])
    world.run()
    let before = world.requests
    world.restart()
    world.run()
    #expect(world.requests == before + 3 && world.held == [5, 6, 7])
    world.poison = [6]
    world.restart()
    world.run()
    #expect(world.held == [6] && world.veiled == [6])
  }

  @Test func `a hold whose digest never went out is settled after the start`() {
    let kept = World(10, poison: [4], held: [4])
    #expect(kept.run() && kept.isDelivered && kept.veiled == [4] && kept.held == [4])
    let healed = World(10, held: [4])
    #expect(healed.run() && healed.isDelivered)
    while !healed.held.isEmpty, healed.requests < 50 { healed.run() }
    #expect(healed.held.isEmpty && healed.veiled.isEmpty)
  }

  @Test func `a held event whose row is gone is told, and sent no more`() {
    let chain = Chain(count: 3)
    let id = EventID(incarnation: chain.incarnation, sequence: 2)
    var state = DeliveryState()
    _ = state.next(.listed([QueueLife(incarnation: chain.incarnation)], held: [id]))
    _ = state.next(.position(chain.receipt(3)))
    guard case .read(let request) = state.next(.recorded(.agreed)), request.isResend else {
      Issue.record("the held event is not sent again at the start")
      return
    }
    #expect(state.next(.read(.batch(chain.batch(after: 2)))) == .change(.end(id, isTaken: false)))
    #expect(state.news == .gone(id))
    guard case .read(let next) = state.next(.changed), !next.isResend, next.after == 3 else {
      Issue.record("it does not go on")
      return
    }
  }
}

extension Int {
  /// How often it is halved until one is left.
  fileprivate var halvings: Int { Int.bitWidth - (self - 1).leadingZeroBitCount }
}
