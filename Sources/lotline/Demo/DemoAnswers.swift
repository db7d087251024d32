import Events

/// Asks both daemons what they know, and turns the central's answers into what the ledger is compared with.
struct DemoAnswers: Sendable {
  let edge: Asking
  let central: Asking

  init(_ folder: DemoFolder) {
    edge = Asking(door: .url(folder.edgeURL), token: nil, authorityFile: nil)
    central = Asking(door: .url(folder.centralURL), token: nil, authorityFile: nil)
  }

  /// Whether a daemon answers and can write.
  static func isReady(_ asking: Asking) async -> Bool { (try? await asking.get("/healthz")) != nil }

  /// Waits until the central has every event that the edge has now; false if it does not within `limit`.
  func drained(within limit: Duration) async throws -> Bool {
    let newest = try await edge.get("/v1/events?limit=1", accept: "application/x-ndjson")
    guard let incarnation = newest.header(Batch.Header.incarnation),
      let first = newest.header(Batch.Header.first).flatMap({ UInt64($0) })
    else { throw Asking.Failure(description: "the edge's answer lacks its Lotline headers") }
    let last = first - 1 + UInt64(newest.body.count { $0 == 0x0A })
    let end = ContinuousClock.now + limit
    while ContinuousClock.now < end {
      let receipt = try await central.get("/v1/sources/\(DemoFolder.source)?incarnation=\(incarnation)").json
      if let through = receipt?["received_through"]?.whole, through >= Int64(last) { return true }
      try await Task.sleep(for: .milliseconds(100))
    }
    return false
  }

  /// All that is compared.
  func found(units: [String]) async throws -> Found {
    var found = Found()
    for unit in units {
      guard let json = try? await central.get("/v1/units/\(percentEncoded(unit))").json else { continue }
      found.units[unit] = Self.unit(json)
    }
    for event in try await all("/v1/events?type=lotline.cycle&limit=500") {
      guard let device = event["data"]?["device"]?.text, let trigger = event["data"]?["trigger"]?.whole else {
        continue
      }
      found.cycles[.init(device: device, trigger: UInt64(trigger)), default: 0] += 1
    }
    for event in try await all("/v1/events?type=lotline.scan&limit=500") {
      guard let device = event["data"]?["device"]?.text, let text = event["data"]?["text"]?.text else { continue }
      found.scans.insert(.init(device: device, text: text))
    }
    found.gaps = try await all("/v1/gaps?limit=500").compactMap(Self.gap)
    return found
  }

  /// All items of a list, page after page.
  private func all(_ path: String) async throws -> [JSON] {
    var items: [JSON] = []
    var cursor: String?
    repeat {
      let page = try await central.get(path + (cursor.map { "&cursor=\(percentEncoded($0))" } ?? "")).json
      items += page?["items"]?.items ?? []
      cursor = page?["next"]?.text
    } while cursor != nil
    return items
  }

  static func unit(_ json: JSON) -> Found.Unit {
    Found.Unit(
      cycles: (json["cycles"]?.items ?? []).map(cycle),
      coils: (json["links"]?.items ?? []).filter { $0["role"]?.text == "coil" }.map { link in
        Found.Link(
          id: link["id"]?.text ?? "", station: link["station"]?.text ?? "",
          isCertain: link["certainty"]?.text == "certain")
      },
      complete: json["complete"]?.flag)
  }

  private static func cycle(_ json: JSON) -> Found.Cycle {
    var cycle = Found.Cycle(
      station: json["station"]?.text ?? "", operator: json["operator"]?.text, lot: json["lot"]?.text,
      result: json["result"]?.text, isDoubtful: json["doubtful"]?.flag ?? false)
    for member in json["tags"]?.members ?? [] {
      if let number = member.value.number {
        cycle.values[member.name] = .number(number)
      } else if let text = member.value.text {
        cycle.values[member.name] = .text(text)
      } else if let flag = member.value.flag {
        cycle.values[member.name] = .flag(flag)
      }
    }
    return cycle
  }

  private static func gap(_ json: JSON) -> Found.Gap? {
    // A finding is no gap: nothing is missing, and what a machine under load does to an acknowledge is in no plan.
    if json["finding"]?.flag == true { return nil }
    guard let kind = json["kind"]?.text, json["state"]?.text != "pending" else { return nil }
    return Found.Gap(
      kind: kind, station: json["station"]?.text, device: json["device"]?.text, unit: json["unit"]?.text,
      count: json["count"]?.whole.map { UInt64(clamping: $0) }, from: json["from"]?.time, to: json["to"]?.time,
      reason: json["reason"]?.text)
  }
}
