import Events
import Foundation
import Logging
import TestParts
import Testing

@testable import Devices

/// What was on the wire, to a file and back.
@Suite(.timeLimit(minutes: 5)) struct RecordingTests {
  private static let text = """
    kind: modbus
    addresses: zero-based
    groups:
      process:
        every: 20ms
        report: always
        tags:
          level: { at: "holding:1", type: uint16 }
          force: { at: "holding:2", type: float32, unit: kN }
      cycle:
        every: 20ms
        trigger: { tag: count, at: "holding:100", type: uint16 }
        acknowledge: { at: "holding:110" }
        tags: { serial: { at: "holding:102", type: uint16 } }
    """

  /// Runs devices and records the first of them while `body` looks on.
  private func recorded(
    _ devices: [DeviceSettings], into reports: Reports, _ body: (LineDevices) async throws -> Void
  ) async throws -> [UInt8] {
    var bytes: [UInt8] = []
    try await running(devices, into: reports) { line in
      let (head, entries) = try line.recording(of: devices[0].name)
      bytes = head.bytes
      try await withThrowingTaskGroup(of: [UInt8].self) { group in
        group.addTask {
          var lines: [UInt8] = []
          for await entry in entries { lines += entry.bytes }
          return lines
        }
        try await body(line)
        group.cancelAll()
        bytes += try await group.next() ?? []
      }
    }
    return bytes
  }

  private func readings(_ replay: Replay) -> [Reading] {
    replay.outcomes.compactMap { if case .reading(let reading) = $0.kind { reading } else { nil } }
  }

  private func faults(_ replay: Replay) -> [String] {
    replay.outcomes.compactMap { if case .fault(let why) = $0.kind { why } else { nil } }
  }

  @Test func `the recording of a PLC replays to the readings that were reported, at their times`() async throws {
    let plc = try TestPLC()
    plc[holding: 1] = 7
    plc[holding: 2] = 0x42C8  // 100.0
    plc[holding: 100] = 4
    plc[holding: 110] = 4
    let reports = Reports()
    let bytes = try await recorded([settings("press-1", port: plc.port, map: try loadedMap(Self.text))], into: reports)
    {
      _ in
      try await eventually("some readings") { await reports.readings.count >= 3 }
      plc[holding: 1] = 8
      plc[holding: 102] = 44
      plc[holding: 100] = 5
      try await eventually("a cycle, and readings after it") {
        let last = await reports.readings.last?.tags.first?.value
        return await !reports.cycles.isEmpty && plc.written.count == 1 && last == .int(8)
      }
      let count = await reports.readings.count
      try await eventually("what was written is answered") { await reports.readings.count > count + 1 }
    }
    let recording = try Recording(bytes, name: "press.jsonl")
    #expect(recording.head.device == "press-1" && recording.head.unit == 1 && recording.head.framing == .tcp)
    let replay = try Replay(recording, map: loadedMap(recording.head.text).map)
    #expect(faults(replay).isEmpty, "\(faults(replay))")
    let told = await reports.readings
    let found = readings(replay).filter { $0.group == "process" }
    // Either may have one more at its end.
    #expect(found.count >= 4 && told.count >= 4)
    for (told, found) in zip(told, found) {
      #expect(told.tags == found.tags)
      let apart = told.moment.time.since(found.moment.time)
      #expect(apart >= .zero && apart < .milliseconds(100), "\(apart)")
    }
    let block = readings(replay).filter { $0.group == "cycle" }.flatMap(\.tags)
    #expect(block.contains(Tag("serial", .int(44))) && block.contains(Tag("count", .int(5))))
    let written = replay.outcomes.compactMap { if case .written(let what) = $0.kind { what } else { nil } }
    #expect(written == ["write of 5 to holding:110"])
    #expect(replay.unseen.isEmpty)
  }

  @Test func `of a bus with two units each has its own readings, and a late answer of the other is none`() async throws
  {
    let text = """
      kind: modbus
      addresses: zero-based
      requests: { timeout: 150ms }
      groups:
        fast: { every: 20ms, report: always, tags: { word: { at: "holding:3", type: uint16 } } }
      """
    // The second unit's first answer comes once the first one is asked again.
    let line = try TestRTULine { request, right, number in
      request[0] == 2 && number < 12 ? [.pause(.milliseconds(170)), .send(right)] : nil
    }
    let devices = try [1, 2].map { unit in
      DeviceSettings(
        name: "unit-\(unit)", station: "ST10", map: try loadedMap(text),
        link: .modbus(.serial(path: line.path, line: SerialLine(baud: 19200)), unit: UInt8(unit)))
    }
    let reports = Reports()
    let bytes = try await recorded(devices, into: reports) { _ in
      try await eventually("readings of both") {
        let names = await reports.readings.filter { $0.tags.allSatisfy(\.value.isGood) }.map(\.device)
        return names.count { $0 == "unit-1" } > 5 && names.contains("unit-2")
      }
    }
    let recording = try Recording(bytes, name: "bus.jsonl")
    #expect(recording.head.line == "19200 8N1" && recording.head.framing == .rtu)
    let map = try loadedMap(recording.head.text).map
    let first = try Replay(recording, map: map)
    #expect(Set(readings(first).flatMap(\.tags)) == [Tag("word", .int(0x0103))])
    var other = recording.head
    (other.device, other.unit) = ("unit-2", 2)
    let second = try Replay(
      Recording(other.bytes + recording.entries.flatMap(\.bytes), name: "bus.jsonl"), map: map)
    #expect(Set(readings(second).flatMap(\.tags)) == [Tag("word", .int(0x0203))])
    #expect(faults(second).contains { $0.hasPrefix("no answer within 150ms") }, "\(faults(second))")
    #expect(readings(first).count > 5 && faults(first).isEmpty, "\(faults(first))")
  }

  /// A recording made of frames as they stand in Modbus' specification, byte by byte.
  private func recording(_ lines: [(way: String, bytes: String)], map: String = text) throws -> Recording {
    let began = try #require(Timestamp("2026-11-24T08:00:00Z"))
    let head = Recording.Head(settings("press-1", port: 502, map: try loadedMap(map)), began: began)
    let entries = lines.enumerated().flatMap { place, line in
      """
      {"time":"2026-11-24T08:00:\(10 + place).500000Z","boottime":"\(1_000_000_000 * (place + 1))","\(line.way)":\
      "\(line.bytes)"}

      """.utf8
    }
    return try Recording(head.bytes + entries, name: "r")
  }

  @Test func `a corrected map reads the same bytes anew, and what is not there is named`() throws {
    let found = try recording([
      ("sent", "000100000006010300010003"), ("received", "00010000000901030600070000"), ("received", "42c8"),
    ])
    let right = Self.text.replacing("type: float32,", with: "type: float32, word-order: CDAB,")
      .replacing("level: { at: \"holding:1\"", with: "level: { at: \"holding:7\"")
    let replay = try Replay(found, map: loadedMap(right).map)
    #expect(readings(replay).map(\.tags) == [[Tag("force", .double(100))]])
    #expect(replay.outcomes.first?.moment.time == Timestamp("2026-11-24T08:00:12.5Z"), "of the last byte")
    #expect(replay.outcomes.first?.line == 4)
    #expect(replay.unseen.contains("process/level") && !replay.unseen.contains("process/force"))
  }

  @Test func `wrong, missing, refused and unasked answers are faults with their line, never values`() throws {
    let found = try recording([
      ("received", "0301"), ("note", "connected"), ("received", "ff"), ("sent", "000100000006010300010003"),
      ("sent", "000200000006010300010003"),
      ("received", "000100000009010306000700000000"), ("note", "the device closed the connection"),
      ("sent", "000300000006010300010003"), ("received", "000300000003018302"), ("sent", "000400000006010300010003"),
      ("note", "no answer within 1s"),
    ])
    let replay = try Replay(found, map: loadedMap(Self.text).map)
    let asked = "function 3, 3 registers from holding:1"
    #expect(
      faults(replay) == [
        "1 byte came that nobody asked for", "no answer within 1s, and the next request was sent: \(asked)",
        "the answer belongs to request 1, not to 2: it came late, or a gateway mixed them up: \(asked)",
        "the device refused: illegal data address (exception 2): \(asked)", "no answer within 1s: \(asked)",
      ])
    #expect(replay.outcomes.map(\.line) == [3, 4, 6, 7, 8, 10, 12] && readings(replay).isEmpty)
  }

  @Test func `a scanner's line replays to its scans, also where nothing came for long`() async throws {
    let map = """
      kind: serial
      frame: { end: "\\r", idle: 100ms }
      acknowledge: { accepted: "\\x06" }
      codes: [{ match: "^OP-(?<operator>[0-9]{4})$" }]
      """
    let folder = try ScratchFolder()
    let gun = try SimulatedScanner(link: folder.file("gun"))
    let device = DeviceSettings(
      name: "gun-1", station: "ST10", map: try loadedMap(map), link: .scanner(.port(path: gun.link)))
    let reports = Reports()
    let bytes = try await recorded([device], into: reports) { _ in
      try await eventually("it is open") { await reports.states.last == .online }
      _ = try await gun.scan(Array("OP-0815\r".utf8))
      try await gun.send(Array("SN".utf8))
      try await eventually("the half frame is given up") { await reports.all.count >= 3 }
      _ = try await gun.scan(Array("7\r".utf8))
    }
    let recording = try Recording(bytes, name: "gun.jsonl")
    let replay = try Replay(recording, map: loadedMap(recording.head.text).map)
    let found = replay.outcomes.compactMap { if case .scan(let scan) = $0.kind { scan } else { nil } }
    let told = await reports.all.compactMap { if case .scan(let scan) = $0 { scan } else { nil } }
    #expect(found.map(\.raw) == told.map(\.raw) && found.map(\.problem) == told.map(\.problem))
    #expect(found.map(\.text) == ["OP-0815", nil, "7"] && found[0].roles == [.init("operator", "0815")])
    #expect(replay.outcomes.contains { $0.kind == .written("answer \"\\x06\", accepted") })
  }

  @Test func `whoever looks on tells a device nothing`() async throws {
    let plc = try TestPLC()
    plc[holding: 100] = 5
    plc[holding: 110] = 4
    let reports = Reports()
    let device = settings("press-1", port: plc.port, map: try loadedMap(Self.text)).unanswered
    try await running([device], into: reports) { _ in
      try await eventually("the PLC was asked") { plc.seen.count > 10 }
    }
    #expect(plc.written.isEmpty && plc.seen.allSatisfy { (1...4).contains($0.function) })
  }

  @Test func `a file that is none, or was changed, is refused by its line; a cut-off end is left out`() throws {
    let good = try recording([("sent", "000100000006010300010003"), ("received", "00010000000901030600070000")])
    let bytes = good.head.bytes + good.entries.flatMap(\.bytes)
    func fault(_ bytes: [UInt8]) -> String {
      do throws(Recording.Fault) {
        _ = try Recording(bytes, name: "x")
        return ""
      } catch { return error.description }
    }
    #expect(fault([]).hasPrefix("x:1: it is no recording"))
    #expect(fault(Array("time;tag\n1;2\n".utf8)).hasPrefix("x:1: it is no recording"))
    #expect(fault(Array(#"{"lotline":"recording","version":2}"#.utf8)).contains("version 2; this program reads"))
    #expect(fault(Array(#"{"lotline":"recording","version":1}"#.utf8)).contains("needs the text \"device\""))
    #expect(fault(good.head.bytes + Array("{\"way\":1}\n".utf8) + good.entries[0].bytes).hasPrefix("x:2: found a line"))
    let odd = String(decoding: bytes, as: UTF8.self).replacing("\"sent\":\"00", with: "\"sent\":\"0")
    #expect(fault(Array(odd.utf8)).hasPrefix("x:2: found a line"))
    let cut = try Recording(Array(bytes.dropLast(9)), name: "x")
    #expect(cut.isCutOff && cut.entries == [good.entries[0]])
    let mailed = try Recording(
      Array(String(decoding: bytes, as: UTF8.self).replacing("\n", with: "\r\n").utf8), name: "x")
    #expect(mailed.entries == good.entries && !mailed.isCutOff)
    let changed = String(decoding: bytes, as: UTF8.self).replacing("holding:1\\\"", with: "holding:2\\\"")
    #expect(try !Recording(Array(changed.utf8), name: "x").head.hasOwnMap && good.head.hasOwnMap)
    #expect(throws: Recording.Fault.self) {
      try Replay(good, map: loadedMap("kind: serial\nframe: { end: \"\\r\" }").map)
    }
  }

  @Test func `whoever reads slowly holds nobody up, and is told what was lost`() async throws {
    let point = TapPoint()
    point.take(.note("nobody hears this"))
    let entries = point.listen()
    for number in 0..<(TapPoint.most + 10) { point.take(.sent([UInt8(truncatingIfNeeded: number)])) }
    var iterator = entries.makeAsyncIterator()
    for _ in 0..<2 { _ = await iterator.next() }
    point.take(.note("last"))
    for _ in 2..<TapPoint.most { _ = await iterator.next() }
    #expect(await iterator.next()?.kind == .note("10 entries were lost here: too many came"))
    #expect(await iterator.next()?.kind == .note("last"))
  }
}
