import Devices
import Events
import Foundation
import TestParts
import Testing

/// A line PC whose disk is not full but sick: it fails under the filesystem, has no room for another file, or is slow.
@Suite(
  .enabled(if: LoopDisk.isAllowed, Comment(rawValue: LoopDisk.reason)),
  .enabled(if: FailingCalls.areAllowed, Comment(rawValue: FailingCalls.reason)), .timeLimit(minutes: 5))
struct SickDiskTests {
  @Test func `a filesystem that goes read-only under the queue stops intake, says so, and what was taken is sent`()
    async throws
  {
    // The image is sparse, and in less memory than it may grow to: its blocks fail as those of a dying disk do.
    let bench = try await SmallDiskLine { disk in
      """
      mkdir \(disk).memory; mount -t tmpfs -o size=48m tmpfs \(disk).memory; truncate -s 256M \(disk).memory/image
      mkfs.ext4 -q \(disk).memory/image; mount -o loop,errors=remount-ro \(disk).memory/image \(disk)
      """
    }
    var accepted = try await bench.scan(30, until: 0x06)
    #expect(accepted.count == 30)
    try bench.fillDisk("../disk.memory/filler")
    accepted += try await bench.scan(3000, until: 0x15)
    #expect(accepted.count < 3030, "the disk never failed")
    let status = try #require(try await bench.status())
    #expect(status["queue"]?["accepting"]?.flag == false)
    #expect(status["capturing"]?.text?.hasPrefix("not capturing: ") == true, "\(bench.edge.said)")
    #expect(try await bench.answer(to: "SN900001") == 0x15)
    // A restart would give the disk nothing, and take the page and the sending away.
    _ = bench.manager.heard()
    try await eventually("the watchdog is fed; \(bench.edge.said)") { bench.manager.heard().contains("WATCHDOG=1") }
    try await expectAtCentral(accepted, bench)
    #expect(bench.edge.said.components(separatedBy: "\n").count < 60, "\(bench.edge.said)")
  }

  @Test func `a disk without room for another file costs nothing, under way or at the next start`() async throws {
    let bench = try await SmallDiskLine { try LoopDisk($0, megabytes: 48, inodes: 48).mounting }
    var accepted = try await bench.scan(30, until: 0x06)
    #expect(bench.fillInodes() > 0)
    accepted += try await bench.scan(300, until: 0x06)
    let again = try await bench.killedAndStarted()
    accepted += try await again.scan(30, until: 0x06)
    #expect(accepted.count == 360, "\(bench.edge.said) \(again.edge.said)")
    try await expectAtCentral(accepted, again)
  }

  @Test func `a first start without room for a file ends in one line that says so, and goes well once there is`()
    async throws
  {
    let line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: "/nonexistent/gun-1")])
    let disk = try LoopDisk(line.scratch.file("disk"), megabytes: 48, inodes: 24)
    try line.change("edge.yaml", line.scratch.file("queue.db"), to: "\(disk.path)/queue.db")
    let start = ["edge", "run", "--config", line.edge]
    let full = "\(disk.mounting); i=0; while touch \(disk.path)/filler-$i 2>/dev/null; do i=$((i+1)); done"
    let edge = try OwnMounts.start(start, after: full, in: line.scratch, name: "edge")
    #expect(try await edge.ended() == 1)
    let said = edge.said
    #expect(said.contains("\(disk.path)/queue.db") && said.contains("No space left on device"), "\(said)")
    let room = "\(disk.mounting); rm \(disk.path)/filler-*"
    let again = try OwnMounts.start(start, after: room, in: line.scratch, name: "edge")
    try await eventually("its page is there") { again.said.contains("the page is at") }
    #expect(!again.said.contains("not capturing"), "\(again.said)")
    again.signal(SIGTERM)
    #expect(try await again.ended(within: .seconds(15)) == 0)
  }

  @Test(.enabled(if: Proof.isOn, "takes a minute: runs in make proof"))
  func `Proof: a disk whose every flush takes five seconds keeps the scans, late, and the page answers meanwhile`()
    async throws
  {
    let bench = try await SmallDiskLine {
      "mount -t tmpfs -o size=32m tmpfs \($0)"
    } tracer: { disk in
      FailingCalls.slowFlushes(
        of: ["\(disk)/queue.db", "\(disk)/queue.db-wal"], microseconds: 5_000_000, from: 20,
        log: "\(disk).calls")
    }
    var accepted = try await bench.scan(10, until: 0x06)
    var slow = 0
    for number in 0..<60 where slow < 3 {
      async let answer = bench.answer(to: "SN80\(1000 + number)", within: .seconds(60))
      let status = try await bench.status()
      #expect(status?["source"]?.text == LineFolder.source)
      #expect(try await answer == 0x06)
      accepted.append("SN80\(1000 + number)")
      if FailingCalls.isSlow(log: bench.line.scratch.file("disk.calls")) { slow += 1 }
    }
    #expect(slow == 3, "no flush was slow")
    #expect(try await bench.status()?["queue"]?["accepting"]?.flag == true, "\(bench.edge.said)")
    try await expectAtCentral(accepted, bench)
  }

  /// Starts the central, waits until it has all of the queue, compares, and stops both.
  private func expectAtCentral(_ accepted: [String], _ bench: SmallDiskLine) async throws {
    let central = try bench.line.startCentral()
    let answers = CentralAnswers(url: bench.line.centralURL)
    try await answers.ready()
    var scans: [String] = []
    try await eventually(
      "all of it is at the central; \(bench.edge.said)", within: .seconds(90), every: .milliseconds(100)
    ) {
      scans = try await answers.all("/v1/events?type=lotline.scan&limit=1000")
        .compactMap { $0["data"].flatMap { ScanData($0) }?.text }
      return Set(scans).isSuperset(of: accepted)
    }
    #expect(Set(scans).count == scans.count)
    #expect(!scans.contains("SN900001"), "what was refused is not kept")
    for program in [bench.edge, central] {
      program.signal(SIGTERM)
      #expect(try await program.ended(within: .seconds(60)) == 0, "\(program.said)")
    }
  }
}
