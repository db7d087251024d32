import Foundation
import Glibc
import TestParts
import Testing

/// Promise 2 while the disk fails: each call that changes what is on it, from the start to the steady state, fails once,
/// fails from then on, or is the daemon's last.
@Suite(.serialized, .enabled(if: FailingCalls.areAllowed, Comment(rawValue: FailingCalls.reason)))
struct `Failing calls lose and double nothing` {
  @Test(
    .timeLimit(.minutes(5)),
    arguments: [
      FailingCalls(call: "fdatasync", number: 4, fault: .input, isForEver: false),
      FailingCalls(call: "pwrite64", number: 9, fault: .space, isForEver: true),
      FailingCalls(call: "pwrite64", number: 5, fault: .kill, isForEver: false),
    ], [FailingCallCase.Victim.edge, .central])
  func `a sync, a write, a kill`(calls: FailingCalls, victim: FailingCallCase.Victim) async throws {
    let failing = try await FailingCallCase(calls, victim)
    #expect(try await failing.run(), "it never happened")
  }

  /// All with LOTLINE_CALLS=0; otherwise so many, drawn at random.
  @Test(.timeLimit(.minutes(240)), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: failing calls`() async throws {
    let count = Proof.number("LOTLINE_CALLS") ?? 30
    var happened = 0
    var tried = 0
    for victim in FailingCallCase.Victim.allCases {
      for calls in count > 0 ? Self.some(count / 2) : Self.all {
        tried += 1
        // Past the last call of the way to the steady state there is nothing to see.
        if try await FailingCallCase(calls, victim).run() { happened += 1 }
      }
    }
    print("failing calls: \(tried) tried, \(happened) happened")
    #expect(happened > tried / 4)
  }

  private static let all = FailingCalls.calls.flatMap { call in
    (1...40).flatMap { number in
      FailingCalls.Fault.allCases.flatMap { fault in
        [false, true].filter { !$0 || fault != .kill }.map {
          FailingCalls(call: call, number: number, fault: fault, isForEver: $0)
        }
      }
    }
  }

  private static func some(_ count: Int) -> [FailingCalls] {
    (0..<count).map { _ in
      let fault = FailingCalls.Fault.allCases.randomElement()!
      return FailingCalls(
        call: FailingCalls.calls.randomElement()!, number: Int.random(in: 1...8), fault: fault,
        isForEver: fault != .kill && Bool.random())
    }
  }
}

/// A small line, one of whose daemons meets one fault.
struct FailingCallCase {
  enum Victim: CaseIterable {
    case edge, central
  }

  private let calls: FailingCalls
  private let victim: Victim
  private let plc: SerialPLC
  private let scanner: InsistentScanner
  private let links: ScratchFolder
  private let line: LineFolder
  private let log: String
  private var ledger: LineLedger { LineLedger(plcs: [plc], scanners: [scanner]) }

  init(_ calls: FailingCalls, _ victim: Victim) async throws {
    (self.calls, self.victim) = (calls, victim)
    plc = try await SerialPLC(name: "press-1", .counter)
    links = try ScratchFolder()
    scanner = try InsistentScanner(name: "gun-1", link: links.file("gun-1"))
    line = try LineFolder(plcs: [.init(plc)], scanners: [.init(name: scanner.name, link: scanner.link)])
    log = line.scratch.file("calls")
  }

  /// Runs the line past the fault, and compares; false where the fault did not come.
  func run() async throws -> Bool {
    let load = Task { [plc, scanner] in
      await withDiscardingTaskGroup { group in
        group.addTask { await plc.run() }
        group.addTask { await scanner.run() }
      }
    }
    defer { load.cancel() }
    var (edge, central) = (try start(.edge), try start(.central))
    if Bool.random() {
      // Not the first start: there is something to find again.
      try await moves(by: 3, edge)
      try await edge.killed()
      try await central.killed()
      (edge, central) = (try start(.edge), try start(.central))
    }
    switch victim {
    case .edge:
      try await edge.killed()
      edge = try startFailing()
      try await meet(edge) { await plc.acknowledged.count }
      // What the service manager would do; a fault that lasts is mended by then.
      if calls.isForEver { try await edge.killed() }
      if !edge.isRunning { edge = try start(.edge) }
    case .central:
      try await central.killed()
      central = try startFailing()
      try await meet(central) { await plc.acknowledged.count }
      if calls.isForEver { try await central.killed() }
      if !central.isRunning { central = try start(.central) }
    }
    try await moves(by: 3, edge)
    load.cancel()
    await load.value
    try await ledger.compare(with: line, expecting: nil)
    for program in [edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(calls): \(program.said.suffix(2000))")
    }
    return calls.hasHappened(log: log)
  }

  private func start(_ victim: Victim) throws -> Program {
    switch victim {
    case .edge: try line.startEdge()
    case .central: try line.startCentral()
    }
  }

  private func startFailing() throws -> Program {
    let file = line.scratch.file(victim == .edge ? "queue.db" : "central.db")
    let files =
      ["", "-wal", "-journal", "-shm", ".marker", ".replacing", ".ballast"].map { file + $0 } + [line.scratch.path]
    let arguments =
      victim == .edge ? ["edge", "run", "--config", line.edge] : ["central", "run", "--config", line.central]
    return try calls.start(arguments, on: files, in: line.scratch, log: log)
  }

  /// Waits until the fault was met, or the program is so far that it will not be.
  private func meet(_ program: Program, _ count: () async -> Int) async throws {
    let before = await count()
    try await eventually("\(calls) is met, or passed: \(program.said.suffix(1500))", within: .seconds(60)) {
      if !program.isRunning || calls.hasHappened(log: log) { return true }
      return await count() > before + 40
    }
  }

  private func moves(by count: Int, _ edge: Program) async throws {
    let before = await plc.acknowledged.count
    try await eventually("\(calls): the line moves on; edge: \(edge.said.suffix(1500))", within: .seconds(60)) {
      await plc.acknowledged.count >= before + count
    }
  }
}
