import Devices
import Events
import Stations
import TestParts
import Testing

@Suite(.timeLimit(minutes: 5)) struct OrderTests {
  @Test func `a report behind a scan waits until the scan has its number`() async throws {
    let line = Line()
    await line.queue.hold()
    async let scanned = line.scan([("lot", "L1")], at: 1)
    try await eventually("the scan is at the queue") { await line.queue.asked == 1 }
    async let read = line.reading(at: 2)
    async let cycled = line.cycle(1, at: 2.5, after: 2.4)
    await line.queue.release()
    let answers = await [scanned, read, cycled]
    #expect(answers == [.accepted, .accepted, .accepted])
    let reading = try #require(await line.queue.all(ReadingData.self).first?.data)
    #expect(reading.stamp?["lot"] == "L1" && reading.stamp?.origin(of: "lot") == .sequence(1))
    #expect(await line.queue.all(CycleData.self).first?.data.stamp?["lot"] == "L1")
  }

  @Test func `readings do not wait for each other's commits, scans do for theirs`() async throws {
    let line = Line()
    await line.reading(at: 0)  // the first commit shows in which life of the queue we are
    await line.queue.hold()
    await withTaskGroup { group in
      for index in 1...5 { group.addTask { await line.reading(at: Double(index)) } }
      try? await eventually("all five are at the queue") { await line.queue.asked == 6 }
      group.addTask { await line.scan([("lot", "L1")], at: 7) }
      try? await eventually("the scan is at the queue as well") { await line.queue.asked == 7 }
      group.addTask { await line.reading(at: 8) }
      group.addTask { await line.reading(at: 9, group: "cycle-b") }  // another station's
      try? await eventually("the other station's reading is at the queue") { await line.queue.asked == 8 }
      await line.queue.release()
    }
    #expect(await line.queue.asked == 9)
    let stamped = await line.queue.all(ReadingData.self).filter { $0.data.stamp?["lot"] == "L1" }
    #expect(stamped.count == 1)
  }

  @Test func `many reports at once: each cycle is stamped by the newest scan with a smaller number`() async throws {
    let line = Line { $0.unitEnds = .scan }
    await withTaskGroup { group in
      for index in 0..<200 {
        group.addTask {
          switch index % 4 {
          case 0: await line.scan([("unit", "SN\(index)")], at: 1)
          case 1: await line.scan([("lot", "L\(index)")], at: 1)
          case 2: await line.reading(at: 1, value: Int64(index))
          default: await line.cycle(UInt64(1000 + index), at: 1, after: 1)
          }
        }
      }
    }
    let scans = await line.queue.all(ScanData.self)
    let cycles = await line.queue.all(CycleData.self)
    #expect(scans.count == 100 && cycles.count == 50)
    for cycle in cycles {
      for field in ["unit", "lot"] {
        let expected = scans.last { $0.sequence < cycle.sequence && $0.data.roles.first?.name == field }
        #expect(cycle.data.stamp?[field] == expected?.data.roles.first?.value)
        #expect(cycle.data.stamp?.origin(of: field) == expected.map { .sequence($0.sequence) })
      }
    }
    #expect(await line.queue.all(ReadingData.self).count == 50)
  }

  @Test func `only periodic readings may be thinned`() async {
    let line = Line()
    await line.reading(at: 1)
    await line.scan([("lot", "L1")], at: 2)
    await line.cycle(1, at: 3, after: 2.9)
    #expect(await line.queue.entries.map(\.isPeriodic) == [true, false, false])
  }
}
