import Compression
import Events
import Logging
import NIOConcurrencyHelpers
import Queue

/// The edge's way: reads its own queue, posts to the central.
struct PushRoute: DeliveryRoute {
  let queue: EventQueue
  let peer: Peer
  let source: SourceName
  let beginIncarnation: @Sendable (String) async throws -> Void
  let logger: Logger
  /// Whether batches are packed: until the central says that it takes none.
  let packing: NIOLockedValueBox<Bool>
  /// The bodies of the two batches that were read last of a backlog: one is packed while the other is on its way.
  private let packed = NIOLockedValueBox<[Packed]>([])

  private struct Packed {
    let first: UInt64
    let head: ChainHash
    let body: [UInt8]
  }

  init(
    queue: EventQueue, peer: Peer, source: SourceName, compresses: Bool, logger: Logger,
    beginIncarnation: @escaping @Sendable (String) async throws -> Void
  ) {
    (self.queue, self.peer, self.source, self.logger) = (queue, peer, source, logger)
    self.beginIncarnation = beginIncarnation
    packing = NIOLockedValueBox(compresses)
  }

  /// The consumer whose receipts let rows go.
  static let consumer = "central"

  func lives() async throws(RouteFault) -> [QueueLife] {
    queue.status.incarnations.map { life in
      let received = life.received[Self.consumer] ?? 0
      return QueueLife(incarnation: life.incarnation, agreedThrough: received, isSent: received >= life.last)
    }
  }

  func position(of incarnation: Incarnation) async throws(RouteFault) -> Receipt {
    try peer.readToken()
    let answer = try await peer.send(PeerRequest(path: "/v1/sources/\(source)?incarnation=\(incarnation)"))
    guard answer.status == 200 else { throw .refused("it answers \(answer.status): \(answer.detail)") }
    return try receipt(in: answer, of: incarnation)
  }

  private func receipt(in answer: PeerAnswer, of incarnation: Incarnation) throws(RouteFault) -> Receipt {
    guard let receipt = Receipt(json: answer.body) else {
      throw .foreign("the answer is no receipt of a central: \"\(answer.detail)\"")
    }
    guard receipt.source == source, receipt.incarnation == incarnation else {
      throw .foreign("the receipt is for \(receipt.incarnation) of \(receipt.source), which was not sent")
    }
    return receipt
  }

  func read(_ request: ReadRequest) async throws(RouteFault) -> ReadAnswer {
    do throws(QueueFault) {
      let batch = try await queue.gathered(
        incarnation: request.incarnation, after: request.after, limit: request.lines, maxBytes: request.bytes,
        wait: request.wait, veilsHeld: !request.isResend)
      pack(batch, isResend: request.isResend)
      return .batch(batch)
    } catch {
      switch error {
      case .beyondEnd: return .beyondEnd
      case .unknownIncarnation(let incarnation): throw .unknownIncarnation(incarnation)
      default: throw .local(error.description)
      }
    }
  }

  /// Packs a batch of a backlog as soon as it is read.
  ///
  /// Any other makes it forget what is packed, above all a line that was held: its digest has the same number and hash.
  private func pack(_ batch: Batch, isResend: Bool) {
    guard !isResend, let waiting = batch.waiting, waiting > 0, packing.withLockedValue({ $0 }),
      case let body = Gzip.deflate(batch.body), !body.isEmpty
    else { return packed.withLockedValue { $0 = [] } }
    packed.withLockedValue { $0 = $0.suffix(1) + [Packed(first: batch.first, head: batch.head, body: body)] }
  }

  /// Smaller bodies gain nothing by being packed.
  private static let leastPacked = 1024

  /// Posts a batch, packed where that helps; a central that takes no gzip gets this and all others as they are.
  private func post(_ batch: Batch) async throws(RouteFault) -> PeerAnswer {
    var request = PeerRequest(
      method: "POST", path: "/v1/sources/\(source)/events",
      headers: batch.headers + [("Content-Type", "application/x-ndjson")], body: batch.body)
    guard packing.withLockedValue({ $0 }), let body = request.body, body.count > Self.leastPacked else {
      return try await peer.send(request)
    }
    let plain = request
    let known = self.packed.withLockedValue { $0.last { $0.first == batch.first && $0.head == batch.head } }
    let packed = known?.body ?? Gzip.deflate(body)
    guard !packed.isEmpty else { return try await peer.send(plain) }
    request.body = packed
    request.headers.append(("Content-Encoding", "gzip"))
    let answer = try await peer.send(request)
    guard answer.status == 415 else { return answer }
    packing.withLockedValue { $0 = false }
    logger.notice("the central takes no gzip (415 \(answer.detail)): batches go unpacked until the next start")
    return try await peer.send(plain)
  }

  func deliver(_ batch: Batch) async throws(RouteFault) -> DeliveryAnswer {
    let answer = try await post(batch)
    switch answer.status {
    case 200, 201: return .receipt(try receipt(in: answer, of: batch.incarnation))
    case 409:
      let problem = JSON(answer.body)
      guard let position = problem?["position"]?.whole.flatMap({ UInt64(exactly: $0) }) else { break }
      if problem?["kind"]?.text == "hole" { return .hole(position: position) }
      if problem?["kind"]?.text == "conflict" { return .conflict(position: position) }
    // The central does not know this line PC, or this is not the central.
    case 404: throw .refused("it answers 404: \(answer.detail)")
    default: break
    }
    throw .unacceptable("it answers \(answer.status): \(answer.detail)")
  }

  func record(_ receipt: Receipt) async throws(RouteFault) -> Agreement {
    do throws(QueueFault) {
      try await queue.record(receipt, from: Self.consumer, frees: true)
      return .agreed
    } catch {
      switch error {
      case .beyondEnd(let last):
        return .disputed(
          "the central has event \(receipt.receivedThrough), this queue ends at \(last): its file was put back, or copied"
        )
      case .wrongHash: return .disputed(error.description)
      case .unknownIncarnation(let incarnation): throw .unknownIncarnation(incarnation)
      default: throw .local(error.description)
      }
    }
  }

  func held() async -> [EventID] { queue.status.held.map(\.id) }

  func change(_ change: HoldChange) async throws(RouteFault) {
    do throws(QueueFault) {
      switch change {
      case .hold(let id, let why): try await queue.hold(id, why: why)
      case .end(let id, let isTaken): try await queue.endHold(id, isTaken: isTaken)
      }
    } catch {
      switch error {
      case .tooManyHeld: throw .refused(error.description)
      case .unknownIncarnation(let incarnation): throw .unknownIncarnation(incarnation)
      default: throw .local(error.description)
      }
    }
  }

  func renew(_ incarnation: Incarnation, why: String) async throws(RouteFault) {
    // It may have been renewed in the meantime, by a start or by a puller's receipt.
    guard queue.status.incarnation == incarnation else { return }
    do { try await beginIncarnation(why) } catch {
      throw .local("a new incarnation could not be begun: \(error)")
    }
  }
}
