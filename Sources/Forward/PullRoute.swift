import Events

/// The central's way: asks the edge for lines, stores them itself, tells the edge what it has.
///
/// Here no event is held: between the lines and the store stands no one who could refuse what they say. The store
/// takes every well-formed envelope, and the edge's queue makes no other; what is not well-formed was altered on its
/// way (`foreign`), and a store that cannot write (`local`) can write nothing of that line PC. An edge gives a puller
/// also the lines that it holds back from a central to which it pushed before.
struct PullRoute: DeliveryRoute {
  let peer: Peer
  let source: SourceName
  let intake: Intake

  private var consumerPath: String { "/v1/consumers/central" }

  func lives() async throws(RouteFault) -> [QueueLife] {
    try peer.readToken()
    let answer = try await peer.send(PeerRequest(path: "/v1/status", limit: 4 << 20))
    guard answer.status == 200, let status = JSON(answer.body), let name = status["source"]?.text,
      let items = status["incarnations"]?.items
    else { throw .foreign("the answer is not the status of a line PC: \(answer.status) \"\(answer.detail)\"") }
    guard name == source.description else {
      throw .refused("the line PC at this address is \(name), not \(source): see pull: in the settings of sources")
    }
    do { try await intake.heard(source) } catch { throw .local("the store could not note \(source): \(error)") }
    let lives = items.compactMap { item -> QueueLife? in
      guard let incarnation = item["incarnation"]?.text.flatMap({ Incarnation($0) }) else { return nil }
      let received = item["received"]?["central"]?.whole.flatMap { UInt64(exactly: $0) } ?? 0
      let last = item["last"]?.whole.flatMap { UInt64(exactly: $0) } ?? 0
      return QueueLife(incarnation: incarnation, agreedThrough: received, isSent: received >= last)
    }
    guard !lives.isEmpty else { throw .foreign("the line PC names no incarnation of its queue") }
    return lives
  }

  func position(of incarnation: Incarnation) async throws(RouteFault) -> Receipt {
    do { return try await intake.position(source, incarnation) } catch {
      throw .local("the store could not say how far it has \(source): \(error)")
    }
  }

  func read(_ request: ReadRequest) async throws(RouteFault) -> ReadAnswer {
    let wait = Int(request.wait.inSeconds)
    let path =
      "/v1/events?after=\(request.after)&limit=\(request.lines)&max-bytes=\(request.bytes)&wait=\(wait)"
      + "&incarnation=\(request.incarnation)"
    let answer = try await peer.send(
      PeerRequest(
        path: path, headers: [("Accept", "application/x-ndjson"), ("Accept-Encoding", "gzip")],
        deadline: .seconds(30 + wait),
        limit: request.bytes + 2 << 20))
    switch answer.status {
    case 200: break
    case 404: throw .unknownIncarnation(request.incarnation)
    case 409: return .beyondEnd
    default: throw .foreign("\(answer.status) \(answer.detail)")
    }
    do throws(BatchFault) {
      let batch = try Batch(body: answer.body) { answer.header($0) }
      guard batch.incarnation == request.incarnation else {
        throw .header(Batch.Header.incarnation, found: batch.incarnation.description)
      }
      return .batch(batch)
    } catch { throw .foreign("the answer is not a batch of events: \(error)") }
  }

  func deliver(_ batch: Batch) async throws(RouteFault) -> DeliveryAnswer {
    do {
      switch try await intake.take(source, batch) {
      case .receipt(let receipt): return .receipt(receipt)
      case .conflict(let position, _): return .conflict(position: position)
      case .hole(let position, _): return .hole(position: position)
      }
    } catch let fault as BatchFault {
      throw .foreign(fault.description)
    } catch {
      throw .local("the store did not take events of \(source): \(error)")
    }
  }

  func record(_ receipt: Receipt) async throws(RouteFault) -> Agreement {
    let answer = try await peer.send(
      PeerRequest(
        method: "PUT", path: consumerPath, headers: [("Content-Type", "application/json")], body: receipt.json))
    switch answer.status {
    case 200, 204: return .agreed
    case 404: throw .unknownIncarnation(receipt.incarnation)
    case 409: return .disputed(answer.detail)
    default: throw .refused("it answers \(answer.status): \(answer.detail)")
    }
  }

  func held() async -> [EventID] { [] }

  func change(_ change: HoldChange) async throws(RouteFault) {
    throw .local("the queue of \(source) is another PC's, which alone can hold events back in it")
  }

  func renew(_ incarnation: Incarnation, why: String) async throws(RouteFault) {
    // The edge begins a new incarnation itself when the receipt disagrees with its chain (`EdgeSite`).
    _ = try await record(try await position(of: incarnation))
  }
}
