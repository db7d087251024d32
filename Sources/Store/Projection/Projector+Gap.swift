import Events
import GRDB

extension Projector {
  /// A gap that the edge tells of.
  ///
  /// One of a device ends the open one that its `offline` began; where the daemon was killed in between, the gap
  /// that it tells of begins with its new start, the one that was seen before.
  func gap(_ data: GapData, _ event: Occurrence) throws {
    let station = try data.station ?? data.device.flatMap { try self.station(of: $0, before: event.key) }
    let former = data.kind == .daemonDown ? try clocks.clock(before: event.key) : nil
    let began = data.from.map { event.time(of: $0, before: former) }
    let ended = data.to.map { event.time(of: $0) }
    if data.kind == .deviceOffline, let device = data.device,
      let id = try openGap(of: device, within: began?.microseconds, ended?.microseconds)
    {
      try db.cachedStatement(
        sql: """
          UPDATE gaps SET
            began_stamped = CASE WHEN ?1 < began THEN ?2 ELSE began_stamped END, began = MIN(began, COALESCE(?1, began)),
            ended = ?3, ended_stamped = ?4, count = ?5, reason = COALESCE(?6, reason), due = NULL WHERE id = ?7
          """
      ).execute(arguments: [
        began?.microseconds, began?.stamped, ended?.microseconds, ended?.stamped,
        data.count.map { Int64(clamping: $0) }, data.reason, id,
      ])
      return
    }
    try GapRow(
      id: "\(data.kind.rawValue):\(event.envelope.id)", kind: data.kind.rawValue, source: source, key: event.key,
      station: station, device: data.device, began: began ?? event.own, ended: ended ?? event.own,
      count: data.count.map { Int64(clamping: $0) }, reason: data.reason
    ).insert(in: db)
  }

  /// A finding of the edge: told again with its end when it is over, which the same row gets.
  func finding(_ data: FindingData, _ event: Occurrence) throws {
    let whose = [data.device, data.about].compactMap { $0 }.joined(separator: "/")
    let id = "\(data.kind.rawValue):\(event.envelope.source)/\(whose):\(data.from.microseconds)"
    try GapRow(
      id: id, kind: data.kind.rawValue, source: source, key: event.key,
      station: try data.station ?? data.device.flatMap { try self.station(of: $0, before: event.key) },
      device: data.device, began: event.time(of: data.from), count: data.count.map { Int64(clamping: $0) },
      reason: data.reason
    ).insert(in: db)
    guard let ended = data.to.map({ event.time(of: $0) }) else { return }
    try db.cachedStatement(
      sql: "UPDATE gaps SET ended = ?, ended_stamped = ?, count = COALESCE(?, count) WHERE id = ?"
    ).execute(arguments: [ended.microseconds, ended.stamped, data.count.map { Int64(clamping: $0) }, id])
  }

  /// A daemon that was killed told no end of what it had found: what goes on is found anew by the next one.
  func endFindings(_ event: Occurrence) throws {
    try db.cachedStatement(
      sql: """
        UPDATE gaps SET ended = ?, ended_stamped = ? WHERE source = ? AND ended IS NULL
        AND kind IN (\(FindingData.Kind.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")))
        """
    ).execute(arguments: [event.own.microseconds, event.own.stamped, source])
  }

  /// The gap that an `offline` of this device began and that nothing has ended yet, or that reaches into the span.
  private func openGap(of device: String, within began: Int64?, _ ended: Int64?) throws -> String? {
    try String.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT id FROM gaps WHERE kind = 'device-offline' AND source = ? AND device = ?
          AND (ended IS NULL OR (ended > ? AND sorted <= ? AND count IS NULL)) ORDER BY sorted DESC LIMIT 1
          """), arguments: [source, device, began ?? Int64.max, ended ?? Int64.max])
  }

  /// A device that goes begins a gap at once; one that comes back ends it.
  func device(_ data: DeviceData, _ event: Occurrence) throws {
    let open = try String.fetchOne(
      db.cachedStatement(
        sql: "SELECT id FROM gaps WHERE kind = 'device-offline' AND source = ? AND device = ? AND ended IS NULL"),
      arguments: [source, data.device])
    switch (data.state, open) {
    case (.online, let id?):
      try db.cachedStatement(sql: "UPDATE gaps SET ended = ?, ended_stamped = ? WHERE id = ?")
        .execute(arguments: [event.own.microseconds, event.own.stamped, id])
    case (.offline, nil), (.refusing, nil):
      try GapRow(
        id: "device-offline:\(event.envelope.id)", kind: "device-offline", source: source, key: event.key,
        station: try station(of: data.device, before: event.key), device: data.device, began: event.own,
        reason: data.reason
      ).insert(in: db)
    default: break
    }
  }

  /// The station that the settings in force give to a device.
  private func station(of device: String, before key: EventKey) throws -> String? {
    try String.fetchOne(
      db.cachedStatement(
        sql: """
          SELECT station FROM devices WHERE source = ? AND device = ? AND (incarnation, sequence) < (?, ?)
          ORDER BY incarnation DESC, sequence DESC LIMIT 1
          """), arguments: [source, device, key.incarnation, key.sequence])
  }
}
