import Foundation
import Glibc
import Machine
import TestParts
import Testing

/// An actor that may block, on its own thread.
private actor Blocking {
  private let thread = OwnThread(name: "blocking-test")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private(set) var calls: [Int] = []

  /// Blocks until `descriptor` can be read; the time only ends a test that hangs.
  func wait(_ descriptor: Int32) -> Bool {
    var waited = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&waited, 1, 20_000) == 1
  }

  func call(_ number: Int) { calls.append(number) }
  func threadIdentity() -> UInt { UInt(pthread_self()) }

  nonisolated func schedule(after delay: Duration, _ told: @escaping @Sendable (UInt) -> Void) {
    thread.schedule(after: delay) { told(UInt(pthread_self())) }
  }
}

/// What many ask for at once, on a thread that borrows.
private actor Counter {
  private let thread = OwnThread(name: "borrowing-test", borrowing: true)
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }
  private var isInside = false
  private(set) var overlaps = 0
  private(set) var sums: [Int: Int] = [:]
  private(set) var threads: Set<UInt> = []

  func add(_ number: Int, of caller: Int) {
    if isInside { overlaps += 1 }
    isInside = true
    thread.checkIsolated()
    sums[caller] = (sums[caller] ?? 0) &* 31 &+ number
    threads.insert(UInt(pthread_self()))
    isInside = false
  }
}

extension Blocking {
  /// Asks the counter from this own thread; true if the call came back to it each time.
  func count(_ numbers: Range<Int>, as caller: Int, on counter: Counter) async -> Bool {
    let home = pthread_self()
    var isHome = true
    for number in numbers {
      await counter.add(number, of: caller)
      isHome = isHome && pthread_equal(home, pthread_self()) != 0
    }
    return isHome
  }
}

@Suite(.timeLimit(minutes: 5)) struct OwnThreadTests {
  @Test func `a thread that borrows runs one job at a time, in order, and every call comes home`() async {
    let counter = Counter()
    let expected: Int = (0..<2000).reduce(0) { $0 &* 31 &+ $1 }
    await withTaskGroup(of: Bool.self) { group in
      for caller in 0..<6 {
        let actor = Blocking()
        group.addTask { await actor.count(0..<2000, as: caller, on: counter) }
      }
      for caller in 6..<8 {
        group.addTask {
          for number in 0..<2000 { await counter.add(number, of: caller) }
          return true
        }
      }
      for await isHome in group { #expect(isHome) }
    }
    #expect(await counter.overlaps == 0)
    #expect(await counter.sums == Dictionary(uniqueKeysWithValues: (0..<8).map { ($0, expected) }))
    #expect(await counter.threads.count > 1, "no thread was ever borrowed")
  }

  @Test func `actors that block do not hold up the pool`() async throws {
    // More than the pool has threads, so that they would fill it.
    let actors = (0..<16).map { _ in Blocking() }
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { for end in ends { close(end) } }
    let (read, write) = (ends[0], ends[1])
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for actor in actors { group.addTask { await actor.wait(read) } }
      // The pool still runs this: were it blocked, nobody could end the waits, and each would say false.
      for _ in 0..<3 { await Task.yield() }
      var byte: UInt8 = 1
      #expect(Glibc.write(write, &byte, 1) == 1)
      for try await woken in group { #expect(woken) }
    }
  }

  @Test func `an actor's calls run on its one thread, in order`() async {
    let actor = Blocking()
    let other = Blocking()
    let first = await actor.threadIdentity()
    for number in 0..<100 { await actor.call(number) }
    #expect(await actor.calls == Array(0..<100))
    #expect(await actor.threadIdentity() == first)
    #expect(await other.threadIdentity() != first)
  }

  @Test func `what is scheduled runs on the actor's thread, between its jobs, also where a thread was borrowed`()
    async throws
  {
    let actor = Blocking()
    let before = await actor.threadIdentity()
    let ran = await withCheckedContinuation { continuation in
      actor.schedule(after: .milliseconds(5)) { continuation.resume(returning: $0) }
    }
    #expect(ran == before)
    // Of several at once, the first alone counts.
    let times = AsyncStream<Int>.makeStream()
    for number in 0..<3 { actor.schedule(after: .milliseconds(1 + number)) { _ in times.continuation.yield(number) } }
    var seen = times.stream.makeAsyncIterator()
    #expect(await seen.next() == 0)
  }

  @Test func `threads end with their actors`() async throws {
    // Counted by name, since other tests make threads as well.
    func threads() throws -> Int {
      try taskNames().count { $0 == "ends-with-actor" }
    }
    do {
      let executors = (0..<20).map { _ in OwnThread(name: "ends-with-actor") }
      try await eventually("all have started") { try threads() == 20 }
      withExtendedLifetime(executors) {}
    }
    try await eventually("all have ended") { try threads() == 0 }
  }

  private func taskNames() throws -> [String] {
    guard let folder = opendir("/proc/self/task") else { throw SystemFailure(doing: "listing threads") }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let id = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard let file = fopen("/proc/self/task/\(id)/comm", "r") else { continue }
      defer { fclose(file) }
      var buffer = [CChar](repeating: 0, count: 64)
      guard fgets(&buffer, 64, file) != nil else { continue }
      names.append(String(decoding: buffer.prefix { $0 != 0 && $0 != 10 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
    }
    return names
  }
}

@Suite(.timeLimit(minutes: 5)) struct BellTests {
  @Test func `a ring ends a wait from another thread, and is kept for the next one where nobody waits`() async throws {
    let bell = Bell()
    bell.ring()
    #expect(bell.wait(for: .seconds(50)))
    #expect(!bell.wait(for: .milliseconds(20)), "it ends one wait and no more")
    let thread = Thread { bell.ring() }
    thread.start()
    #expect(bell.wait(for: .seconds(50)))
  }
}
