import Devices
import Events
import Stations
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct ScanGapTests {
  @Test func `a damaged scan is kept, is a gap, and changes nothing`() async throws {
    let line = Line()
    await line.scan([("lot", "L1")], at: 1)
    await line.scan([("lot", "L2")], at: 2, problem: "the frame is longer than 200 bytes")
    let entry = try #require(await line.queue.entries.last)
    #expect(entry.events.map(\.type) == [.scan, .gap])
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .unreadableScan && gap.device == "gun-1" && gap.station == "ST10")
    #expect(gap.reason == "the frame is longer than 200 bytes")
    #expect(await line.stations.contexts[0].fields.map(\.value) == ["L1"])
  }

  @Test func `a scanner that says it could not read is a gap`() async throws {
    let line = Line()
    await line.scan([("no-read", "NOREAD")], at: 1)
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .noRead && gap.from == Line.at(1).time && gap.count == 1)
  }

  @Test func `a code that matches no rule is kept and has no effect`() async {
    let line = Line()
    #expect(await line.scan([], at: 1) == .accepted)
    #expect(await line.queue.lines.map(\.event.type) == [.scan])
  }
}
