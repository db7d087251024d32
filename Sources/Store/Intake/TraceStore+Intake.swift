public import Events
import GRDB

extension TraceStore {
  /// How far the events of an incarnation are here; one that is not known is through 0 with a zero head.
  ///
  /// - Parameter isHeard: that the source itself asks; false where the central asks in its own affairs.
  public func position(of source: SourceName, incarnation: Incarnation, isHeard: Bool = true) async throws -> Receipt {
    let now = rules.now()
    return try await pool.write { [rules] db in
      let id = try Identities.source(source, in: db)
      if isHeard { try Silences.heard(id, at: now, rules: rules, in: db) }
      return Identities.receipt(source, incarnation, try Identities.position(of: id, incarnation, in: db), rules)
    }
  }

  /// Notes that a source answered, whether it had events or not.
  public func heard(_ source: SourceName) async throws {
    let now = rules.now()
    try await pool.write { [rules] db in
      try Silences.heard(try Identities.source(source, in: db), at: now, rules: rules, in: db)
    }
  }

  /// Stores a batch with all that follows from it in one transaction, and answers after its commit.
  ///
  /// What is known already is not stored again; throws a `BatchFault` where the batch is malformed, before anything
  /// is stored.
  public func take(_ batch: Batch, from source: SourceName) async throws -> IngestAnswer {
    let verified = try VerifiedBatch(batch, from: source)
    let events = zip(verified.envelopes, batch.lines).map { envelope, line in envelope.map { ReadEvent($0, line) } }
    let now = rules.now()
    let answer = try await pool.write { [rules] db in
      let id = try Identities.source(source, in: db)
      try Silences.heard(id, at: now, rules: rules, in: db)
      return try Intake(db: db, rules: rules, source: id, verified: verified, events: events, now: now).run()
    }
    if case .receipt = answer, let behind = batch.waiting { await waiting.note(behind, of: source) }
    return answer
  }

  /// Makes all projections again from the events alone; what was stored stays untouched.
  public func rebuild() async throws {
    try await pool.write { [rules] db in
      for table in Schema.projections { try db.execute(sql: "DELETE FROM \(table)") }
      try Clocks.fill(db)
      let incarnations = try Row.fetchAll(
        db,
        sql: """
          SELECT i.id, i.name, i.source FROM incarnations i JOIN sources s ON s.id = i.source ORDER BY s.name, i.id
          """)
      for row in incarnations {
        guard let incarnation = Incarnation(row["name"]) else { continue }
        var projector = try Projector(db: db, source: row["source"], incarnation: incarnation)
        let lines = try Row.fetchCursor(
          db, sql: "SELECT key, line FROM events WHERE key BETWEEN ? AND ? ORDER BY key",
          arguments: EventKey.all(of: row["id"]))
        while let event = try lines.next() {
          let line = event.bytes("line")
          guard ChainHash.heldDigest(line) == nil, let envelope = try? Envelope(line: line) else { continue }
          try projector.project(EventKey(packed: event["key"]), ReadEvent(envelope, line))
        }
        try Integrity.project(incarnation: row["id"], source: row["source"], in: db)
        try projector.finish(rules)
      }
      try Expectations.remember(rules, in: db)
    }
  }
}
