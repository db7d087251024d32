import Devices
import Events
import Foundation
import Glibc
import TestParts
import Testing

/// A line PC whose disk is filled by another program, on a real filesystem of 8 MB.
@Suite(.enabled(if: OwnMounts.areAllowed, Comment(rawValue: OwnMounts.reason)), .timeLimit(.minutes(3)))
struct DiskFullTests {
  @Test func `a full disk refuses visibly, is drained all the same, and takes again once there is room`() async throws {
    let bench = try await Bench()
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

  /// An edge on its small disk, with a scanner.
  private actor Bench {
    nonisolated let line: LineFolder
    nonisolated let edge: Program
    private let gun: SimulatedScanner
    private let scratch: ScratchFolder
    private var next = 100_000

    init() async throws {
      scratch = try ScratchFolder()
      gun = try SimulatedScanner(link: scratch.file("gun-1"))
      line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: gun.link)])
      let disk = line.scratch.file("disk")
      try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
      let settings = try String(contentsOfFile: line.edge, encoding: .utf8)
        .replacing(
          "queue: { path: \(line.scratch.file("queue.db")) }", with: "queue: { path: \(disk)/queue.db, limit: 64MB }")
      try line.scratch.write("edge.yaml", settings)
      edge = try OwnMounts.start(
        ["edge", "run", "--config", line.edge], after: "mount -t tmpfs -o size=8m tmpfs \(disk)", in: line.scratch,
        name: "edge")
      let (edge, gun) = (edge, gun)
      try await eventually("the scanner is read; \(edge.said)") {
        try await gun.scan([0x0D]).isEmpty == false
          || edge.said.contains("gun-1 is online")
      }
    }

    nonisolated func path(_ name: String) -> String { line.scratch.file("disk/\(name)") }

    /// The same file as the edge sees it.
    private nonisolated func seen(_ name: String) -> String { "/proc/\(edge.processIdentifier)/root\(path(name))" }

    nonisolated func size(_ name: String) -> Int? {
      var about = stat()
      return stat(seen(name), &about) == 0 ? Int(about.st_size) : nil
    }

    /// What the scanner hears.
    func answer(to code: String) async throws -> UInt8? { try await gun.scan(Array("\(code)\r".utf8)).first }

    /// Scans one code after the other, `count` of them, or until `answer` where that is a refusal; those accepted.
    func scan(_ count: Int, until wanted: UInt8) async throws -> [String] {
      var accepted: [String] = []
      for _ in 0..<count {
        next += 1
        let heard = try await answer(to: "SN\(next)")
        if heard == 0x06 { accepted.append("SN\(next)") }
        if heard == 0x15, wanted == 0x15 { return accepted }
      }
      return accepted
    }

    /// Writes a file until there is no room for a byte more.
    nonisolated func fillDisk() throws {
      let file = open(seen("filler"), O_WRONLY | O_CREAT | O_APPEND, 0o600)
      guard file >= 0 else { throw Impatience(description: "no filler on the edge's disk") }
      defer { close(file) }
      for step in [1 << 20, 1 << 14, 1 << 10, 1] {
        let bytes = [UInt8](repeating: 0, count: step)
        while write(file, bytes, step) == step {}
      }
    }

    nonisolated func emptyDisk() throws { try FileManager.default.removeItem(atPath: seen("filler")) }

    nonisolated func status() async throws -> JSON? {
      let run = try await Program.run(["status", "--config", line.edge, "--json"], in: line.scratch)
      return JSON(Array(run.output.utf8))
    }
  }
}
