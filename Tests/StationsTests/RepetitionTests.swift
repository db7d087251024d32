import Devices
import Events
import Stations
import TestParts
import Testing

/// What a scanner sends again because it saw no answer.
@Suite(.timeLimit(minutes: 5)) struct RepetitionTests {
  private func scan(
    _ role: String, _ code: String, at seconds: Double, on line: Line, within: Duration? = .milliseconds(2500),
    _ change: (inout Scan) -> Void = { _ in }
  ) async -> Acceptance {
    var scan = Scan(
      device: "gun-1", moment: Line.at(seconds), raw: Array(code.utf8) + [13], text: code,
      roles: [.init(role, code)])
    scan.repeatWithin = within
    change(&scan)
    return await line.stations.take(.scan(scan))
  }

  private func components(_ line: Line) async -> [String] {
    await line.cycle(1, at: 100, after: 99)
    return await line.queue.all(CycleData.self).last?.data.components.map(\.id) ?? []
  }

  private func repeated(_ line: Line) async -> [Bool] {
    await line.queue.all(ScanData.self).map(\.data.repeated)
  }

  @Test func `a component that the scanner sends three times is one, and each is accepted`() async {
    let line = Line()
    for second in [1.0, 3.0, 5.1] { #expect(await scan("component", "K1", at: second, on: line) == .accepted) }
    #expect(await repeated(line) == [false, true, true])
    #expect(await components(line) == ["K1"])
  }

  @Test func `a fourth is no repetition, since scanners send three times`() async {
    let line = Line()
    for second in [1.0, 2.0, 3.0, 4.0] { _ = await scan("component", "K1", at: second, on: line) }
    #expect(await repeated(line) == [false, true, true, false])
    #expect(await components(line) == ["K1", "K1"])
  }

  @Test func `two scans of the same component after that time are two`() async {
    let line = Line()
    _ = await scan("component", "K1", at: 1, on: line)
    _ = await scan("component", "K1", at: 3.6, on: line)
    #expect(await repeated(line) == [false, false])
    #expect(await components(line) == ["K1", "K1"])
  }

  @Test func `another code in between, and another scanner, make it no repetition`() async {
    let line = Line()
    _ = await scan("component", "K1", at: 1, on: line)
    _ = await scan("component", "K2", at: 1.5, on: line)
    _ = await scan("component", "K1", at: 2, on: line)
    _ = await scan("component", "K1", at: 2.5, on: line) { $0.device = "gun-9" }
    #expect(await repeated(line) == [false, false, false])
    #expect(await components(line) == ["K1", "K2", "K1"])
  }

  @Test func `a scanner without answers repeats nothing`() async {
    let line = Line()
    _ = await scan("component", "K1", at: 1, on: line, within: nil)
    _ = await scan("component", "K1", at: 1.1, on: line, within: nil)
    #expect(await components(line) == ["K1", "K1"])
  }

  @Test func `what was refused is no first time`() async {
    let line = Line()
    await line.queue.refuse(.full("no room"))
    guard case .refused = await scan("component", "K1", at: 1, on: line) else {
      Issue.record("a full queue took a scan")
      return
    }
    await line.queue.refuse(nil)
    #expect(await scan("component", "K1", at: 2, on: line) == .accepted)
    #expect(await repeated(line) == [false])
    #expect(await components(line) == ["K1"])
  }

  @Test func `a repetition to the daemon that was started again is known`() async {
    let line = Line()
    _ = await scan("component", "K1", at: 1, on: line)
    let again = await line.restarted()
    #expect(await scan("component", "K1", at: 3, on: again) == .accepted)
    #expect(await repeated(again).last == true)
    #expect(await components(again) == ["K1"])
  }

  @Test func `a repeated unit ends no second cycle, and a repeated command does nothing`() async {
    let line = Line { $0.cycle = .unitScan }
    _ = await scan("unit", "SN1", at: 1, on: line)
    _ = await scan("unit", "SN1", at: 2, on: line)
    #expect(await line.queue.all(CycleData.self).count == 1)
  }

  @Test func `codes that could not be read are counted each, and refused`() async {
    let line = Line()
    for second in [1.0, 1.5, 2.0] {
      #expect(
        await scan("no-read", "NOREAD", at: second, on: line) == .unusable("the scanner could not read a code"))
    }
    #expect(await line.queue.all(GapData.self).map(\.data.kind) == [.noRead, .noRead, .noRead])
    #expect(await repeated(line) == [false, false, false])
  }

  @Test func `a damaged scan that is sent again is one gap`() async {
    let line = Line()
    for second in [1.0, 2.0] {
      #expect(
        await scan("unit", "SN1", at: second, on: line) {
          $0.roles = []
          $0.problem = "its LRC is 05, its bytes give 00"
        } == .unusable("its LRC is 05, its bytes give 00"))
    }
    #expect(await line.queue.all(GapData.self).count == 1)
  }

  @Test func `a code that the map has refused is kept, refused, and says so`() async throws {
    let line = Line()
    #expect(
      await scan("unit", "?", at: 1, on: line) {
        $0.roles = []
        $0.refusal = "no rule of the map knows it"
      } == .unusable("no rule of the map knows it"))
    let data = try #require(await line.queue.all(ScanData.self).first?.data)
    #expect(data.refused == "no rule of the map knows it" && data.problem == nil)
    #expect(await line.queue.all(GapData.self).isEmpty)
  }

  @Test func `a tag that leaves changes nothing`() async throws {
    let line = Line()
    _ = await scan("carrier", "T1", at: 1, on: line)
    _ = await scan("carrier", "T1", at: 9, on: line) {
      $0.roles = []
      $0.leaving = .init(since: Line.at(1).time, frames: 80)
    }
    let data = try #require(await line.queue.all(ScanData.self).last?.data)
    #expect(data.leaving == .init(since: Line.at(1).time, frames: 80))
    #expect(await line.stations.contexts[0].fields.map(\.value) == ["T1"])
  }
}
