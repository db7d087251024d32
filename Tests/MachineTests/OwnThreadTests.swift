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
}

@Suite(.timeLimit(.minutes(1))) struct OwnThreadTests {
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
