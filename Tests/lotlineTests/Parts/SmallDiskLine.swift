import Devices
import Events
import Foundation
import Glibc
import TestParts

/// An edge whose queue is on a small disk of its own, with a scanner.
actor SmallDiskLine {
  nonisolated let line: LineFolder
  nonisolated let edge: Program
  /// The service manager that the edge tells that it is alive.
  nonisolated let manager: NotifySocket
  private let gun: SimulatedScanner
  private let scratch: ScratchFolder
  private let mounts: String
  private var next = 100_000

  /// `mounting` gives the shell's commands that mount the disk at a path, `tracer` the command line that runs the edge.
  init(mounting: (String) throws -> String, tracer: (String) -> [String] = { _ in [] }) async throws {
    scratch = try ScratchFolder()
    gun = try SimulatedScanner(link: scratch.file("gun-1"))
    line = try LineFolder(plcs: [], scanners: [.init(name: "gun-1", link: gun.link)])
    let disk = line.scratch.file("disk")
    try FileManager.default.createDirectory(atPath: disk, withIntermediateDirectories: true)
    let settings = try String(contentsOfFile: line.edge, encoding: .utf8)
      .replacing(
        "queue: { path: \(line.scratch.file("queue.db")) }", with: "queue: { path: \(disk)/queue.db, limit: 64MB }")
    try line.scratch.write("edge.yaml", settings)
    let preparation = try mounting(disk)
    manager = try NotifySocket(line.scratch)
    edge = try OwnMounts.start(
      ["edge", "run", "--config", line.edge], after: preparation, under: tracer(disk), in: line.scratch,
      name: "edge", environment: ["NOTIFY_SOCKET": manager.path])
    mounts = preparation
    try await isRead()
  }

  private init(_ former: SmallDiskLine, _ edge: Program) async throws {
    (line, gun, scratch, mounts, next) = (former.line, former.gun, former.scratch, former.mounts, await former.next)
    manager = former.manager
    self.edge = edge
    try await isRead()
  }

  /// Kills the edge, and starts it again on the same disk, if that is one that outlives it.
  func killedAndStarted() async throws -> SmallDiskLine {
    try await edge.killed()
    return try await SmallDiskLine(
      self, OwnMounts.start(["edge", "run", "--config", line.edge], after: mounts, in: line.scratch, name: "edge"))
  }

  private func isRead() async throws {
    let gun = gun
    try await eventually("the scanner is read; \(edge.said)") {
      try await gun.scan([0x0D]).isEmpty == false || edge.said.contains("gun-1 is online")
    }
  }

  nonisolated func path(_ name: String) -> String { line.scratch.file("disk/\(name)") }

  /// The same file as the edge sees it.
  nonisolated func seen(_ name: String) -> String { "/proc/\(edge.processIdentifier)/root\(path(name))" }

  nonisolated func size(_ name: String) -> Int? {
    var about = stat()
    return stat(seen(name), &about) == 0 ? Int(about.st_size) : nil
  }

  /// What the scanner hears.
  func answer(to code: String, within limit: Duration = .seconds(5)) async throws -> UInt8? {
    try await gun.scan(Array("\(code)\r".utf8), answerWithin: limit).first
  }

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
  nonisolated func fillDisk(_ filler: String = "filler") throws {
    let file = open(seen(filler), O_WRONLY | O_CREAT | O_APPEND, 0o600)
    guard file >= 0 else { throw Impatience(description: "no filler on the edge's disk") }
    defer { close(file) }
    for step in [1 << 20, 1 << 14, 1 << 10, 1] {
      let bytes = [UInt8](repeating: 0, count: step)
      while write(file, bytes, step) == step {}
    }
  }

  /// Makes empty files until there is room for none; how many.
  nonisolated func fillInodes() -> Int {
    var count = 0
    while true {
      let file = open(seen("filler-\(count)"), O_WRONLY | O_CREAT | O_EXCL, 0o600)
      guard file >= 0 else { return count }
      close(file)
      count += 1
    }
  }

  nonisolated func emptyDisk() throws { try FileManager.default.removeItem(atPath: seen("filler")) }

  nonisolated func status() async throws -> JSON? {
    let run = try await Program.run(["status", "--config", line.edge, "--json"], in: line.scratch)
    return JSON(Array(run.output.utf8))
  }
}
