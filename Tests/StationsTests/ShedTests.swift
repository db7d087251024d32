import Devices
import Events
import Stations
import TestParts
import Testing

/// Readings that the queue did not take because it was full.
@Suite(.timeLimit(minutes: 5)) struct ShedTests {
  private let full = Refusal.full("free some space")

  /// Readings at these seconds, refused.
  private func refuse(_ line: Line, at seconds: [Double]) async {
    await line.queue.refuse(full)
    for second in seconds { await line.reading(at: second) }
    await line.queue.refuse(nil)
  }

  @Test func `what was left out is one gap a device once there is room, with count, from and to`() async throws {
    let line = Line()
    await line.reading(at: 0)
    await refuse(line, at: [1, 2, 3])
    await line.stations.tellShed(at: Line.at(4), hasRoom: false)
    #expect(await line.queue.all(GapData.self).isEmpty, "there is no room yet")
    await line.stations.tellShed(at: Line.at(5), hasRoom: true)
    #expect(await line.queue.all(GapData.self).isEmpty, "it may go on yet")
    await line.stations.tellShed(at: Line.at(6), hasRoom: true)
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.kind == .shed && gap.device == "press-1" && gap.station == "ST10" && gap.count == 3)
    #expect(gap.from == Line.at(1).time && gap.to == Line.at(3).time)
    #expect(gap.reason == "readings were left out: the queue is full: free some space")
    await line.stations.tellShed(at: Line.at(60), hasRoom: true)
    #expect(await line.queue.all(GapData.self).count == 1)
  }

  @Test func `the count outlives a kill, and a gap that cannot be written waits`() async throws {
    let line = Line()
    await refuse(line, at: [1, 2])
    await line.stations.tellShed(at: Line.at(2.5), hasRoom: false)
    // Counted after the last look: this one is lost with the kill.
    await refuse(line, at: [2.8])
    let again = await line.restarted()
    await line.queue.refuse(full)
    await again.stations.tellShed(at: Line.at(10), hasRoom: true)
    await line.queue.refuse(nil)
    #expect(await line.queue.all(GapData.self).isEmpty)
    await again.stations.tellShed(at: Line.at(11), hasRoom: true)
    let gap = try #require(await line.queue.all(GapData.self).first?.data)
    #expect(gap.count == 2 && gap.from == Line.at(1).time && gap.to == Line.at(2).time)
    // Told: the next start has nothing more to tell.
    let third = await line.restarted()
    await third.stations.tellShed(at: Line.at(20), hasRoom: true)
    #expect(await line.queue.all(GapData.self).count == 1)
  }

  @Test func `one that lasts is told each minute where there is room, without a hole between its gaps`() async throws {
    let line = Line()
    await refuse(line, at: [0, 59])
    await line.stations.tellShed(at: Line.at(60), hasRoom: true)
    await refuse(line, at: [61])
    await line.stations.tellShed(at: Line.at(65), hasRoom: true)
    let gaps = await line.queue.all(GapData.self).map(\.data)
    #expect(gaps.map(\.count) == [2, 1])
    #expect(gaps.map(\.to) == [Line.at(59).time, Line.at(61).time])
  }

  @Test func `scans and cycles that were refused are no readings left out`() async {
    let line = Line()
    await line.queue.refuse(full)
    await line.scan([("lot", "L1")], at: 1)
    await line.cycle(1, at: 2, after: 1)
    await line.queue.refuse(nil)
    await line.stations.tellShed(at: Line.at(60), hasRoom: true)
    #expect(await line.queue.entries.isEmpty)
  }
}
