import Events
import TestParts
import Testing

@testable import Devices

/// Devices whose code hangs in a call of the system: a scanner whose port is on a filesystem that does not answer.
@Suite(.enabled(if: HungMount.isPossible, Comment(rawValue: HungMount.reason)), .timeLimit(minutes: 5))
struct HangTests {
  private func scanner(_ name: String, _ path: String) throws -> DeviceSettings {
    DeviceSettings(
      name: name, station: "ST10", map: try loadedMap("kind: serial\n" + ScannerBench.acknowledging),
      link: .scanner(.port(path: path)))
  }

  @Test func `one that hangs is given up and started anew, the others go on, and the end waits for neither`()
    async throws
  {
    let folder = try ScratchFolder()
    let hung = try HungMount(folder.file("hung"))
    let plc = try TestPLC()
    let map = try loadedMap(
      """
      kind: modbus
      addresses: zero-based
      groups: { g: { every: 20ms, report: always, tags: { level: { at: "holding:1", type: uint16 } } } }
      """)
    let reports = Reports()
    let devices = [try scanner("gun-1", hung.path + "/gun"), settings("press-1", port: plc.port, map: map)]
    try await running(devices, into: reports) { line in
      try await eventually("the scanner has begun") { line.status[0].beats > 0 }
      for round in 1...3 {
        #expect(await line.replace("gun-1", because: "it hung", lastCycles: [:]), "round \(round)")
        #expect(line.status[0].replacements == UInt64(round) && line.status[0].reason == "it hung")
        let before = await reports.readings.count
        try await eventually("the press is read") { await reports.readings.count > before + 1 }
      }
      #expect(await !line.replace("gun-2", because: "it hung", lastCycles: [:]), "there is none")
      hung.letGo()
      try await eventually("the port is told as missing once the call ends") {
        line.status[0].state == .offline && line.status[0].reason != "it hung"
      }
    }
    let states = await reports.all.compactMap { report in
      if case .state(let state) = report, state.device == "gun-1" { state.reason } else { nil }
    }
    #expect(states.filter { $0 == "it hung" }.count == 3)
    #expect(states.count == 4, "what was given up says nothing more: \(states)")
    #expect(await reports.holes.contains { $0.device == "gun-1" && $0.reason == "it hung" })
  }

  @Test func `so many may hang at a time and no more, and those that came back make room`() async throws {
    let folder = try ScratchFolder()
    let hung = try HungMount(folder.file("hung"))
    let reports = Reports()
    try await running([try scanner("gun-1", hung.path + "/gun")], into: reports) { line in
      for _ in 0..<LineDevices.mostHanging {
        try await eventually("it has begun") { line.status[0].beats > 0 }
        #expect(await line.replace("gun-1", because: "it hung", lastCycles: [:]))
      }
      try await eventually("it has begun") { line.status[0].beats > 0 }
      #expect(await !line.replace("gun-1", because: "it hung", lastCycles: [:]))
      hung.letGo()
      try await eventually("those given up come back") {
        await line.replace("gun-1", because: "it hung", lastCycles: [:])
      }
    }
  }
}
