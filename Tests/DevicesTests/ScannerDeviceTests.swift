import Events
import TestParts
import Testing

@testable import Devices

@Suite(.timeLimit(minutes: 5)) struct ScannerDeviceTests {
  @Test func `a scan is acknowledged only after the sink has answered`() async throws {
    try await ScannerBench.run { bench in
      await bench.desk.hold()
      try await bench.gun.send(Array("OP-1234\r".utf8))
      try await eventually("the scan waits at the desk") { await bench.desk.heldCount == 1 }
      #expect(await bench.gun.received().isEmpty)
      await bench.desk.release()
      try await eventually("the answer comes") { await bench.gun.received() == ScannerBench.accepted }
      let scans = await bench.desk.scans
      #expect(scans.map(\.raw) == [Array("OP-1234\r".utf8)])
      #expect(scans.map(\.text) == ["OP-1234"])
      #expect(scans.map(\.roles) == [[.init("operator", "1234")]])
      #expect(scans.map(\.device) == ["gun-1"])
      #expect(bench.device.status.good == 1)
      #expect(bench.device.status.lastGood == scans[0].moment.time)
    }
  }

  @Test func `a scan that was not kept is refused to the operator`() async throws {
    try await ScannerBench.run { bench in
      await bench.desk.answerWith(.refused("the queue is full"))
      try await bench.scan("OP-1234\r", gives: ScannerBench.refused)
      await bench.desk.answerWith(.accepted)
      try await bench.scan("OP-1234\r", gives: ScannerBench.accepted)
      #expect(bench.device.status.faults == ["refused": 1])
      #expect(await bench.desk.holes.isEmpty)
    }
  }

  @Test func `a scan that was not kept by a scanner without answers becomes a hole`() async throws {
    try await ScannerBench.run("frame: { end: \"\\r\" }") { bench in
      await bench.desk.answerWith(.refused("the queue is full"))
      try await bench.gun.send(Array("A\rB\r".utf8))
      try await eventually("both were refused") { bench.device.status.faults["refused"] == 2 }
      await bench.desk.answerWith(.accepted)
      try await bench.gun.send(Array("C\r".utf8))
      try await eventually("what was lost is told") { await bench.desk.holes.last?.count == 2 }
      let hole = try #require(await bench.desk.holes.last)
      #expect(hole.kind == .unreadableScan)
      #expect(hole.reason == "not kept: the queue is full")
    }
  }

  @Test func `a code that no rule knows is kept and accepted`() async throws {
    try await ScannerBench.run { bench in
      try await bench.scan("whatever 漢\r", gives: ScannerBench.accepted)
      let scan = try #require(await bench.desk.scans.last)
      #expect(scan.text == "whatever 漢")
      #expect(scan.roles.isEmpty)
      #expect(scan.problem == nil)
    }
  }

  @Test func `a frame split over writes is one scan and two in one write are two`() async throws {
    try await ScannerBench.run { bench in
      for part in ["OP", "-", "12"] { try await bench.gun.send(Array(part.utf8)) }
      try await bench.scan("34\r", gives: ScannerBench.accepted)
      #expect(await bench.desk.scans.map(\.text) == ["OP-1234"])
      try await bench.gun.send(Array("OP-0001\rOP-0002\r".utf8))
      try await eventually("both are there") { await bench.desk.scans.count == 3 }
      #expect(await bench.desk.scans.map(\.text) == ["OP-1234", "OP-0001", "OP-0002"])
      var answers: [UInt8] = []
      try await eventually("both are answered") {
        answers += await bench.gun.received()
        return answers == ScannerBench.accepted + ScannerBench.accepted
      }
    }
  }

  @Test func `an unfinished frame is refused after its idle time and not joined with the next`() async throws {
    try await ScannerBench.run { bench in
      try await bench.scan("OP-12", gives: ScannerBench.refused)
      try await bench.scan("OP-1234\r", gives: ScannerBench.accepted)
      let scans = await bench.desk.scans
      #expect(scans.map(\.raw) == [Array("OP-12".utf8), Array("OP-1234\r".utf8)])
      #expect(scans.map(\.problem) == ["a frame without its end: nothing came for 100ms", nil])
      #expect(scans.map(\.text) == [nil, "OP-1234"])
      #expect(bench.device.status.faults == ["damaged": 1])
    }
  }

  @Test func `a frame over the limit is kept up to it and refused`() async throws {
    // A pseudo-terminal takes 4096 bytes at a time: a machine under load may be slow to bring the rest.
    let map = ScannerBench.acknowledging.replacing("idle: 100ms", with: "max-length: 16, idle: 50s")
    try await ScannerBench.run(map) { bench in
      try await bench.scan(String(repeating: "A", count: 5000) + "\r", gives: ScannerBench.refused)
      try await bench.scan("OP-1234\r", gives: ScannerBench.accepted)
      let scans = await bench.desk.scans
      #expect(scans.map(\.raw.count) == [16, 8])
      #expect(scans[0].problem == "a frame longer than 16 bytes: 4985 bytes were not kept")
      try await eventually("dropped bytes are counted") { bench.device.status.faults["dropped-bytes"] == 4985 }
    }
  }

  @Test(
    arguments: [
      [0x00, 0x01, 0x02, 0x0D], [0xFF, 0xFE, 0x80, 0x0D], [0x1B, 0x5B, 0x32, 0x4A, 0x0D], [0x41, 0xC3, 0x0D],
      [0x03, 0x04, 0x11, 0x13, 0x1A, 0x1C, 0x7F, 0x0D],
    ] as [[UInt8]])
  func `hostile bytes are kept as they are and refused`(bytes: [UInt8]) async throws {
    try await ScannerBench.run { bench in
      try await bench.scan(bytes, gives: ScannerBench.refused)
      let scan = try #require(await bench.desk.scans.last)
      #expect(scan.raw == bytes)
      #expect(scan.text == nil)
      #expect(scan.roles.isEmpty)
      #expect(scan.problem != nil)
      try await bench.scan("OP-1234\r", gives: ScannerBench.accepted)
    }
  }

  @Test func `every byte comes through as it was sent`() async throws {
    try await ScannerBench.run { bench in
      let all = (0...255).map { UInt8($0) }.filter { $0 != 0x0D } + [0x0D]
      try await bench.scan(all, gives: ScannerBench.refused)
      #expect(await bench.desk.scans.map(\.raw) == [all])
    }
  }

  @Test func `empty frames are counted and not reported`() async throws {
    try await ScannerBench.run { bench in
      try await bench.gun.send(Array("\r\r\r".utf8))
      try await bench.scan("OP-1234\r", gives: ScannerBench.accepted)
      #expect(await bench.desk.scans.count == 1)
      try await eventually("they are counted") { bench.device.status.faults == ["empty": 3] }
    }
  }

  @Test func `a storm of terminators and noise leaves the next scan whole`() async throws {
    try await ScannerBench.run { bench in
      var random = Seeded(seed: 51)
      for _ in 0..<20 {
        let noise = (0..<1000).map { _ in UInt8.random(in: 0...255, using: &random) }
        try await bench.gun.send(noise)
      }
      try await bench.gun.send(Array("\rOP-1234\r".utf8))
      try await eventually("the scan is there") { await bench.desk.scans.last?.text == "OP-1234" }
    }
  }

  @Test func `a scanner that takes no answer holds nothing up for ever`() async throws {
    try await ScannerBench.run { bench in
      // Nobody fetches the answers, so that the line to the scanner fills.
      for _ in 0..<60 {
        try await bench.gun.send(Array(String(repeating: "A\r", count: 200).utf8), within: .seconds(40))
      }
      try await eventually("all scans are there") { await bench.desk.scans.count == 12_000 }
      var answers = 0
      try await eventually("answers come again") {
        answers += await bench.gun.received().count
        return answers + Int(bench.device.status.faults["unanswered"] ?? 0) == 12_000
      }
    }
  }
}
