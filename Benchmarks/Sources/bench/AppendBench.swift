import CReference
import Events
import Foundation
import Logging
import Machine
import Queue

let quiet = Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() }

func namedSource(_ name: String) throws -> SourceName {
  guard let source = SourceName(name) else { throw BenchFailure("\(name) is no name of a source") }
  return source
}

/// Durable appends a second from producers that each wait for their commit, and what the chain costs of that.
func appendBench(rounds: Int) async throws -> [Measurement] {
  var measurements = try await oneProducer(rounds: rounds, before: 0, "durable appends, 1 producer")
  // The journal has its size by then: a flush is of data alone, which is less.
  measurements += try await oneProducer(rounds: rounds, before: 1200, "the same after 1200 others").filter {
    !$0.reference.isEmpty
  }
  var many = Measurement(
    name: "durable appends, 256 producers", unit: "events/s", ours: [], goal: .ratioAtLeast(0.8))
  var tasks = Measurement(name: "the same from 256 tasks of the pool", unit: "events/s", ours: [])
  var bare = Measurement(
    name: "the same against a thread that commits 256 rows at a time for nobody", unit: "events/s", ours: [])
  for _ in 0..<rounds {
    try await withScratch { folder in
      let (seconds, line) = try await append(producers: 256, each: 200, folder + "/many.db")
      let count = 256.0 * 200
      many.ours.append(count / seconds)
      tasks.ours.append(
        count / (try await append(producers: 256, each: 200, folder + "/tasks.db", onThreads: false)).seconds)
      bare.ours.append(count / seconds)
      let took = reference_append_many(folder + "/many-c.db", 256, 200, Int32(line.count))
      let loop = reference_append(folder + "/loop-c.db", 0, 256 * 200, 256, Int32(line.count))
      guard took > 0, loop > 0 else { throw BenchFailure("the C program could not write to \(folder)") }
      many.reference.append(count / took)
      tasks.reference.append(count / took)
      bare.reference.append(count / loop)
    }
  }
  return measurements + [many, tasks, bare]
}

/// One producer that waits for each commit, against C and against bare flushes; and the chain's share of it.
private func oneProducer(rounds: Int, before: Int, _ name: String) async throws -> [Measurement] {
  var one = Measurement(name: name, unit: "events/s", ours: [], goal: .ratioAtLeast(0.9))
  var flush = Measurement(
    name: "\(name), against a write of a page and its fdatasync", unit: "events/s", ours: [],
    goal: .ratioAtLeast(0.85))
  var chain = Measurement(
    name: "hash chain, share of an append with 1 producer", unit: "%", ours: [], goal: .atMost(5))
  for _ in 0..<rounds {
    try await withScratch { folder in
      // in turns, so that both meet the same moods of the disk
      var (ours, reference, flushes, line) = (0.0, 0.0, 0.0, [UInt8]())
      for turn in 0..<6 {
        let seconds: Double
        (seconds, line) = try await append(producers: 1, before: before, each: 500, folder + "/one-\(turn).db")
        ours += seconds
        let took = reference_append(folder + "/one-c-\(turn).db", Int32(before), 500, 1, Int32(line.count))
        let flushed = reference_flushes(folder + "/flushes-\(turn)", 500, 4120, before == 0 ? 1 : 0, nil)
        guard took > 0, flushed > 0 else { throw BenchFailure("the C program could not write to \(folder)") }
        reference += took
        flushes += flushed
      }
      one.ours.append(3000 / ours)
      one.reference.append(3000 / reference)
      flush.ours.append(3000 / ours)
      flush.reference.append(3000 / flushes)
      chain.ours.append(100 * chainSeconds(line) / (ours / 3000))
    }
  }
  return [one, flush, chain]
}

/// Appends from `producers` at once; gives the seconds that took and the last line.
private func append(producers: Int, before: Int = 0, each: Int, _ path: String, onThreads: Bool = true)
  async throws -> (seconds: Double, line: [UInt8])
{
  var settings = QueueSettings(path: path)
  // its 64 MB would still be on their way to the disk, which C does not write
  settings.reserveBytes = 0
  let queue = try await EventQueue.open(settings, source: try namedSource("bench"), logger: quiet)
  try await Producer().append(before, of: "ST0", to: queue)
  let start = ContinuousClock.now
  try await withThrowingTaskGroup(of: Void.self) { group in
    for number in 0..<producers {
      let producer = Producer()
      group.addTask {
        if onThreads {
          try await producer.append(each, of: "ST\(number)", to: queue)
        } else {
          try await appendAll(each, of: "ST\(number)", to: queue)
        }
      }
    }
    try await group.waitForAll()
  }
  let seconds = (ContinuousClock.now - start).inSeconds
  guard let line = try await queue.newest(limit: 1).lines.first, queue.status.last == UInt64(before + producers * each)
  else { throw BenchFailure("\(queue.status.last) events are in the queue, not \(before + producers * each)") }
  await queue.close()
  return (seconds, line)
}

/// Appends one entry after the other, on a thread of its own as a device does.
private actor Producer {
  private let thread = OwnThread(name: "producer")
  nonisolated var unownedExecutor: UnownedSerialExecutor { thread.asUnownedSerialExecutor() }

  func append(_ count: Int, of station: String, to queue: EventQueue) async throws {
    try await appendAll(count, of: station, to: queue)
  }
}

/// On the thread of the caller.
private nonisolated(nonsending) func appendAll(_ count: Int, of station: String, to queue: EventQueue) async throws {
  let data = ReadingData(
    device: "press-1", group: "process", tags: [Tag("ram-force", .double(101.5)), Tag("count", .int(4711))],
    stamp: nil)
  let entry = Entry(events: [Event(data, at: .now(), subject: station)])
  for _ in 0..<count { _ = try await queue.append { _ in entry } }
}

/// What one link of the chain takes, both hashes of it.
private func chainSeconds(_ line: [UInt8]) -> Double {
  let count = 20_000
  var hash = ChainHash.zero
  let start = ContinuousClock.now
  for _ in 0..<count { hash = hash.extended(byDigest: ChainHash.digest(of: line)) }
  let took = (ContinuousClock.now - start).inSeconds
  return hash == .zero ? .nan : took / Double(count)
}
