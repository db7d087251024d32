import Foundation
import Glibc
import TestParts
import Testing

/// Promise 2 while the disk fails: each call that changes what is on it, from the start to the steady state, fails once,
/// fails from then on, or is the daemon's last.
@Suite(.serialized, .enabled(if: FailingCalls.areAllowed, Comment(rawValue: FailingCalls.reason)))
struct `Failing calls lose and double nothing` {
  @Test(
    .timeLimit(minutes: 5),
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
  @Test(.timeLimit(minutes: 240), .enabled(if: Proof.isOn, "a sweep: runs in make proof"))
  func `Proof: failing calls`() async throws {
    let count = Proof.number("LOTLINE_CALLS") ?? 30
    var happened = 0
    var tried = 0
    for victim in FailingCallCase.Victim.allCases {
      let all = Self.all(of: victim)
      for calls in count > 0 ? Array(all.shuffled().prefix(count / 2)) : all {
        tried += 1
        if try await FailingCallCase(calls, victim).run() { happened += 1 }
      }
    }
    print("failing calls: \(tried) tried, \(happened) happened")
    #expect(happened > tried / 3)
  }

  /// As many of each as a thread makes from the start to the steady state, or a few more.
  private static func all(of victim: FailingCallCase.Victim) -> [FailingCalls] {
    let most =
      switch victim {
      case .edge:
        [
          "openat": 16, "pwrite64": 50, "write": 3, "fdatasync": 22, "fsync": 4, "ftruncate": 3, "fallocate": 1,
          "rename": 3, "unlink": 2, "link": 1,
        ]
      case .central: ["openat": 6, "pwrite64": 50, "fdatasync": 8, "ftruncate": 1, "unlink": 2]
      }
    return most.sorted { $0.key < $1.key }.flatMap { call, most in
      (1...most).flatMap { number in
        FailingCalls.Fault.allCases.flatMap { fault in
          [false, true].filter { !$0 || fault != .kill }.map {
            FailingCalls(call: call, number: number, fault: fault, isForEver: $0)
          }
        }
      }
    }
  }
}

/// A small line, one of whose daemons meets one fault; what ends is started again, as the service manager does.
actor FailingCallCase {
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
  private var programs: [Victim: Program] = [:]

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
    // Not always the first start: then there is something to find again.
    if Bool.random() {
      for daemon in Victim.allCases { try start(daemon) }
      try await moves(by: 3)
      for daemon in Victim.allCases { try await programs[daemon]?.killed() }
    }
    for daemon in Victim.allCases where daemon != victim { try start(daemon) }
    try startFailing()
    try await meet()
    let hasHappened = calls.hasHappened(log: log)
    // A fault that lasts is mended in the end, and one that did not come must not come later.
    if calls.isForEver || calls.fault == .kill || !hasHappened { try await programs[victim]?.killed() }
    try await moves(by: 3)
    load.cancel()
    await load.value
    let keeper = Task { while !Task.isCancelled { try keepRunning(); try await Task.sleep(for: .milliseconds(50)) } }
    try await LineLedger(plcs: [plc], scanners: [scanner]).compare(with: line, expecting: nil)
    keeper.cancel()
    _ = await keeper.result
    for program in programs.values {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(calls): \(program.said.suffix(2000))")
    }
    return hasHappened
  }

  private func start(_ daemon: Victim) throws {
    programs[daemon] = daemon == .edge ? try line.startEdge() : try line.startCentral()
  }

  private func startFailing() throws {
    let file = line.scratch.file(victim == .edge ? "queue.db" : "central.db")
    let files = ["", "-wal", "-journal", "-shm", ".marker", ".marker.new", ".replacing", ".ballast"].map { file + $0 }
    let arguments =
      victim == .edge ? ["edge", "run", "--config", line.edge] : ["central", "run", "--config", line.central]
    programs[victim] = try calls.start(arguments, on: files + [line.scratch.path], in: line.scratch, log: log)
  }

  private func keepRunning() throws {
    for (daemon, program) in programs where !program.isRunning { try start(daemon) }
  }

  /// Waits until the fault was met, or the program is so far that it will not be.
  private func meet() async throws {
    let before = await plc.acknowledged.count
    try await eventually("\(calls) is met, or passed: \(said)", within: .seconds(60)) {
      if programs[victim]?.isRunning != true || calls.hasHappened(log: log) { return true }
      return await plc.acknowledged.count > before + 40
    }
  }

  private func moves(by count: Int) async throws {
    let before = await plc.acknowledged.count
    try await eventually("\(calls): the line moves on: \(said)", within: .seconds(60)) {
      try keepRunning()
      return await plc.acknowledged.count >= before + count
    }
  }

  private var said: String { programs.map { "\($0): \($1.said.suffix(1500))" }.joined(separator: "; ") }
}
