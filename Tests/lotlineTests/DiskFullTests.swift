import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A line PC whose disk is filled by another program, on a real filesystem of 8 MB.
@Suite(.enabled(if: OwnMounts.areAllowed, Comment(rawValue: OwnMounts.reason)), .timeLimit(minutes: 5))
struct DiskFullTests {
  @Test func `a full disk refuses visibly, is drained all the same, and takes again once there is room`() async throws {
    let bench = try await SmallDiskLine { "mount -t tmpfs -o size=8m tmpfs \($0)" }
    var accepted = try await bench.scan(30, until: 0x06)
    #expect(bench.size("queue.db.ballast") == 4_000_000, "the reserve is held")

    try bench.fillDisk()
    accepted += try await bench.scan(200, until: 0x15)
    #expect(accepted.count >= 30)
    try await eventually("the reserve is given away; \(bench.edge.said)") { bench.size("queue.db.ballast") == 0 }
    let status = try #require(try await bench.status())
    #expect(status["queue"]?["accepting"]?.flag == false)
    let why = "the queue is full: the disk under \(bench.path("queue.db")) is full: free space there"
    #expect(status["capturing"]?.text == "not capturing: \(why)")
    // What the reserve gave is taken too: now there is nothing left at all.
    try bench.fillDisk()
    #expect(try await bench.answer(to: "SN900001") == 0x15)

    let central = try bench.line.startCentral()
    try await eventually("all of it is at the central; \(bench.edge.said)", within: .seconds(60)) {
      try await bench.status()?["queue"]?["unsent"]?.whole == 0
    }
    let answers = CentralAnswers(url: bench.line.centralURL)
    let scans = try await answers.all("/v1/events?type=lotline.scan&limit=500")
      .compactMap { $0["data"].flatMap { ScanData($0) }?.text }
    #expect(Set(scans).count == scans.count && Set(scans).isSuperset(of: accepted))
    #expect(!scans.contains("SN900001"), "what was refused is not kept")
    #expect(bench.edge.said.components(separatedBy: "a scan was not kept").count == 2, "\(bench.edge.said)")

    try bench.emptyDisk()
    try await eventually("it takes scans again; \(bench.edge.said)", within: .seconds(30)) {
      try await bench.answer(to: "SN900002") == 0x06
    }
    try await eventually("the reserve is back") { bench.size("queue.db.ballast") == 4_000_000 }
    #expect(bench.edge.said.contains("has room again: events are taken"))
    for program in [bench.edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(15)) == 0, "\(program.said)")
    }
  }
}
