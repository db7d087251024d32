import Events
import Queue
import Store
import TestParts

@testable import Forward

/// The way from a queue to the store: the real decisions and both real ends, and between them a network that loses,
/// doubles, delays and cuts.
extension World {
  /// One action of an edge's delivery and its outcome.
  func deliver(_ edge: SimulatedEdge) async {
    // The side that has the delivery's process is down.
    guard edge.isPulled ? central.store != nil : edge.queue != nil else { return }
    let happening: DeliveryState.Happening
    do throws(RouteFault) { happening = try await perform(edge.action, edge) } catch { happening = .failed(error) }
    edge.action = edge.delivery.next(happening)
    tell("edge \(edge.number) → \(Self.words(for: edge.action))")
  }

  private static func words(for action: DeliveryState.Action) -> String {
    switch action {
    case .deliver(let batch):
      "deliver \(batch.incarnation) \(batch.first)…\(batch.last)\(batch.lost.map { ", lost \($0)" } ?? "")"
    case .record(let receipt): "record \(receipt.incarnation) \(receipt.receivedThrough)"
    case .read(let request): "read \(request.incarnation) after \(request.after)"
    default: "\(action)"
    }
  }

  private func perform(_ action: DeliveryState.Action, _ edge: SimulatedEdge) async throws(RouteFault)
    -> DeliveryState.Happening
  {
    switch action {
    case .list:
      let lives = try await overNetwork(edge.isPulled) { () throws(RouteFault) in try self.lives(edge) }
      return .listed(lives, held: [])
    case .ask(let incarnation):
      return .position(
        try await overNetwork(!edge.isPulled) { () async throws(RouteFault) in
          try await self.position(edge, incarnation)
        })
    case .record(let receipt):
      return .recorded(
        try await overNetwork(edge.isPulled) { () async throws(RouteFault) in try await self.record(receipt, edge) })
    case .read(let request):
      return .read(
        try await overNetwork(edge.isPulled) { () async throws(RouteFault) in try await self.read(request, edge) })
    case .deliver(let batch): return .answered(try await send(batch, edge))
    case .renew(let incarnation, let why):
      if edge.isPulled {
        let receipt = try await position(edge, incarnation)
        _ = try await overNetwork(true) { () async throws(RouteFault) in try await self.record(receipt, edge) }
      } else {
        try await renew(edge, incarnation, why)
      }
      return .renewed
    case .change(let change): throw .local("nothing is held here: \(change)")
    case .pause: return .paused
    }
  }

  /// What a request meets: it may not arrive, or its answer may not.
  private func overNetwork<Answer>(_ isAway: Bool, _ exchange: () async throws(RouteFault) -> Answer)
    async throws(RouteFault) -> Answer
  {
    guard isAway, isNetworkBad else { return try await exchange() }
    if chance.once(in: 12) {
      count("requests lost")
      throw .away("lost")
    }
    let answer = try await exchange()
    if chance.once(in: 12) {
      count("answers lost")
      throw .away("answer lost")
    }
    return answer
  }

  private func lives(_ edge: SimulatedEdge) throws(RouteFault) -> [QueueLife] {
    guard let queue = edge.queue else { throw .away("down") }
    return queue.status.incarnations.map { life in
      let received = life.received["central"] ?? 0
      return QueueLife(incarnation: life.incarnation, agreedThrough: received, isSent: received >= life.last)
    }
  }

  private func position(_ edge: SimulatedEdge, _ incarnation: Incarnation) async throws(RouteFault) -> Receipt {
    guard let store = central.store else { throw .away("down") }
    do { return try await store.position(of: edge.source, incarnation: incarnation) } catch { throw .away("\(error)") }
  }

  private func read(_ request: ReadRequest, _ edge: SimulatedEdge) async throws(RouteFault) -> ReadAnswer {
    guard let queue = edge.queue else { throw .away("down") }
    do throws(QueueFault) {
      return .batch(
        try await queue.batch(
          incarnation: request.incarnation, after: request.after, limit: request.lines, maxBytes: request.bytes))
    } catch {
      switch error {
      case .beyondEnd: return .beyondEnd
      case .unknownIncarnation(let incarnation): throw .unknownIncarnation(incarnation)
      default: throw .local("\(error)")
      }
    }
  }

  private func record(_ receipt: Receipt, _ edge: SimulatedEdge) async throws(RouteFault) -> Agreement {
    guard let queue = edge.queue else { throw .away("down") }
    do throws(QueueFault) {
      try await queue.record(receipt, from: "central", frees: true)
      return .agreed
    } catch {
      switch error {
      case .beyondEnd, .wrongHash:
        if edge.isPulled { try await renew(edge, receipt.incarnation, "\(error)") }
        return .disputed("\(error)")
      case .unknownIncarnation(let incarnation): throw .unknownIncarnation(incarnation)
      default: throw .local("\(error)")
      }
    }
  }

  private func renew(_ edge: SimulatedEdge, _ incarnation: Incarnation, _ why: String) async throws(RouteFault) {
    guard let queue = edge.queue else { throw .away("down") }
    guard queue.status.incarnation == incarnation else { return }
    do {
      _ = try await queue.beginIncarnation(why: why)
      count("incarnations begun anew")
    } catch { throw .local("\(error)") }
  }

  /// A batch on its way: as bytes, since what is cut short is cut there.
  private func send(_ batch: Batch, _ edge: SimulatedEdge) async throws(RouteFault) -> DeliveryAnswer {
    guard !edge.isPulled, isNetworkBad else { return try await take(batch, edge.source) }
    switch chance.number(1...24) {
    case 1:
      count("batches lost")
      throw .away("lost")
    case 2:
      _ = try await take(batch, edge.source)
      count("receipts lost")
      throw .away("answer lost")
    case 3:
      _ = try await take(batch, edge.source)
      count("batches doubled")
      return try await take(batch, edge.source)
    case 4:
      late.append((edge.source, batch))
      throw .away("late")
    case 5:
      await cutShort(batch, edge.source)
      throw .away("cut short")
    default: return try await take(batch, edge.source)
    }
  }

  /// Only the beginning of a batch comes to the central: nothing of it may be taken.
  private func cutShort(_ batch: Batch, _ source: SourceName) async {
    let body = batch.body
    guard let store = central.store, body.count > 1 else { return }
    let bytes = body.prefix(chance.number(0...body.count - 1))
    count("batches cut short")
    do throws(BatchFault) {
      let part = try Batch(body: bytes) { name in
        batch.headers.first { $0.name == name }?.value
      }
      guard (try? await store.take(part, from: source)) != nil else { return }
      complain("a batch of which \(bytes.count) of \(body.count) bytes came was taken")
    } catch {}
  }

  /// A batch that was on its way for long comes in, and nobody waits for the answer.
  func receiveLate() async {
    guard !late.isEmpty, central.store != nil else { return }
    let (source, batch) = late.remove(at: chance.number(0...late.count - 1))
    count("batches late")
    _ = try? await take(batch, source)
  }

  private func take(_ batch: Batch, _ source: SourceName) async throws(RouteFault) -> DeliveryAnswer {
    guard let store = central.store else { throw .away("down") }
    do {
      switch try await store.take(batch, from: source) {
      case .receipt(let receipt): return .receipt(receipt)
      case .hole(let position, _):
        count("holes answered")
        return .hole(position: position)
      case .conflict(let position, _):
        count("conflicts answered")
        return .conflict(position: position)
      }
    } catch {
      if error is BatchFault { complain("a sound batch was refused: \(error)") }
      throw .away("\(error)")
    }
  }
}
