import Events
import Foundation
import Queue
import TestParts

/// What the queue said of the events that it was given: the account that its file is compared with afterwards.
struct Account {
  /// The line of each event that was accepted, by its id.
  private(set) var accepted: [EventID: [UInt8]] = [:]
  /// What must not be.
  private(set) var complaints: [String] = []
  /// Numbers up to here may have gone, since the central was said to have them safely.
  private(set) var freed: [Incarnation: UInt64] = [:]
  /// Entries of which nobody knows whether they are there.
  private(set) var refused = 0

  /// Appends `texts` as one entry.
  mutating func append(_ texts: [String], to queue: EventQueue, state: [StateChange] = []) async {
    let events = texts.map { event($0, at: Self.longAgo) }
    do {
      let committed = try await queue.append { _ in Entry(events: events, state: state) }
      accept(events, committed)
    } catch {
      refused += 1
    }
  }

  /// Appends entries that wait at the same time.
  mutating func appendTogether(_ texts: [String], to queue: EventQueue) async {
    let outcomes = await withTaskGroup(of: (Event, Committed?).self) { group in
      for text in texts {
        let event = event(text, at: Self.longAgo)
        group.addTask { (event, try? await queue.append { _ in Entry(events: [event]) }) }
      }
      return await group.reduce(into: [(Event, Committed?)]()) { $0.append($1) }
    }
    for (event, committed) in outcomes {
      if let committed { accept([event], committed) } else { refused += 1 }
    }
  }

  /// Tells the queue that the central has its current events up to `through` safely.
  mutating func free(through: UInt64, in queue: EventQueue) async {
    do {
      let receipt = try await queue.receipt(through: through, safe: through)
      freed[receipt.incarnation] = max(through, freed[receipt.incarnation] ?? 0)
      try await queue.record(receipt, from: "central", frees: true)
    } catch {}
  }

  /// So old that a row goes as soon as it is safe.
  private static let longAgo = Timestamp("2026-01-01T00:00:00Z")!

  private mutating func accept(_ events: [Event], _ committed: Committed) {
    for (index, event) in events.enumerated() {
      let id = committed.place.id(index)
      let line = event.line(source: line3, incarnation: id.incarnation, sequence: id.sequence)
      if accepted.updateValue(line, forKey: id) != nil { complaints.append("number \(id) was given twice") }
    }
  }

  /// Opens the queue as a start does, and says what is missing or altered in it, or stands in the way of going on.
  func compare(_ settings: QueueSettings) async -> [String] {
    do {
      let queue = try await EventQueue.open(settings, source: line3, logger: silent)
      var found = complaints
      while queue.opening.isSalvaging { try await queue.beat(at: Self.longAgo) }
      let lost = queue.opening.lost
      let lines = try await everyLine(in: queue)
      for (id, line) in accepted where lines[id] != line {
        if id.sequence <= freed[id.incarnation] ?? 0, lines[id] == nil { continue }
        if lost.contains(where: { $0.incarnation == id.incarnation && $0.numbers.contains(id.sequence) }) { continue }
        found.append("event \(id) is \(lines[id] == nil ? "missing" : "altered"); \(queue.opening)")
      }
      let verdict = await queue.verify()
      if !verdict.isGood { found.append("\(verdict)") }
      let next = try await queue.append(entry("afterwards")).place
      if accepted[next.id(0)] != nil { found.append("number \(next.id(0)) was given again") }
      await queue.close()
      let again = try await EventQueue.open(settings, source: line3, logger: silent)
      if !again.opening.stoppedCleanly || again.status.last != next.first {
        found.append("the next start: \(again.opening)")
      }
      await again.close()
      return found
    } catch {
      return complaints + ["afterwards: \(error)"]
    }
  }

  private func everyLine(in queue: EventQueue) async throws -> [EventID: [UInt8]] {
    var lines: [EventID: [UInt8]] = [:]
    for life in queue.status.incarnations {
      var after: UInt64 = 0
      while after < life.last {
        let batch = try await queue.batch(incarnation: life.incarnation, after: after, limit: 100, maxBytes: 1 << 20)
        for (index, line) in batch.lines.enumerated() {
          lines[EventID(incarnation: life.incarnation, sequence: batch.first + UInt64(index))] = line
        }
        if batch.lines.isEmpty { break }
        after = batch.last
      }
    }
    return lines
  }
}

/// One life of a queue with all that it does, the same each time: opened, filled, read, freed, renewed, closed, opened again.
struct QueueStory {
  let settings: QueueSettings

  init(folder: String) {
    var settings = QueueSettings(path: folder + "/queue.db")
    settings.limitBytes = 2_000_000
    settings.reserveBytes = 64 << 10
    settings.keep = .seconds(60)
    settings.checkpointPages = 12
    self.settings = settings
  }

  /// Goes on whatever fails, as devices do, and gives the account of it.
  ///
  /// Where `disk` is given, its first life ends with a kill and its second with a power cut, amid the work.
  func tell(endingAbruptlyOn disk: SimulatedDisk? = nil) async -> Account {
    var account = Account()
    guard let first = await opened() else { return account }
    for number in 0..<5 { await account.append(["one \(number)"], to: first) }
    await account.append(["three a", "three b", "three c"], to: first, state: [.init(key: "context", value: [1])])
    await account.appendTogether((0..<6).map { "together \($0)" }, to: first)
    await account.free(through: 4, in: first)
    await account.append([String(repeating: "long ", count: 3000)], to: first)
    try? await first.beat(at: Timestamp("2026-11-30T08:00:00Z")!)
    _ = try? await first.beginIncarnation(why: "the story says so")
    await account.append(["after the renewal"], to: first)
    await account.free(through: 1, in: first)
    disk?.stop()
    await first.close()
    disk?.goOnAfterKill()

    guard let second = await opened() else { return account }
    for number in 0..<3 { await account.append(["second start \(number)"], to: second) }
    _ = try? await second.batch(after: 0, limit: 10, maxBytes: 1 << 20)
    await account.append(
      [String(repeating: "big ", count: 9000)], to: second, state: [.init(key: "context", value: [2])])
    disk?.stop()
    await second.close()
    return account
  }

  /// A service manager tries again.
  private func opened() async -> EventQueue? {
    for _ in 0..<2 {
      if let queue = try? await EventQueue.open(settings, source: line3, logger: silent) { return queue }
    }
    return nil
  }
}
