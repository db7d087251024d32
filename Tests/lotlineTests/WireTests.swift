import Glibc
import TestParts
import Testing

/// What the daemon sends to its devices, as it is on the wire.
struct WireTests {
  @Test(.timeLimit(minutes: 5))
  func `functions 1 to 4 and the declared acknowledges are all that is ever on the wire`() async throws {
    let plcs = try await SerialPLC.some(1) + SerialPLC.some(1, .bit)
    let taps = try plcs.map { try WireTap(before: $0.port) }
    defer { for tap in taps { tap.stop() } }
    let line = try LineFolder(
      plcs: zip(plcs, taps).map {
        var plc = LineFolder.PLC(name: $0.name, port: $1.port)
        plc.trigger = $0.trigger
        return plc
      }, scanners: [])
    // Beside the cycle a group of every other table, so that all four functions are there to be seen.
    let more = """
        states:
          every: 50ms
          report: always
          tags:
            door: { at: "discrete:0", type: bool }
            lamp: { at: "coil:9", type: bool }
            heat: { at: "input:0", type: uint16 }

      """
    try line.scratch.write("devices/counter.yaml", LineFolder.pressMap + more)
    try line.scratch.write("devices/bit.yaml", LineFolder.flagMap + more)
    let load = Task {
      await withDiscardingTaskGroup { group in for plc in plcs { group.addTask { await plc.run() } } }
    }
    defer { load.cancel() }
    var edge = try line.startEdge()
    // Cycles, kills in between, exceptions and broken connections.
    for _ in 0..<3 {
      for (plc, tap) in zip(plcs, taps) {
        let (pieces, connections) = (await plc.acknowledged.count, tap.connections)
        try await eventually("\(plc.name) moves on and was hung up on; edge: \(edge.said.suffix(600))") {
          await plc.acknowledged.count > pieces + 4 && tap.connections > connections
        }
      }
      try await edge.killed()
      edge = try line.startEdge()
    }
    for plc in plcs {
      let pieces = await plc.acknowledged.count
      try await eventually("\(plc.name) moves on") { await plc.acknowledged.count > pieces + 2 }
    }
    edge.signal(SIGTERM)
    #expect(try await edge.ended(within: .seconds(15)) == 0, "\(edge.said)")
    // Function 6 to holding:110 for the counter, function 5 to coil:4 for the bit, and no other.
    for (tap, acknowledge) in zip(taps, [[UInt8(6), 0, 110], [5, 0, 4]]) {
      let questions = tap.questions
      let writes = questions.filter { !(1...4).contains($0.function) }
      #expect(Set(questions.map(\.function)) == Set([1, 2, 3, 4, acknowledge[0]]))
      #expect(Set(writes.map(\.place)) == [acknowledge])
      #expect(writes.allSatisfy { $0.bytes.count == 6 && $0.bytes[0] == 1 })
    }
  }
}
