import CReference
import Events
import Forward
import Queue

/// How fast a backlog in the queue gets to the central: the edge's own forwarder in this process, the central in its own.
func drainBench(rounds: Int, events: Int) async throws -> [Measurement] {
  var result = Measurement(
    name: "drain of a backlog of \(events) events into the central", unit: "events/s", ours: [])
  for _ in 0..<rounds {
    try await withScratch { folder in
      let central = try CentralFolder(folder, sources: ["bench"])
      let lines = try await fill(folder + "/queue.db", events)
      let queue = try await EventQueue.open(
        QueueSettings(path: folder + "/queue.db"), source: try namedSource("bench"), logger: quiet)
      let daemon = try await central.start()
      let forwarder = Forwarder(
        queue: queue, settings: ForwardSettings(url: central.url), source: try namedSource("bench"), logger: quiet)
      let start = ContinuousClock.now
      await forwarder.drain(within: .seconds(600))
      result.ours.append(Double(events) / (ContinuousClock.now - start).inSeconds)
      let received = queue.status.consumers["central"]?.receivedThrough ?? 0
      guard received == UInt64(events) else {
        throw BenchFailure("the central has \(received) of \(events): \(forwarder.status)")
      }
      await queue.close()
      daemon.stop()
      let took = lines.withUnsafeBytes { bytes in
        reference_store(folder + "/c.db", bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, 2000)
      }
      guard took > 0 else { throw BenchFailure("the C program could not write to \(folder)") }
      result.reference.append(Double(events) / took)
    }
  }
  return [result]
}

/// A queue with a backlog; gives its lines, each with its newline.
private func fill(_ path: String, _ count: Int) async throws -> [UInt8] {
  let queue = try await EventQueue.open(QueueSettings(path: path), source: try namedSource("bench"), logger: quiet)
  let events = LineEvents(station: "ST10")
  for first in stride(from: 1, through: count, by: 1000) {
    let entry = Entry(events: (first..<min(first + 1000, count + 1)).map { events.event($0) })
    _ = try await queue.append { _ in entry }
  }
  let incarnation = queue.status.incarnation
  await queue.close()
  var lines: [UInt8] = []
  for number in 1...count {
    lines += events.event(number).line(
      source: try namedSource("bench"), incarnation: incarnation, sequence: UInt64(number))
    lines.append(0x0A)
  }
  return lines
}
