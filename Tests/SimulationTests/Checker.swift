import Crypto
import Foundation
import GRDBSQLite

/// Compares what was accepted with what the central's file has, by SQLite, JSON and SHA-256 alone: it shares no code
/// with what it judges.
struct Checker {
  /// What one accepted event was, in plain words.
  struct Accepted {
    let source: String
    let incarnation: String
    let number: Int64
    let line: [UInt8]
    let edge: Int
    let step: Int
  }

  /// What a run knows of files that were put back: events accepted between the two steps are on that disk no more.
  struct Erasures {
    /// By line PC.
    var edges: [Int: [ClosedRange<Int>]] = [:]
    var central: [ClosedRange<Int>] = []
    /// Sources with one line PC that was never put back: nobody else can have used their names.
    var alone: Set<String> = []
    /// Numbers that a queue itself declared lost, by incarnation.
    var declared: [String: [ClosedRange<UInt64>]] = [:]
  }

  private struct Stored {
    let previous: [UInt8]
    let line: [UInt8]
  }

  private var stored: [String: [Int64: Stored]] = [:]
  private var branches: [String: Set<[UInt8]>] = [:]
  private var forks: [String: Int64] = [:]
  /// Up to which number it is said not to be known whose the events of an incarnation are.
  private var seams: [String: Int64] = [:]
  private var holes: [String: [ClosedRange<Int64>]] = [:]
  private var sources: [String: String] = [:]
  /// Lines that are still in some queue's file, by digest.
  private var held: Set<[UInt8]> = []
  private(set) var complaints: [String] = []
  private(set) var counts: [String: Int] = [:]

  init(store: String, queues: [String]) throws {
    try read(
      store,
      "SELECT i.name, e.key & \((1 << 40) - 1), e.previous, e.line, s.name FROM events e JOIN incarnations i ON i.id = e.key >> 40 JOIN sources s ON s.id = i.source"
    ) { row in
      stored[row.text(0), default: [:]][row.number(1)] = Stored(previous: row.bytes(2), line: row.bytes(3))
      sources[row.text(0)] = row.text(4)
    }
    try read(store, "SELECT i.name, c.line, c.sequence FROM conflicts c JOIN incarnations i ON i.id = c.incarnation") {
      row in
      branches[row.text(0), default: []].insert(row.bytes(1))
    }
    try read(
      store,
      "SELECT i.name, g.sequence, g.count, g.id FROM gaps g JOIN incarnations i ON i.id = g.incarnation WHERE g.kind = 'conflict'"
    ) { row in
      if row.text(3) == "conflict:\(row.text(0)):\(row.number(1))" {
        forks[row.text(0)] = row.number(1)
      } else {
        seams[row.text(0)] = max(seams[row.text(0)] ?? 0, row.number(1) + row.number(2) - 1)
      }
    }
    try read(
      store,
      "SELECT i.name, g.sequence, g.count FROM gaps g JOIN incarnations i ON i.id = g.incarnation WHERE g.kind = 'sequence-hole'"
    ) { row in
      holes[row.text(0), default: []].append(row.number(1)...(row.number(1) + row.number(2) - 1))
    }
    for queue in queues {
      try read(queue, "SELECT line FROM events") { row in held.insert(digest(row.bytes(0))) }
    }
  }

  /// Compares; `tried` are the texts of all events that were ever handed to a queue.
  mutating func compare(_ accepted: [Accepted], tried: Set<String>, _ erasures: Erasures) {
    var payloads: [String: Int] = [:]
    for (incarnation, lines) in stored {
      follow(incarnation, lines, tried, &payloads)
    }
    for (payload, count) in payloads where count > 1 { complain("\(payload.suffix(20)) is stored \(count) times") }
    for event in accepted { find(event, erasures) }
    for incarnation in seams.keys where erasures.alone.contains(sources[incarnation] ?? "") {
      complain("two queues are said to have used \(incarnation), and there was only one")
    }
    counts["events compared", default: 0] += accepted.count
  }

  /// Each line's own words against its place, and the chain through all of them.
  private mutating func follow(
    _ incarnation: String, _ lines: [Int64: Stored], _ tried: Set<String>, _ payloads: inout [String: Int]
  ) {
    var hash = [UInt8](repeating: 0, count: 32)
    var last: Int64 = 0
    for (number, row) in lines.sorted(by: { $0.key < $1.key }) {
      if number == last + 1, row.previous != hash {
        complain("event \(incarnation):\(number) does not continue the one before it")
      }
      if number > last + 1, !isNamed(incarnation, last + 1, number - 1) {
        complain("numbers \(last + 1) to \(number - 1) of \(incarnation) are left out, and no gap says so")
      }
      hash = digest(row.previous + digest(row.line))
      last = number
      guard let json = try? JSONSerialization.jsonObject(with: Data(row.line)) as? [String: Any],
        let id = json["id"] as? String, let source = json["source"] as? String,
        let data = json["data"] as? [String: Any], let reason = data["reason"] as? String
      else {
        complain("event \(incarnation):\(number) is no event")
        continue
      }
      if id != "\(incarnation):\(number)" || source != sources[incarnation] {
        complain("event \(incarnation):\(number) says that it is \(id) of \(source)")
      }
      // What a queue tells by itself: that the central went back, or what it gave up.
      if json["type"] as? String == "lotline.finding" || data["kind"] as? String == "released" {
        counts["events that a queue made itself", default: 0] += 1
        continue
      }
      if !tried.contains(reason) { complain("event \(id) is one that nobody made") }
      payloads[reason, default: 0] += 1
    }
  }

  private func isNamed(_ incarnation: String, _ first: Int64, _ last: Int64) -> Bool {
    (first...last).allSatisfy { number in (holes[incarnation] ?? []).contains { $0.contains(number) } }
  }

  /// Where an accepted event is; if nowhere, what says so.
  private mutating func find(_ event: Accepted, _ erasures: Erasures) {
    let place = stored[event.incarnation]?[event.number]
    if place?.line == event.line { return }
    if branches[event.incarnation]?.contains(event.line) == true {
      counts["kept as a branch", default: 0] += 1
      return
    }
    let name = "event \(event.incarnation):\(event.number), accepted by edge \(event.edge) at step \(event.step),"
    if held.contains(digest(event.line)) {
      // Of a branch, what the central cannot place stays where it is; both ends say so.
      if let fork = forks[event.incarnation], fork <= event.number {
        counts["held at the line PC beside a named branch", default: 0] += 1
      } else if isNamed(event.incarnation, event.number, event.number) {
        // Of a clone, sent into a hole that the other one declared: nothing proves it to be what was lost there.
        counts["held at the line PC beside a named hole", default: 0] += 1
      } else {
        complain(
          "\(name) is still at a line PC and not at the central\(place == nil ? "" : ", which has another there")")
      }
      return
    }
    if isNamed(event.incarnation, event.number, event.number) {
      counts["lost by both and named as a hole", default: 0] += 1
    } else if erasures.declared[event.incarnation]?.contains(where: { $0.contains(UInt64(event.number)) }) == true {
      counts["lost and declared by the queue", default: 0] += 1
    } else if erasures.edges[event.edge]?.contains(where: { $0.contains(event.step) }) == true {
      // An image was put back over it before it had left the PC, or the central lost it as well.
      counts["erased with an image before anybody else had it", default: 0] += 1
    } else if let fork = forks[event.incarnation], fork <= event.number || !erasures.central.isEmpty {
      // A central that was put back no longer knows where the branch began, and the row had gone as safe.
      counts["lost with a named branch", default: 0] += 1
    } else if let seam = seams[event.incarnation], event.number <= seam {
      counts["lost where it is not known whose the events are, and that is named", default: 0] += 1
    } else {
      complain("\(name) is nowhere\(place == nil ? "" : ", and another is in its place")")
    }
  }

  private mutating func complain(_ what: String) { complaints.append(what) }

  // MARK: Reading a file

  private struct Row {
    let handle: OpaquePointer
    func number(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }
    func text(_ column: Int32) -> String { sqlite3_column_text(handle, column).map { String(cString: $0) } ?? "" }
    func bytes(_ column: Int32) -> [UInt8] {
      guard let start = sqlite3_column_blob(handle, column) else { return [] }
      return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
    }
  }

  struct Unreadable: Error { let path: String, why: String }

  private func read(_ path: String, _ sql: String, _ visit: (Row) -> Void) throws {
    var file: OpaquePointer?
    defer { sqlite3_close_v2(file) }
    var statement: OpaquePointer?
    defer { sqlite3_finalize(statement) }
    guard sqlite3_open_v2(path, &file, SQLITE_OPEN_READONLY, nil) == SQLITE_OK,
      sqlite3_prepare_v2(file, sql, -1, &statement, nil) == SQLITE_OK, let statement
    else { throw Unreadable(path: path, why: String(cString: sqlite3_errmsg(file))) }
    while true {
      switch sqlite3_step(statement) {
      case SQLITE_ROW: visit(Row(handle: statement))
      case SQLITE_DONE: return
      default: throw Unreadable(path: path, why: String(cString: sqlite3_errmsg(file)))
      }
    }
  }
}

private func digest(_ bytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: bytes)) }
