import CReference
import Dispatch
import Events
import Foundation

/// Events a second that the central takes over HTTP, with all projections: four line PCs push at once.
///
/// The client sends what was made before and reads the answers; it runs beside the central on the same machine. The
/// reference writes the same lines in commits of the same size, without HTTP, chain, checks or projections.
func ingestBench(rounds: Int, events: Int, batch: Int = 1000) async throws -> [Measurement] {
  let lines = 4
  let each = events / lines
  var taken = Measurement(
    name: "ingest at the central over HTTP, with projections", unit: "events/s", ours: [], goal: .atLeast(100_000))
  var cpu = Measurement(name: "its CPU", unit: "us per event", ours: [])
  let pushes = try (1...lines).map { try Push(source: "bench\($0)", station: "ST\($0)0", count: each, batch: batch) }
  let bodies = pushes.map(\.lines).reduce([], +)
  for _ in 0..<rounds {
    try await withScratch { folder in
      let central = try CentralFolder(folder, sources: pushes.map(\.source))
      let daemon = try await central.start()
      let before = try daemon.cpuSeconds()
      let port = Int32(central.port.port)
      let start = ContinuousClock.now
      let failures = await Task.detached { post(pushes, port) }.value
      let seconds = (ContinuousClock.now - start).inSeconds
      guard failures == 0 else { throw BenchFailure("the central refused \(failures) batches") }
      taken.ours.append(Double(each * lines) / seconds)
      cpu.ours.append((try daemon.cpuSeconds() - before) / Double(each * lines) * 1e6)
      daemon.stop()
      let took = bodies.withUnsafeBytes { bytes in
        reference_store(
          folder + "/c.db", bytes.baseAddress?.assumingMemoryBound(to: CChar.self), bytes.count, Int32(batch))
      }
      guard took > 0 else { throw BenchFailure("the C program could not write to \(folder)") }
      taken.reference.append(Double(each * lines) / took)
    }
  }
  return [taken, cpu]
}

/// Sends all requests of each push on a connection and a thread of its own; gives how many were refused.
private func post(_ pushes: [Push], _ port: Int32) -> Int {
  let refused = Refused()
  DispatchQueue.concurrentPerform(iterations: pushes.count) { index in
    let socket = reference_connect(port)
    defer { reference_disconnect(socket) }
    for request in pushes[index].requests {
      let status = request.withUnsafeBytes { reference_post(socket, $0.baseAddress, $0.count) }
      if status != 200 { refused.add() }
    }
  }
  return refused.count
}

private final class Refused: @unchecked Sendable {
  // under the lock alone
  private var value = 0
  private let lock = NSLock()
  func add() { lock.withLock { value += 1 } }
  var count: Int { lock.withLock { value } }
}

/// What one line PC sends: whole HTTP requests, made before the clock runs.
private struct Push: Sendable {
  let source: String
  var requests: [[UInt8]] = []
  /// All lines, each with its newline.
  var lines: [UInt8] = []

  init(source name: String, station: String, count: Int, batch size: Int) throws {
    source = name
    let origin = try namedSource(name)
    let incarnation = Incarnation.random()
    let events = LineEvents(station: station)
    var head = ChainHash.zero
    for first in stride(from: 1, through: count, by: size) {
      let lines = (first..<min(first + size, count + 1)).map {
        events.event($0).line(source: origin, incarnation: incarnation, sequence: UInt64($0))
      }
      let last = lines.reduce(head) { $0.extended(by: $1) }
      let batch = Batch(incarnation: incarnation, first: UInt64(first), previous: head, head: last, lines: lines)
      head = last
      let body = batch.body
      let headers = batch.headers.map { "\($0.name): \($0.value)\r\n" }.joined()
      requests.append(
        Array(
          ("POST /v1/sources/\(name)/events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/x-ndjson\r\n"
            + "Content-Length: \(body.count)\r\n\(headers)\r\n").utf8) + body)
      self.lines += body
    }
  }
}
